import { reasonOf } from '../../../problems/problem.ts'
import type { Log } from '../../../system/process/log.ts'
import type { NewEvent } from '../../memory/events.ts'
import { keepPlace, type Place } from '../../settings/place.ts'
import type { Settings } from './settings.ts'

export interface TakePlaceDeps {
  readonly stateDir: string
  readonly settings: Pick<Settings, 'takePlace'>
  /** Brings the machine to the settings. */
  readonly follow: () => void
  readonly note: (event: NewEvent) => void
  readonly log: Log
}

/** Takes the place in the tunnel's network that the hub gives this home now, and keeps it. Never throws. */
export async function takePlace({ stateDir, settings, follow, note, log }: TakePlaceDeps, place: Place): Promise<void> {
  const { address, network } = place
  log.info({ address, network }, 'the hub gives this home another place in the tunnel')
  note({ kind: 'place', address, network })
  try {
    await keepPlace(stateDir, settings.takePlace(place))
  } catch (thrown) {
    // Without the file the next start asks the hub again.
    log.warn({ why: reasonOf(thrown) }, 'the new place could not be written down')
  }
  follow()
}
