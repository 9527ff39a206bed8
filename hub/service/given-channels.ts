import type { Alerting } from '../../alerts/alerting.ts'
import type { RegisterAnswer } from '../../protocol/messages.ts'
import type { Home } from '../core/store-document.ts'

/** The channels that homes use too, and who was told of them. Level-triggered: a home is asked to register until it was. */
export interface GivenChannels {
  /** What a registration is answered; nothing where the hub does not know. Counts as told. */
  readonly tell: (home: string) => Pick<RegisterAnswer, 'channels'>
  /** Whether the home should register, since it was told of others. */
  readonly isNews: (home: Pick<Home, 'name'>) => boolean
}

/** What a home counts as told that has not registered since this hub began. */
const NONE = '[]'

/** @param alerting null where no daemon runs. */
export function makeGivenChannels(alerting: () => Pick<Alerting, 'givenToHomes'> | null): GivenChannels {
  /** The channels as text, by home. */
  const told = new Map<string, string>()
  return {
    tell: (home) => {
      const channels = alerting()?.givenToHomes() ?? null
      if (channels === null) return {}
      told.set(home, JSON.stringify(channels))
      return { channels: channels.map(({ name, settings }) => ({ name, settings: { ...settings } })) }
    },
    isNews: ({ name }) => {
      const channels = alerting()?.givenToHomes() ?? null
      return channels !== null && JSON.stringify(channels) !== (told.get(name) ?? NONE)
    },
  }
}
