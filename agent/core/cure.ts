import { backoffMs } from '../../system/time/backoff.ts'
import type { Away } from './away.ts'
import type { Cause } from './cause.ts'
import { answerTimeoutMs, type Heartbeats } from './heartbeats.ts'
import { nameOf, type Remedy } from './ladder.ts'

/** Which remedy is under way, and which were tried in this silence. Pure; times are monotonic milliseconds. */
export interface Cure {
  readonly underWay: UnderWay | null
  /** In this turn of the ladder, without help. */
  readonly tried: readonly string[]
  /** How often all of the ladder was tried in vain. */
  readonly turns: number
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
  /** The detour that this is the way back from; null for a cure. */
  readonly backFrom: Away | null
}

export const NO_CURE: Cure = { underWay: null, tried: [], turns: 0, notBefore: -Infinity }

/** Three heartbeats in a row may be lost or late before the remedy is. */
const PROOF_MS = 1_000
const PROOF_TIMEOUTS = 3

const PAUSES = { firstMs: 5_000, ceilingMs: 60_000 } as const

/** The first that was not tried yet; null when all were. */
export function nextRemedy(cure: Cure, remedies: readonly Remedy[]): Remedy | null {
  return remedies.find((remedy) => !cure.tried.includes(nameOf(remedy))) ?? null
}

export function noteBegun(cure: Cure, remedy: UnderWay['remedy'], cause: Cause, now: number): Cure {
  return { ...cure, underWay: { remedy, cause, since: now, proving: null, hasHelped: false, backFrom: null } }
}

/** It was carried out: now an answer must prove it. */
export function noteCarriedOut(cure: Cure, beats: Heartbeats, now: number): Cure {
  const { underWay } = cure
  if (underWay === null) return cure
  const proofMs = PROOF_MS + PROOF_TIMEOUTS * answerTimeoutMs(beats)
  return { ...cure, underWay: { ...underWay, proving: { since: now, until: now + proofMs } } }
}

/** It did not help, or could not be carried out. The next one needs fresh evidence. */
export function noteFailed({ underWay, tried, turns, notBefore }: Cure): Cure {
  const remedy = underWay?.remedy
  const name = remedy === undefined || remedy.kind === 'apply' ? [] : [nameOf(remedy)]
  return { underWay: null, tried: [...tried, ...name], turns, notBefore }
}

/** The ladder begins again, after a pause that grows: the evidence may have been of something that passes. */
export function noteLadderEnded(cure: Cure, now: number): Cure {
  const turns = cure.turns + 1
  return { underWay: null, tried: [], turns, notBefore: now + backoffMs(PAUSES, turns) }
}

/** An answer came. A remedy that is still carried out is waited for: two at once would not know which one helped. */
export function noteAnswered({ underWay }: Cure, sentAt: number | null): Cure {
  if (underWay === null || underWay.proving !== null) return NO_CURE
  // A router acts before it says that it is done: the first heartbeats may pass in between.
  const hasHelped = underWay.hasHelped || (sentAt !== null && sentAt >= underWay.since)
  return { ...NO_CURE, underWay: { ...underWay, hasHelped } }
}
