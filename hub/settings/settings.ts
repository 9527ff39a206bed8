import type { HubConfig } from './config.ts'

/** The settings in force. Whoever needs one asks for it when it is needed, since hub.yaml may change under a hub that runs. */
export interface Settings {
  readonly current: HubConfig
  readonly take: (next: HubConfig) => void
}

export function makeSettings(initial: HubConfig): Settings {
  let current = initial
  return {
    get current() {
      return current
    },
    take: (next) => {
      current = next
    },
  }
}
