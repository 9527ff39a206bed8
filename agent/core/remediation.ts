import { backoffMs } from '../../system/time/backoff.ts'
import type { Fallback } from './fallback.ts'
import type { Cause } from './cause.ts'
import { answerTimeoutMs, type Heartbeats } from './heartbeats.ts'
import { nameOf, type Remedy } from './ladder.ts'

/** Which remedy is under way, and which were tried in this silence. Pure; times are monotonic milliseconds. */
export interface Remediation {
  readonly underWay: UnderWay | null
  /** In this turn of the ladder, without help. */
  readonly tried: readonly string[]
  /** How often all of the ladder was tried without success. */
  readonly rounds: number
  /** No further one before this. */
  readonly notBefore: number
}

interface UnderWay {
  /** `apply`: the machine was brought to the plan again. */
  readonly remedy: Remedy | { readonly kind: 'apply' }
  readonly cause: Cause
  readonly since: number
  /** null while it is carried out; then since and until when an answer would prove it. */
  readonly proving: { readonly since: number; readonly until: number } | null
  /** A heartbeat that was sent since then was answered while it is still carried out. */
  readonly hasHelped: boolean
  /** The fallback that this is the failback from; null for a remedy. */
  readonly failbackFrom: Fallback | null
}

export const NO_REMEDIATION: Remediation = { underWay: null, tried: [], rounds: 0, notBefore: -Infinity }

/** Three heartbeats in a row may be lost or late before the remedy is. */
const PROOF_MS = 1_000
const PROOF_TIMEOUTS = 3

const PAUSES = { firstMs: 5_000, ceilingMs: 60_000 } as const

/** The first that was not tried yet; null when all were. */
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

/** It was carried out: now an answer must prove it. */
export function noteExecuted(remediation: Remediation, beats: Heartbeats, now: number): Remediation {
  const { underWay } = remediation
  if (underWay === null) return remediation
  const proofMs = PROOF_MS + PROOF_TIMEOUTS * answerTimeoutMs(beats)
  return { ...remediation, underWay: { ...underWay, proving: { since: now, until: now + proofMs } } }
}

/** It did not help, or could not be carried out. The next one needs fresh evidence. */
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

/** An answer came. A remedy that is still carried out is waited for: two at once would not know which one helped. */
export function noteAnswered({ underWay }: Remediation, sentAt: number | null): Remediation {
  if (underWay === null || underWay.proving !== null) return NO_REMEDIATION
  // A router acts before it says that it is done: the first heartbeats may pass in between.
  const hasHelped = underWay.hasHelped || (sentAt !== null && sentAt >= underWay.since)
  return { ...NO_REMEDIATION, underWay: { ...underWay, hasHelped } }
}
