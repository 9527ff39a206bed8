import type { RegisterAnswer } from '../../protocol/messages.ts'
import { farApart } from '../../protocol/neighbours.ts'
import type { PublishedStandings } from '../../protocol/publications.ts'
import { howToEndSharing } from '../core/shared-home.ts'
import type { Log } from '../../system/process/log.ts'

type Heard = Pick<RegisterAnswer, 'published' | 'waiting' | 'shared' | 'channels' | 'runs' | 'addresses'>

/** Takes the channels for alerts that the hub gives. */
export type TakeChannels = (channels: NonNullable<Heard['channels']>) => void

/** What the hub said of this home with its last answer, for whoever asks for the status. */
export interface HeardFromHub {
  readonly take: (answer: Heard) => void
  /** What the hub's checks know of the home's publications; null: it does not check by itself. */
  readonly published: () => PublishedStandings | null
  readonly warnings: () => readonly string[]
}

/** @param version of this homeward. */
export function makeHeardFromHub(log: Pick<Log, 'warn'>, takeChannels: TakeChannels, version: string): HeardFromHub {
  let published: PublishedStandings | null = null
  let waiting: readonly string[] = []
  let shared = false
  let hubRuns: string | null = null
  const farWarnings = (): readonly string[] => {
    const far =
      hubRuns === null ? null : farApart({ name: 'this home', runs: version }, { name: 'the hub', runs: hubRuns })
    return far === null ? [] : [far]
  }
  return {
    take: (answer) => {
      published = answer.published ?? null
      if (answer.channels !== undefined) takeChannels(answer.channels)
      const isNews = answer.waiting.join() !== waiting.join()
      waiting = answer.waiting
      if (answer.shared && !shared) log.warn(SHARED)
      shared = answer.shared
      hubRuns = answer.runs ?? null
      for (const warning of isNews ? waitingWarnings(waiting) : []) log.warn(warning)
    },
    published: () => published,
    warnings: () => [...(shared ? [SHARED] : []), ...waitingWarnings(waiting), ...farWarnings()],
  }
}

const SHARED = `another machine has this home’s key and secret too, and each takes the tunnel from the other: its card was copied, or taken; ${howToEndSharing()}`

function waitingWarnings(waiting: readonly string[]): readonly string[] {
  if (waiting.length === 0) return []
  return [
    `the hub leads nothing to ${waiting.join(', ')} of this LAN before its owner allows it, on the hub: sudo homeward hub approve (lists what this home asks for)`,
  ]
}
