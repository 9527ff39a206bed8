import type { HubConfig } from './config.ts'

/** The settings in effect. Read them whenever they are needed, since hub.yaml may change under a running hub. */
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
