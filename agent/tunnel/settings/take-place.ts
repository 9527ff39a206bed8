import { reasonOf } from '../../../problems/problem.ts'
import type { Log } from '../../../system/process/log.ts'
import { type LocalNetworks, readLocalNetworks } from '../../lan/local-networks.ts'
import type { NewEvent } from '../../memory/events.ts'
import { keepPlace, type Place } from '../../settings/place.ts'
import type { Settings } from './settings.ts'
import { whyNoPlace } from '../../lan/why-no-place.ts'

export interface PlaceTakerDeps {
  readonly stateDir: string
  readonly settings: Pick<Settings, 'current' | 'takePlace'>
  /** Reads the networks of this machine but the tunnel's. Default: anew. */
  readonly localNetworks?: (except: string) => Promise<Pick<LocalNetworks, 'connected' | 'routed'>>
  /** Brings the machine to the settings. */
  readonly follow: () => void
  readonly note: (event: NewEvent) => void
  readonly log: Pick<Log, 'info' | 'warn'>
}

export interface PlaceTaker {
  /** Takes the place in the tunnel's network that the hub gives this home now, and keeps it. Never throws. */
  readonly take: (place: Place) => Promise<void>
  /** What status says of a place that was not taken. */
  readonly warnings: () => readonly string[]
}

export function makePlaceTaker({
  stateDir,
  settings,
  localNetworks = readLocalNetworks,
  follow,
  note,
  log,
}: PlaceTakerDeps): PlaceTaker {
  let refused: string | null = null

  return {
    warnings: () => (refused === null ? [] : [refused]),
    take: async (place) => {
      const { address, network } = place
      const why = whyNoPlace(place, settings.current, await localNetworks(settings.current.interface))
      const before = refused
      refused = why === null ? null : refusal(why, settings.current.hub.network)
      if (refused !== null) {
        if (refused !== before) log.warn(refused)
        return
      }
      log.info({ address, network }, 'the hub gives this home another place in the tunnel')
      note({ kind: 'place', address, network })
      try {
        await keepPlace(stateDir, settings.takePlace(place))
      } catch (thrown) {
        // Without the file the next start asks the hub again.
        log.warn({ why: reasonOf(thrown) }, 'the new place could not be written down')
      }
      follow()
    },
  }
}

const refusal = (why: string, present: string): string =>
  `the hub gives the tunnel a network that this home does not take: ${why}. The tunnel keeps ${present} here, and does not carry while the hub has the other. Give it another one on the hub: sudo homeward hub init --network CIDR; if nobody changed it there, somebody may have taken the hub over`
