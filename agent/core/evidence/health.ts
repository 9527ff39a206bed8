import type { Cause } from './cause.ts'

/**
 * The health of a tunnel. Every moment is monotonic milliseconds, so that an NTP step at boot cannot fake an outage.
 *
 *   starting ──answer──▶ up ──misses──▶ doubtful ──time, or the line or the hub is proven away──▶ offline
 *      └──────time──────────────────────────────────────────────────────────────────────────────▶┘
 *   starting, doubtful, offline ──cause proven that has a remedy──▶ healing ──registrar lost──▶ offline
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
  /** The cause is null while it is not proven. */
  | { readonly kind: 'offline'; readonly since: number; readonly cause: Cause | null }

/** The signs that heartbeats give at one moment. */
export interface Signs {
  /** An answer has come just now. */
  readonly answered: boolean
  readonly missesInARow: number
  /** How many misses are more than everyday loss. */
  readonly missesThatCount: number
}

/** How long `starting` lasts: the first handshake may need a few initiations, 5 s apart each (REKEY_TIMEOUT). */
const STARTING_MS = 30_000

/** How long WireGuard may repair itself: four initiations of a lost session, or a hub that starts again. */
const DOUBTFUL_MS = 20_000

/** How long a tunnel is down before a VPN that carries it is suspected. What else helps has mostly helped by then. */
const SUSPICIOUS_MS = 8_000

/** How long an outage may end at any moment: until then asking each second costs little. */
const HOPEFUL_MS = 600_000

/** Judges the signs of one moment; returns the same object when nothing changed. */
export function judge(health: Health, signs: Signs, now: number): Health {
  if (signs.answered) return { kind: 'up', since: health.kind === 'up' ? health.since : now, provenAt: now }
  switch (health.kind) {
    case 'up':
      return signs.missesInARow >= signs.missesThatCount ? { kind: 'doubtful', since: now } : health
    case 'starting':
    case 'doubtful':
      return now >= (endsAt(health) ?? Infinity) ? { kind: 'offline', since: now, cause: null } : health
    case 'healing':
    case 'offline':
      return health
    default:
      return health satisfies never
  }
}

/** When this health ends by time alone; null when it does not. */
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

/** Whether it is away, or was down for so long that a VPN which carries it is suspected. */
export function isDark(health: Health, now: number): boolean {
  return health.kind === 'offline' || (health.kind !== 'up' && now - health.since >= SUSPICIOUS_MS)
}

/** The proven cause of the silence; null while there is none. */
export function causeOf(health: Health): Cause | null {
  return health.kind === 'healing' || health.kind === 'offline' ? health.cause : null
}

/**
 * How long after the last heartbeat, sent at `sentAt`, the next one goes out.
 * @param calmMs the gap while all is well.
 */
export function heartbeatGapMs(health: Health, missesInARow: number, calmMs: number, sentAt: number): number {
  switch (health.kind) {
    case 'starting':
      // The aim is to be ready within two seconds of the start; after five there is no hurry that a handshake could
      // follow.
      return sentAt - health.since < 5_000 ? 250 : 1_000
    case 'up':
      return missesInARow === 0 ? calmMs : Math.min(calmMs, 250)
    case 'doubtful':
      return 250
    case 'healing':
      if (sentAt - health.since < 15_000) return 250
      return sentAt - health.since < HOPEFUL_MS ? 1_000 : 5_000
    case 'offline':
      // Without a session WireGuard sends nothing but its initiations, each 5 s: heartbeats then cost no traffic. A hub
      // that does not know this home will not know it in the next second either.
      return sentAt - health.since < HOPEFUL_MS && health.cause !== 'home-unknown' ? 1_000 : 5_000
    default:
      return health satisfies never
  }
}
