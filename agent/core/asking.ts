import { failbackEveryMs } from './fallback.ts'
import { causeOf } from './evidence/health.ts'
import { hintDueAt } from './hints.ts'
import { sizesDueAt } from './evidence/path-mtu.ts'
import { REKEY_AFTER_TIME } from '../../wireguard/timers.ts'
import type { Watch } from './state.ts'

/** When each kind of question is due. Pure; monotonic milliseconds; Infinity while one is under way or none is wanted. */

/** How many misses in a row are worth a few packets of asking: one lost heartbeat is everyday. */
const SUSPICIOUS_MISSES = 2

const FIRST_ECHO_MS = 100
/** How long until the endpoints are asked again while all is well, to know which of them answer. */
const CALM_ECHO_MS = 600_000
/** How long until echoes lost at first, or to the hub's firewall, are repeated: unanswered ones prove nothing. */
const UNPROVEN_ECHO_MS = 120_000
/** The same, where a round began before it was known where the interface sends, as on a busy machine. */
const UNPLACED_ECHO_MS = 15_000
const STARTING_ECHO_MS = 1_000

/** A hub that does not know this home answers no echo: echoes find out when it does again, and need not hurry. */
const UNKNOWN_ECHO_MS = 15_000

const UPLINK_AGAIN_MS = 10_000

const PROOF_AGAIN_MS = 1_000

/**
 * How often the machine's own state is looked at: not every kind of router reports its changes. Where it does, looks are
 * the net under the events, once all has been calm for a while.
 */
const RESTORE_MS = { idle: 8_000, inUse: 2_000, followed: 60_000 } as const
const CALM_AFTER_MS = 20_000

/** How long after it was due a handshake is looked for: what begins it is the next packet, a heartbeat at the latest. */
const REKEY_SEEN_MS = 3_000

/** How much later the look that is the net may come, so as to be the one for a handshake too. */
const ONE_LOOK_MS = 10_000

export function echoesDueAt({ asking, health, heartbeats, fallback, remediation }: Watch): number {
  if (asking.isEchoPending || remediation.underWay !== null) return Infinity
  const last = asking.echoedAt ?? -Infinity
  switch (health.kind) {
    case 'up':
      if (heartbeats.missesInARow >= SUSPICIOUS_MISSES) return last + 500
      if (fallback !== null && fallback.trial === null) return last + failbackEveryMs(fallback)
      if (asking.echoedAt === null) return health.since + FIRST_ECHO_MS
      if (asking.round?.current === null) return last + UNPLACED_ECHO_MS
      return last + (asking.echoTrust === 'trusted' ? CALM_ECHO_MS : UNPROVEN_ECHO_MS)
    case 'starting':
      return Math.max(health.since + STARTING_ECHO_MS, last + 1_000)
    case 'doubtful':
      return last + 300
    case 'healing':
    case 'offline':
      if (causeOf(health) === 'home-unknown') return last + UNKNOWN_ECHO_MS
      return last + outagePaceMs(last - health.since)
    default:
      return health satisfies never
  }
}

/** Pace of asking: the longer an outage lasts, the less another second of it weighs. */
function outagePaceMs(lastedMs: number): number {
  if (lastedMs < 10_000) return 300
  if (lastedMs < 120_000) return 1_000
  return lastedMs < 900_000 ? 5_000 : 15_000
}

/**
 * When the tunnel is to prove itself without the hub's daemon: after a refusal, in doubt, and where the daemon is known
 * to be silent, or nothing of it answers. While a remedy is under way the daemon's own answers must do.
 */
export function proofDueAt({ asking, health, heartbeats, registration, remediation, isDaemonSilent }: Watch): number {
  if (asking.isProofPending) return Infinity
  if (asking.isRefused) return -Infinity
  if (remediation.underWay !== null || (health.kind === 'up' && heartbeats.missesInARow === 0)) return Infinity
  const isDue = isDaemonSilent || health.kind === 'doubtful' || registration.registrar === 'unreachable'
  return isDue ? (asking.proofAskedAt ?? -Infinity) + PROOF_AGAIN_MS : Infinity
}

export function uplinkDueAt({ asking, health, registration, evidence }: Watch): number {
  if (asking.isUplinkPending || health.kind === 'up') return Infinity
  // Whoever reaches the hub has a line.
  if (registration.registrar !== 'unreachable' || evidence.silentRounds === 0) return Infinity
  return evidence.uplink === null ? -Infinity : evidence.uplink.at + UPLINK_AGAIN_MS
}

export function sizesAskedAt({
  asking,
  health,
  fallback,
  remediation,
  pathMtu,
  heartbeats,
  inUseUntil,
}: Watch): number {
  if (
    health.kind !== 'up' ||
    asking.echoTrust === 'unproven' ||
    // During a trial the tunnel goes by the better endpoint.
    (fallback?.on === 'transport' && fallback.trial === null) ||
    remediation.underWay !== null
  )
    return Infinity
  return sizesDueAt(pathMtu, health.since, (heartbeats.lastSentAt ?? 0) < inUseUntil)
}

/** When the machine is looked at next; not during a remedy, whose changes are its own business. */
export function reconcileDueAt(watch: Watch): number {
  const { asking, remediation, heartbeats, inUseUntil } = watch
  if (remediation.underWay !== null) return Infinity
  const isInUse = (heartbeats.lastSentAt ?? 0) < inUseUntil
  // At the first suspicion: what was removed on this machine is the one thing that can be known for sure.
  const isSuspicious = heartbeats.missesInARow >= SUSPICIOUS_MISSES
  if (isSuspicious && asking.reconciledAt < (heartbeats.answeredAt ?? -Infinity)) return -Infinity
  const pace = isInUse ? RESTORE_MS.inUse : RESTORE_MS.idle
  return Math.min(
    hintDueAt(asking.hints, asking.reconciledAt, asking.lookedAt),
    isCarefree(watch) ? rareLookAt(watch) : asking.reconciledAt + pace,
  )
}

/** The machine tells what changes, all has been well for a while, and nothing is on trial that only looks decide. */
function isCarefree({ asking, health, heartbeats, fallback }: Watch): boolean {
  return (
    asking.hints.isFollowed &&
    health.kind === 'up' &&
    heartbeats.missesInARow === 0 &&
    (fallback === null || fallback.trial === null) &&
    asking.reconciledAt >= health.since + CALM_AFTER_MS
  )
}

/** A handshake that is due is looked for as ever: no event tells of it, and a key that is not replaced in time ends. */
function rareLookAt({ asking, handshake }: Watch): number {
  const rekeyed = handshake.stamp === null ? Infinity : handshake.since + REKEY_AFTER_TIME + REKEY_SEEN_MS
  const net = asking.reconciledAt + RESTORE_MS.followed
  const due = Math.max(asking.reconciledAt + RESTORE_MS.idle, rekeyed)
  // One look is both, where they would follow one another: a small router feels each.
  return due <= net + ONE_LOOK_MS ? due : net
}
