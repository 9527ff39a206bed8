import { backoffMs } from '../../system/time/backoff.ts'
import { REJECT_AFTER_TIME, REKEY_AFTER_TIME, REKEY_TIMEOUT, REKEY_TIMEOUT_JITTER } from '../../wireguard/timers.ts'
import type { Fallback } from './fallback.ts'
import type { Cause } from './evidence/cause.ts'
import { answerTimeoutMs, type Heartbeats } from './evidence/heartbeats.ts'
import { nameOf, type Remedy } from './ladder.ts'

/** Which remedy is under way, and which were tried in this silence. Pure; times are monotonic milliseconds. */
export interface Remediation {
  readonly underWay: UnderWay | null
  /** Remedies that failed in this turn of the ladder. */
  readonly tried: readonly string[]
  /** How often all of the ladder was tried without success. */
  readonly rounds: number
  /** No further remedy starts before this moment. */
  readonly notBefore: number
}

interface UnderWay {
  /** `apply`: the machine was brought to the plan again. */
  readonly remedy: Remedy | { readonly kind: 'apply' }
  readonly cause: Cause
  readonly since: number
  /** null while the remedy is being executed; then since and until when an answer would prove it. */
  readonly proving: { readonly since: number; readonly until: number } | null
  /** A heartbeat sent since the remedy began was answered while the remedy is still being executed. */
  readonly hasHelped: boolean
  /** The fallback that this remedy is the failback from; null for an ordinary remedy. */
  readonly failbackFrom: Fallback | null
}

export const NO_REMEDIATION: Remediation = { underWay: null, tried: [], rounds: 0, notBefore: -Infinity }

/** Time to prove a remedy: three heartbeats in a row may be lost or late before the remedy counts as failed. */
const PROOF_MS = 1_000
const PROOF_TIMEOUTS = 3

/** How long a silence leaves the key as good as it was: the rest of the time from its renewal to its end. */
const KEY_DOUBTFUL_MS = REJECT_AFTER_TIME - REKEY_AFTER_TIME

const PAUSES = { firstMs: 5_000, ceilingMs: 60_000 } as const

/** The first remedy that was not tried yet; null when all were. */
export function nextRemedy(remediation: Remediation, remedies: readonly Remedy[]): Remedy | null {
  return remedies.find((remedy) => !remediation.tried.includes(nameOf(remedy))) ?? null
}

export function noteBegun(
  remediation: Remediation,
  remedy: UnderWay['remedy'],
  cause: Cause,
  now: number,
): Remediation {
  return {
    ...remediation,
    underWay: { remedy, cause, since: now, proving: null, hasHelped: false, failbackFrom: null },
  }
}

/** The remedy was executed: now an answer must prove it. */
export function noteExecuted(remediation: Remediation, beats: Heartbeats, now: number): Remediation {
  const { underWay } = remediation
  if (underWay === null) return remediation
  const proofMs = PROOF_MS + PROOF_TIMEOUTS * answerTimeoutMs(beats) + handshakeMs(underWay.remedy, beats, now)
  return { ...remediation, underWay: { ...underWay, proving: { since: now, until: now + proofMs } } }
}

/**
 * How long WireGuard may take to shake hands on another endpoint: it repeats an initiation after five seconds, and does not
 * know that the path has changed. With a living key nothing of it is needed.
 */
function handshakeMs({ kind }: UnderWay['remedy'], { answeredAt }: Heartbeats, now: number): number {
  const isKeyDoubtful = answeredAt === null || now - answeredAt > KEY_DOUBTFUL_MS
  return kind === 'carrier' || (kind === 'set-endpoint' && isKeyDoubtful) ? REKEY_TIMEOUT + REKEY_TIMEOUT_JITTER : 0
}

/** The remedy did not help, or could not be executed. The next one needs fresh evidence. */
export function noteFailed({ underWay, tried, rounds, notBefore }: Remediation): Remediation {
  const remedy = underWay?.remedy
  const name = remedy === undefined || remedy.kind === 'apply' ? [] : [nameOf(remedy)]
  return { underWay: null, tried: [...tried, ...name], rounds, notBefore }
}

/** The ladder begins again, after a pause that grows: the evidence may have been of something that passes. */
export function noteLadderEnded(remediation: Remediation, now: number): Remediation {
  const rounds = remediation.rounds + 1
  return { underWay: null, tried: [], rounds, notBefore: now + backoffMs(PAUSES, rounds) }
}

/** An answer came. A remedy still being executed is waited for: with two at once nobody would know which one helped. */
export function noteAnswered({ underWay }: Remediation, sentAt: number | null): Remediation {
  if (underWay === null || underWay.proving !== null) return NO_REMEDIATION
  // A router acts before it reports that it is done: the first heartbeats may pass in between.
  const hasHelped = underWay.hasHelped || (sentAt !== null && sentAt >= underWay.since)
  return { ...NO_REMEDIATION, underWay: { ...underWay, hasHelped } }
}
