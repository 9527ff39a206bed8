import type { Log } from '../../system/process/log.ts'
import { noteDeviceFiles } from '../core/device-files.ts'
import type { Occupied } from '../core/lan.ts'
import { moveNetwork, type NetworkMove } from '../core/move-network.ts'
import type { HubConfig } from '../settings/config.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'

/** Puts a changed hub.yaml in force: with another network, homes and devices get other places in the tunnel. */
export interface NewSettings {
  /** What another network would change. @throws {Problem} as `take` does. */
  readonly previewNetwork: (network: string) => Promise<NetworkMove>
  /** @throws {Problem} `network-not-followed`, or that the network is in use or too small; hub.yaml is not in force then. */
  readonly take: (next: HubConfig) => Promise<void>
  /** Why hub.yaml is not in force; none: it is. */
  readonly warnings: () => readonly string[]
  /** Notes why hub.yaml is not in force. @param next settings to try again by themselves; null: none. */
  readonly noteRefused: (why: string, next: HubConfig | null) => void
  /** Takes what was refused, if that can be now: a home that could not follow may have been upgraded since, or removed. */
  readonly tryAgain: () => Promise<void>
}

export interface NewSettingsDeps {
  readonly settings: Settings
  readonly store: Store
  readonly ownNetworks: (tunnelInterface: string) => Promise<readonly Occupied[]>
  /** Called when they are in force. */
  readonly onTaken: () => void
  readonly log: Log
}

export function makeNewSettings({ settings, store, ownNetworks, onTaken, log }: NewSettingsDeps): NewSettings {
  let refused: string | null = null
  let waiting: HubConfig | null = null

  async function take(next: HubConfig): Promise<void> {
    const { network } = settings.current
    if (next.network !== network) {
      const own = await ownNetworks(settings.current.interface)
      const move = await store.update((document) => {
        const [moved, move] = moveNetwork(document, network, next.network, own)
        return [noteDeviceFiles(document, moved, { before: network, after: next.network }), move]
      })
      log.info({ ...move }, 'the tunnel has another network')
    }
    settings.take(next)
    refused = null
    waiting = null
    onTaken()
  }

  return {
    previewNetwork: async (network) => {
      const own = await ownNetworks(settings.current.interface)
      return moveNetwork(store.document, settings.current.network, network, own)[1]
    },
    take,
    warnings: () => (refused === null ? [] : [refused]),
    noteRefused: (why, next) => {
      refused = why
      waiting = next
    },
    tryAgain: async () => {
      if (waiting !== null) await take(waiting).catch(() => undefined)
    },
  }
}
