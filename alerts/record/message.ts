import type { NotificationKind } from '../core/state.ts'

/** One message to people, the same for every channel. */
export interface Message {
  /** Unique, and the same on every try. */
  readonly id: string
  readonly kind: NotificationKind | 'security' | 'summary' | 'test'
  /** When the event happened, ISO 8601, UTC. The message may be sent much later. */
  readonly at: string
  readonly home: string
  /** One line, plain text. */
  readonly title: string
  /** Some lines, plain text. */
  readonly text: string
  /** The incident that the message is about, for programs; null for tests and summaries. */
  readonly incident: { readonly id: string; readonly cause: string } | null
}

/** The importance of a message, for channels that have such a thing. */
export type Weight = 'bad' | 'good' | 'neutral'

export function weightOf({ kind }: Message): Weight {
  switch (kind) {
    case 'down':
    case 'unstable':
    case 'reminder':
    // Whoever did not do it must hear of it as of an outage.
    case 'security':
      return 'bad'
    case 'recovered':
    case 'steady':
      return 'good'
    case 'summary':
    case 'test':
      return 'neutral'
    default:
      return kind satisfies never
  }
}
