import type { NotificationKind } from '../core/state.ts'

/** One message to people, the same for every channel. */
export interface Message {
  /** Unique, and the same on every try. */
  readonly id: string
  readonly kind: NotificationKind | 'summary' | 'test'
  /** When it happened, ISO 8601, UTC. It may be sent much later. */
  readonly at: string
  readonly home: string
  /** One line, plain text. */
  readonly title: string
  /** Some lines, plain text. */
  readonly text: string
  /** What it is about, for programs; null for tests and summaries. */
  readonly incident: { readonly id: string; readonly cause: string } | null
}

/** How much it matters, for channels that know such a thing. */
export type Weight = 'bad' | 'good' | 'neutral'

export function weightOf({ kind }: Message): Weight {
  switch (kind) {
    case 'down':
    case 'unstable':
    case 'reminder':
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
