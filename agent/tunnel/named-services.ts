import { isIPv4 } from 'node:net'
import { reasonOf } from '../../problems/problem.ts'
import { PROTOCOL_VERSION } from '../../protocol/messages.ts'
import { type NamedTarget, PublicationSchema, rangeText } from '../../protocol/publications.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import { acceptsTcp, movedTargets, type TargetLooks } from '../lan/moved-targets.ts'
import { askRegistrar } from '../registrar/ask-registrar.ts'
import { resolveHub } from '../registrar/hub-addresses.ts'
import type { SecretFolders } from '../secrets/home-secret.ts'
import { readBearer } from '../secrets/secrets.ts'
import type { TunnelConfig } from '../settings/config.ts'

/** Lets published services follow their host names, when they are no longer where they were. */
export interface NamedServices {
  /** Takes the services that the hub knows by name; undefined: the hub did not say. */
  readonly take: (named: readonly NamedTarget[] | undefined) => void
  readonly run: (signal: AbortSignal) => Promise<void>
}

export interface NamedServicesDeps {
  readonly config: () => TunnelConfig
  /** Asks the hub to lead the service elsewhere. @throws {Problem} */
  readonly move: (target: NamedTarget, address: string, signal: AbortSignal) => Promise<void>
  readonly looks?: TargetLooks
  readonly everyMs?: number
  readonly log: Log
}

/** How often names are looked up while there are any: a service that moved is back within a minute. */
const LOOK_EVERY_MS = 30_000

const BY_SYSTEM: TargetLooks = {
  resolve: async (host) =>
    (await resolveHub([host], AbortSignal.timeout(5_000)))?.filter((address) => isIPv4(address)) ?? null,
  accepts: acceptsTcp,
}

export function makeNamedServices(deps: NamedServicesDeps): NamedServices {
  const { config, move, looks = BY_SYSTEM, everyMs = LOOK_EVERY_MS, log } = deps
  let targets: readonly NamedTarget[] = []
  /** What was refused or lost is said once, until it is something else. */
  let said = ''

  async function look(signal: AbortSignal): Promise<void> {
    for (const { target, address } of await movedTargets(targets, config().lan, looks)) {
      const facts = { port: rangeText(target), host: target.host, from: target.address, to: address }
      try {
        await move(target, address, signal)
        targets = targets.map((one) => (one === target ? { ...target, address } : one))
        log.info(facts, 'a published service moved with its name')
        said = ''
      } catch (thrown) {
        const why = reasonOf(thrown)
        if (!signal.aborted && why !== said)
          log.warn({ ...facts, why }, 'a published service could not follow its name')
        said = why
      }
    }
  }

  return {
    take: (named) => {
      if (named !== undefined) targets = named
    },
    run: async (signal) => {
      while (!signal.aborted) {
        await sleep(everyMs, signal)
        if (signal.aborted) return
        await look(signal).catch((thrown: unknown) =>
          log.warn({ why: reasonOf(thrown) }, 'the names of published services could not be looked up'),
        )
      }
    },
  }
}

/** Asks the hub over its registrar; the same name tells it that the publication moves. */
export async function movePublication(
  {
    folders,
    config,
    hosts,
  }: { readonly folders: SecretFolders; readonly config: TunnelConfig; readonly hosts: readonly string[] },
  { source, ...target }: NamedTarget,
  address: string,
  signal: AbortSignal,
): Promise<void> {
  const { port, certificate, addresses } = config.hub
  await askRegistrar(
    { hosts: hosts.length > 0 ? hosts : addresses, port, certificate },
    {
      what: `moving ${rangeText(target)} to ${address}`,
      method: 'POST',
      path: '/v1/publications',
      body: { version: PROTOCOL_VERSION, ...target, address, source },
      answer: PublicationSchema,
      bearer: await readBearer(folders, config.home),
      signal,
    },
  )
}
