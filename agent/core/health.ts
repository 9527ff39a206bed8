import type { Cause } from './cure.ts'

/**
 * How a tunnel is. Every moment is monotonic milliseconds, so that an NTP step at boot cannot fake an outage.
 *
 *   starting ──answer──▶ up ──misses──▶ doubtful ──time──▶ offline
 *      └──────time──────────────────────────────────────────▶┘
 *   starting, doubtful, offline ──cause proven──▶ healing ──registrar lost──▶ offline
 *   any state ──answer──▶ up
 */
export type Health =
  /** The agent has just begun and has heard nothing yet. */
  | { readonly kind: 'starting'; readonly since: number }
  /** `provenAt`: when the last answer came. */
  | { readonly kind: 'up'; readonly since: number; readonly provenAt: number }
  /** More heartbeats are missing than the line's everyday loss explains. */
  | { readonly kind: 'doubtful'; readonly since: number }
  /** The cause is known, and a remedy for it is under way or will be tried again. */
  | { readonly kind: 'healing'; readonly since: number; readonly cause: Cause }
  | { readonly kind: 'offline'; readonly since: number }

/** What heartbeats say at one moment. */
export interface Evidence {
  /** An answer has come just now. */
  readonly answered: boolean
  readonly missesInARow: number
  /** From how many misses on it is more than everyday loss. */
  readonly missesThatCount: number
}

/** The first handshake may need a few initiations, 5 s apart each (REKEY_TIMEOUT). */
const STARTING_MS = 30_000

/** Long enough for WireGuard's own cures: four initiations of a lost session, or a hub that starts again. */
const DOUBTFUL_MS = 20_000

/** Judges the evidence of one moment. The same object comes back when nothing changed. */
export function judge(health: Health, evidence: Evidence, now: number): Health {
  if (evidence.answered) return { kind: 'up', since: health.kind === 'up' ? health.since : now, provenAt: now }
  switch (health.kind) {
    case 'up':
      return evidence.missesInARow >= evidence.missesThatCount ? { kind: 'doubtful', since: now } : health
    case 'starting':
    case 'doubtful':
      return now >= (endsAt(health) ?? Infinity) ? { kind: 'offline', since: now } : health
    case 'healing':
    case 'offline':
      return health
    default:
      return health satisfies never
  }
}

/** When this state ends by time alone; null when it does not. */
export function endsAt(health: Health): number | null {
  switch (health.kind) {
    case 'starting':
      return health.since + STARTING_MS
    case 'doubtful':
      return health.since + DOUBTFUL_MS
    case 'up':
    case 'healing':
    case 'offline':
      return null
    default:
      return health satisfies never
  }
}

/** How long after the last heartbeat, which went out at `sentAt`, the next one goes out. */
export function heartbeatGapMs(health: Health, missesInARow: number, idleMs: number, sentAt: number): number {
  switch (health.kind) {
    case 'starting':
      // Ready within two seconds of the start is the aim; after five there is no hurry that a handshake could follow.
      return sentAt - health.since < 5_000 ? 250 : 1_000
    case 'up':
      return missesInARow === 0 ? idleMs : Math.min(idleMs, 500)
    case 'doubtful':
      return 500
    case 'healing':
    case 'offline':
      // Without a session WireGuard sends nothing but its initiations, each 5 s: these cost no traffic.
      return sentAt - health.since < 60_000 ? 1_000 : 5_000
    default:
      return health satisfies never
  }
}
