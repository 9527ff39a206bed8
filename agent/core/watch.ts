import { NO_HINTS, noteLooking } from './hints.ts'
import { echoesDueAt, proofDueAt, reconcileDueAt, sizesAskedAt, uplinkDueAt } from './asking.ts'
import { NO_REMEDIATION } from './remediation.ts'
import { enter, remediated, proven, returned } from './remediate.ts'
import { taken } from './events.ts'
import { NO_EVIDENCE } from './evidence/evidence.ts'
import { endsAt, heartbeatGapMs, judge } from './evidence/health.ts'
import { missesThatCount, noHeartbeats, noteOverdue, noteSent, overdueAt } from './evidence/heartbeats.ts'
import type { Ledger } from './evidence/ledger.ts'
import { newPathMtu, sizesToAsk } from './evidence/path-mtu.ts'
import { NO_HANDSHAKE } from './evidence/rekey.ts'
import { isDue, noteRegistering, notRegistered, registerSoon } from './evidence/registration.ts'
import type { Action, Watch, WatchEvent, WatchSettings } from './state.ts'

/** How long a home that has just come up asks again for the mapping that the hub had not seen yet. */
const CURIOUS_MS = 5_000

/** The knowledge that the agent starts with. */
export interface Beginning {
  readonly ledger: Ledger
  readonly firstSequence: number
  /** The interface's MTU, bytes; less than configured when the line taught that. */
  readonly mtu: number
  readonly helped: Watch['helped']
  /** Failbacks that failed in a row, as an earlier agent left it. Default: none. */
  readonly failbackFailures?: number
}

export function startWatch(settings: WatchSettings, beginning: Beginning, now: number): Watch {
  return {
    settings,
    health: { kind: 'starting', since: now },
    heartbeats: noHeartbeats(beginning.firstSequence),
    registration: notRegistered(now),
    ledger: beginning.ledger,
    evidence: NO_EVIDENCE,
    remediation: NO_REMEDIATION,
    fallback: null,
    failbackFailures: beginning.failbackFailures ?? 0,
    handshake: NO_HANDSHAKE,
    pathMtu: newPathMtu(settings.mtu, beginning.mtu),
    asking: {
      isEchoPending: false,
      echoedAt: null,
      echoTrust: 'unproven',
      round: null,
      isUplinkPending: false,
      isProofPending: false,
      proofAskedAt: null,
      isRefused: false,
      reconciledAt: now,
      lookedAt: now,
      hints: NO_HINTS,
    },
    helped: beginning.helped,
    canForgetFlow: false,
    remediedAt: -Infinity,
    redirectedAt: -Infinity,
    inUseUntil: -Infinity,
    isDaemonSilent: false,
    isShared: false,
    isGone: false,
  }
}

/** The reducer: decides, never acts. `now` is monotonic milliseconds. */
export function next(watch: Watch, event: WatchEvent, now: number): readonly [Watch, readonly Action[]] {
  const actions: Action[] = []
  let [after, answer] = taken(watch, event, now, actions)
  after = { ...after, heartbeats: noteOverdue(after.heartbeats, now) }
  after = proven(after, answer, now, actions)
  // Remedies go first, before time alone could call the tunnel offline: one moment tells one change.
  after = remediated(after, now, actions)
  after = judged(after, answer !== null, now, actions)
  after = returned(after, now, actions)
  after = heartbeatIfDue(after, now, actions)
  after = registerIfDue(after, now, actions)
  after = askIfDue(after, now, actions)
  return [after, actions]
}

/** When time alone will change something: until then there is nothing to do. */
export function wakeAt(watch: Watch): number {
  return Math.min(
    heartbeatDueAt(watch),
    overdueAt(watch.heartbeats) ?? Infinity,
    endsAt(watch.health) ?? Infinity,
    watch.registration.pending === null ? watch.registration.due.at : Infinity,
    watch.remediation.underWay?.proving?.until ?? Infinity,
    echoesDueAt(watch),
    sizesAskedAt(watch),
    uplinkDueAt(watch),
    proofDueAt(watch),
    reconcileDueAt(watch),
  )
}

function judged(watch: Watch, answered: boolean, now: number, actions: Action[]): Watch {
  const { missesInARow } = watch.heartbeats
  // A failback that fails is undone; it is no outage of the uplink.
  if (watch.remediation.underWay?.failbackFrom && !answered) return watch
  const health = judge(
    watch.health,
    { answered, missesInARow, missesThatCount: missesThatCount(watch.heartbeats) },
    now,
  )
  if (health.kind === watch.health.kind) return { ...watch, health }
  const after = enter(watch, health, actions)
  if (health.kind !== 'doubtful' && health.kind !== 'offline') return after
  // The registrar's word is evidence, and something on this machine may have been removed.
  const asking = { ...after.asking, reconciledAt: -Infinity }
  return { ...after, asking, registration: registerSoon(after.registration, 'doubt', now) }
}

function heartbeatIfDue(watch: Watch, now: number, actions: Action[]): Watch {
  if (now < heartbeatDueAt(watch)) return watch
  actions.push({ kind: 'send-heartbeat', sequence: watch.heartbeats.nextSequence })
  return { ...watch, heartbeats: noteSent(watch.heartbeats, now) }
}

function registerIfDue(watch: Watch, now: number, actions: Action[]): Watch {
  if (!isDue(watch.registration, now)) return watch
  actions.push({ kind: 'register', reason: watch.registration.due.reason })
  return { ...watch, registration: noteRegistering(watch.registration, now) }
}

function askIfDue(watch: Watch, now: number, actions: Action[]): Watch {
  let { asking, pathMtu } = watch
  if (now >= echoesDueAt(watch)) {
    actions.push({ kind: 'ask-echoes' })
    asking = { ...asking, isEchoPending: true }
  }
  if (now >= uplinkDueAt(watch)) {
    actions.push({ kind: 'test-uplink' })
    asking = { ...asking, isUplinkPending: true }
  }
  if (now >= proofDueAt(watch)) {
    actions.push({ kind: 'prove-tunnel' })
    asking = { ...asking, isProofPending: true, proofAskedAt: now, isRefused: false }
  }
  if (now >= reconcileDueAt(watch)) {
    actions.push({ kind: 'reconcile' })
    asking = { ...asking, reconciledAt: now, hints: noteLooking(asking.hints) }
  }
  if (now >= sizesAskedAt(watch)) {
    actions.push({ kind: 'ask-sizes', sizes: sizesToAsk(pathMtu) })
    pathMtu = { ...pathMtu, pending: true }
  }
  return asking === watch.asking && pathMtu === watch.pathMtu ? watch : { ...watch, asking, pathMtu }
}

/**
 * How early heartbeats go out: a mapping forgotten just after one is then seen again within the interval, round trip
 * included.
 */
export const EARLY_MS = 200

/** The gap between two heartbeats while all is well: shorter while somebody would notice an outage. */
export function calmGapMs({ settings, heartbeats, inUseUntil }: Watch): number {
  const isInUse = (heartbeats.lastSentAt ?? 0) < inUseUntil
  return isInUse ? Math.min(settings.heartbeatMs, settings.inUseMs) : settings.heartbeatMs
}

function heartbeatDueAt(watch: Watch): number {
  const { health, heartbeats, ledger, remediation } = watch
  const { lastSentAt, missesInARow } = heartbeats
  if (lastSentAt === null) return -Infinity
  const gapMs = heartbeatGapMs(health, missesInARow, calmGapMs(watch) - EARLY_MS, lastSentAt)
  // The hub looks once a second: a home that has just come up asks again for what the hub had not seen yet.
  const isCurious = ledger.current === null && health.kind === 'up' && lastSentAt - health.since < CURIOUS_MS
  const isProving = remediation.underWay !== null && remediation.underWay.proving !== null
  return lastSentAt + Math.min(gapMs, isProving ? 250 : isCurious ? 1_000 : Infinity)
}
