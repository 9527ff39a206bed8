import { reasonOf } from '../../../problems/problem.ts'
import type { Log } from '../../../system/process/log.ts'
import { keepToldAddresses } from '../../settings/told-addresses.ts'
import type { Settings } from './settings.ts'

/**
 * Takes where the hub says that it is reached: before it moves it says the new place too, and whoever knows both finds it
 * there. Whoever answers at one of them has to show the pinned certificate. Never throws.
 * @param told absent: the hub is older and does not say.
 */
export async function takeAddresses(
  stateDir: string,
  settings: Pick<Settings, 'current' | 'takeAddresses'>,
  told: readonly string[] | undefined,
  log: Pick<Log, 'info' | 'warn'>,
): Promise<void> {
  if (told === undefined) return
  const before = settings.current.hub.addresses
  const kept = settings.takeAddresses(told)
  if (kept === null) return
  const { addresses } = settings.current.hub
  const added = addresses.filter((address) => !before.includes(address))
  if (added.length > 0) log.info({ added }, 'the hub says where else it is reached, or will be')
  try {
    await keepToldAddresses(stateDir, kept)
  } catch (thrown) {
    // Without the file the next start hears of it again.
    log.warn({ why: reasonOf(thrown) }, 'the hub’s addresses could not be written down')
  }
}
