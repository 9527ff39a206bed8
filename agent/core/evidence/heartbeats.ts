/**
 * The heartbeats of one tunnel: which are under way, what came back, how long that took. Pure; times are monotonic
 * milliseconds.
 */
export interface Heartbeats {
  readonly nextSequence: number
  /** Heartbeats sent and not answered yet, oldest first; the newest 128 at most. */
  readonly underWay: readonly UnderWay[]
  readonly lastSentAt: number | null
  readonly answeredAt: number | null
  /** Heartbeats that became overdue since the last answer. */
  readonly missesInARow: number
  /** Outcomes of the last heartbeats that were not part of an outage, oldest first. */
  readonly outcomes: readonly Outcome[]
  readonly roundTrip: RoundTrip | null
}

type Outcome = 'answered' | 'missed'

interface UnderWay {
  readonly sequence: number
  readonly sentAt: number
  readonly overdue: boolean
}

/** RFC 6298, section 2: the smoothed round trip and its variation. */
interface RoundTrip {
  readonly lastMs: number
  readonly smoothedMs: number
  readonly variationMs: number
  readonly samples: number
}

/** How many outcomes the loss ratio looks back over: eight minutes of heartbeats each 5 s. */
const OUTCOMES = 100

/** Spans of outcomes, the newest, in which the everyday loss is looked for. */
const SPANS = [12, 25, OUTCOMES] as const

/** Bounds of the everyday loss. Of what is worse than the worst no tunnel can be made. */
const LEAST_LOSS = 0.01
const WORST_LOSS = 0.7

/** An answer that comes later than this says nothing about the round trip any more. */
const LONGEST_ROUND_TRIP_MS = 10_000

/** WireGuard keeps at most 128 packets while it has no key, and sends them when it has one: their answers count. */
const MOST_UNDER_WAY = 128

/** Samples from which on the measured round trip is trusted to set the timeout. */
const WELL_KNOWN_SAMPLES = 4

/** A sequence number has 32 bits on the wire. */
const SEQUENCES = 2 ** 32

export function noHeartbeats(firstSequence: number): Heartbeats {
  return {
    nextSequence: firstSequence % SEQUENCES,
    underWay: [],
    lastSentAt: null,
    answeredAt: null,
    missesInARow: 0,
    outcomes: [],
    roundTrip: null,
  }
}

/** The sequence of the heartbeat sent is `nextSequence` as it was before. */
export function noteSent(beats: Heartbeats, now: number): Heartbeats {
  return {
    ...beats,
    nextSequence: (beats.nextSequence + 1) % SEQUENCES,
    underWay: [...beats.underWay, { sequence: beats.nextSequence, sentAt: now, overdue: false }].slice(-MOST_UNDER_WAY),
    lastSentAt: now,
  }
}

/** null when the answer belongs to no heartbeat under way: a copy, a very late one, or not ours. */
export function noteAnswer(beats: Heartbeats, sequence: number, now: number): Heartbeats | null {
  const answered = beats.underWay.find((one) => one.sequence === sequence)
  if (answered === undefined) return null
  const tookMs = now - answered.sentAt
  // A late heartbeat was already counted as missed, and turns out not to be.
  const missed = Math.max(0, beats.missesInARow - (answered.overdue ? 1 : 0))
  const outcomes: Outcome[] = [
    ...beats.outcomes,
    ...Array.from({ length: missed }, (): Outcome => 'missed'),
    'answered',
  ]
  return {
    ...beats,
    underWay: beats.underWay.filter((one) => one !== answered),
    answeredAt: now,
    missesInARow: 0,
    outcomes: outcomes.slice(-OUTCOMES),
    roundTrip: tookMs > LONGEST_ROUND_TRIP_MS ? beats.roundTrip : sampled(beats.roundTrip, tookMs),
  }
}

/** Whether a later heartbeat was answered before this one, which is under way. */
export function isOvertaken({ underWay, nextSequence }: Heartbeats, sequence: number): boolean {
  const sentLater = (nextSequence - 1 - sequence + SEQUENCES) % SEQUENCES
  const waitingLater = underWay.length - 1 - underWay.findIndex((one) => one.sequence === sequence)
  return waitingLater < sentLater
}

/** The hub's machine answered through the tunnel, and its daemon did not: as good as an answer, without a round trip. */
export function noteCarried(beats: Heartbeats, now: number): Heartbeats {
  return { ...beats, underWay: [], missesInARow: 0, answeredAt: now }
}

/** Counts the heartbeats that are overdue by now. */
export function noteOverdue(beats: Heartbeats, now: number): Heartbeats {
  const timeoutMs = answerTimeoutMs(beats)
  const isLate = (one: UnderWay): boolean => !one.overdue && now >= one.sentAt + timeoutMs
  const late = beats.underWay.filter(isLate).length
  if (late === 0) return beats
  return {
    ...beats,
    underWay: beats.underWay.map((one) => (isLate(one) ? { ...one, overdue: true } : one)),
    missesInARow: beats.missesInARow + late,
  }
}

/** Misses of an outage are no measure of the line's everyday loss, and are left out of it. */
export function forgiveMisses(beats: Heartbeats): Heartbeats {
  return beats.missesInARow === 0 ? beats : { ...beats, missesInARow: 0 }
}

/** When the oldest heartbeat that is still waited for becomes overdue; null when there is none. */
export function overdueAt(beats: Heartbeats): number | null {
  const waiting = beats.underWay.find((one) => !one.overdue)
  return waiting === undefined ? null : waiting.sentAt + answerTimeoutMs(beats)
}

/**
 * How long an answer may take. Unknown round trip: a second, RFC 6298's floor. Seen a few times: half a second, or four
 * times what was seen. Well known: RFC 6298, 2.3, without that floor, since a heartbeat too many costs 108 bytes and a
 * second of blindness costs a call.
 */
export function answerTimeoutMs({ roundTrip }: Heartbeats): number {
  if (roundTrip === null) return 1_000
  if (roundTrip.samples < WELL_KNOWN_SAMPLES) return Math.min(5_000, Math.max(500, 4 * roundTrip.smoothedMs))
  return Math.min(5_000, Math.max(300, roundTrip.smoothedMs + 4 * roundTrip.variationMs))
}

/** The loss ratio, 0 … 1, including the heartbeats missed right now. */
export function lossRatio(beats: Heartbeats): number {
  const recent = beats.outcomes.slice(Math.max(0, beats.outcomes.length + beats.missesInARow - OUTCOMES))
  const missed = recent.filter((outcome) => outcome === 'missed').length + beats.missesInARow
  const all = recent.length + beats.missesInARow
  return all === 0 ? 0 : missed / all
}

/**
 * The line's everyday loss, 0 … 1: how often the heartbeat after an answered one is missed. A row of misses counts once,
 * however long, so that an outage is no measure of the line; a row by itself says nothing of the next heartbeat. The
 * worst of the spans is taken: a line that became bad a minute ago is a bad line.
 */
export function everydayLoss({ outcomes }: Heartbeats): number {
  const ofSpans = SPANS.map((span) => lossOf(outcomes.slice(-span)))
  return Math.min(WORST_LOSS, Math.max(...ofSpans))
}

function lossOf(outcomes: readonly Outcome[]): number {
  const rows = outcomes.filter((outcome, index) => outcome === 'missed' && outcomes[index - 1] !== 'missed').length
  const answered = outcomes.filter((outcome) => outcome === 'answered').length
  return rows < 2 ? LEAST_LOSS : rows / answered
}

/**
 * How many misses in a row mean more than the line's everyday loss p: the smallest k with p^k of a day's 17,280
 * heartbeats below one false doubt in ten days, as an accrual failure detector suspects (Hayashibara et al., SRDS 2004).
 * 1 % needs 3, 5 % needs 5, 40 % needs 14.
 */
export function missesThatCount(beats: Heartbeats): number {
  return Math.ceil(Math.log(0.1 / 17_280) / Math.log(everydayLoss(beats)))
}

function sampled(before: RoundTrip | null, tookMs: number): RoundTrip {
  // RFC 6298, 2.2 and 2.3: alpha 1/8, beta 1/4; the variation is updated with the old smoothed value.
  if (before === null) return { lastMs: tookMs, smoothedMs: tookMs, variationMs: tookMs / 2, samples: 1 }
  return {
    lastMs: tookMs,
    variationMs: before.variationMs * 0.75 + Math.abs(before.smoothedMs - tookMs) * 0.25,
    smoothedMs: before.smoothedMs * 0.875 + tookMs * 0.125,
    samples: before.samples + 1,
  }
}
