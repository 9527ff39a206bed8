import { reasonOf } from '../../../problems/problem.ts'
import type { Log } from '../../../system/process/log.ts'
import type { NewEvent } from '../../memory/events.ts'
import { heardIdentity, keepHubIdentity, type ToldIdentity, trusted } from '../../settings/hub-identity.ts'
import type { Settings } from './settings.ts'

export interface TakeHubIdentityDeps {
  readonly stateDir: string
  readonly settings: Pick<Settings, 'hubIdentity' | 'takeHubIdentity'>
  /** Brings the machine to the settings. */
  readonly follow: () => void
  readonly note: (event: NewEvent) => void
  readonly log: Log
}

/**
 * Takes what the hub says of its identity: holds the next one that it announces, and follows when it has changed. Cut off
 * before it is written down, the next registration hears it again. Never throws.
 * @param seen the certificate that the registrar showed.
 * @returns whether the hub should hear that this home trusts another certificate now.
 */
export async function takeHubIdentity(
  { stateDir, settings, follow, note, log }: TakeHubIdentityDeps,
  seen: string,
  told: ToldIdentity,
): Promise<boolean> {
  const before = settings.hubIdentity
  const heard = heardIdentity(before, seen, told)
  const isOther = heard.present.certificate !== before.present.certificate
  if (!isOther && heard.next?.certificate === before.next?.certificate) return false
  const { certificate, publicKey } = heard.present
  if (isOther) {
    log.info({ certificate, publicKey }, 'the hub has another key and certificate, which its earlier one has signed')
    note({ kind: 'hub-identity', publicKey, certificate })
  } else if (heard.next !== null)
    log.info({ certificate: heard.next.certificate }, 'the hub has announced another key and certificate')
  else log.info('the hub keeps its key and certificate after all')
  try {
    await keepHubIdentity(stateDir, settings.takeHubIdentity(heard))
  } catch (thrown) {
    // Without the file the next start hears of it again.
    log.warn({ why: reasonOf(thrown) }, 'the hub’s identity could not be written down')
  }
  if (isOther) follow()
  return trusted(heard) !== trusted(before)
}
