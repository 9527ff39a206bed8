import { KEEPALIVE_TIMEOUT, REKEY_AFTER_TIME, REKEY_TIMEOUT, REKEY_TIMEOUT_JITTER } from '../../wireguard/timers.ts'
import type { Heartbeats } from './heartbeats.ts'

/**
 * Why answers stay away, and what is done about it. Pure; times are monotonic milliseconds.
 *
 * A remedy needs two kinds of evidence: heartbeats that were missed, and the registrar's word, out of band, that the hub
 * knows us and is well. And since a line that comes back may let the registrar's TCP through a moment before the next
 * heartbeat, more heartbeats must be missed after that word.
 */

/** `flow-dead`: the hub hears nothing of us. `return-dead`: it hears us, and its answers do not arrive. */
export type Cause = 'flow-dead' | 'return-dead'

/** Another source port is another 5-tuple: past a stale NAT entry, a blocked flow, and on the way back as well. */
export type RemedyKind = 'new-source-port'

/** What the hub said of us when it was asked out of band. */
export interface HubWord {
  readonly peerKnown: boolean
  /** Since it last heard a heartbeat of ours; null when it did not since its daemon began. */
  readonly heardSeconds: number | null
  /** Whether its WireGuard ever shook hands with us since it has us as a peer: not yet, after it was restarted. */
  readonly sessionKnown: boolean
}

export interface Cure {
  /** Of this outage; null: none yet, or used up by a remedy that did not help. */
  readonly word: (HubWord & { readonly at: number }) | null
  readonly remedy: {
    readonly kind: RemedyKind
    readonly cause: Cause
    readonly since: number
    /** null while it is carried out; then until when an answer would prove it. */
    readonly provingUntil: number | null
  } | null
  /** In this outage, without help. */
  readonly failed: number
  /** No further one before this. */
  readonly notBefore: number
}

export const NO_CURE: Cure = { word: null, remedy: null, failed: 0, notBefore: -Infinity }

/** Past the word of the hub, so many heartbeats must be missed. */
const MISSES_AFTER_WORD = 2

/** With a key older than REKEY_AFTER_TIME WireGuard may have to shake hands first, and tries only so often. */
const HANDSHAKE_MS = REKEY_TIMEOUT + REKEY_TIMEOUT_JITTER + 500

/** How long an answer may take to prove a remedy: a few round trips, and one lost packet. */
const PROOF_MS = 4_000

/** A session that the hub lost is noticed by WireGuard itself: KEEPALIVE_TIMEOUT + REKEY_TIMEOUT, and two lost initiations. */
const OWN_CURE_MS = KEEPALIVE_TIMEOUT + 3 * REKEY_TIMEOUT

/** More than a round trip and the registrar's own delay. */
const HEARD_LATER_MS = 1_500

const LONGEST_PAUSE_MS = 60_000

/** The cause that is proven now; null while the evidence does not suffice. */
export function diagnose({ word }: Cure, beats: Heartbeats, now: number): Cause | null {
  if (word === null || !word.peerKnown) return null
  const missed = beats.underWay.filter((one) => one.overdue && one.sentAt >= word.at)
  if (missed.length < MISSES_AFTER_WORD) return null
  if (isSessionOld(beats, now) && now - word.at < HANDSHAKE_MS) return null
  const isWireguardAtIt = !word.sessionKnown && beats.answeredAt !== null && now - beats.answeredAt < OWN_CURE_MS
  if (isWireguardAtIt) return null
  if (word.heardSeconds === null) return 'flow-dead'
  const silentMs = beats.answeredAt === null ? Infinity : word.at - beats.answeredAt
  // What was answered was heard at the same moment. Heard clearly later than that: only the way back is dead.
  return word.heardSeconds * 1_000 + HEARD_LATER_MS < silentMs ? 'return-dead' : 'flow-dead'
}

export function noteWord(cure: Cure, word: HubWord, now: number): Cure {
  return cure.remedy === null ? { ...cure, word: { ...word, at: now } } : cure
}

export function noteRemedyBegun(cure: Cure, cause: Cause, now: number): Cure {
  return { ...cure, remedy: { kind: 'new-source-port', cause, since: now, provingUntil: null } }
}

/** An answer came. A remedy that is still carried out is waited for: two at once would not know which one helped. */
export function noteAnswered(cure: Cure): Cure {
  return cure.remedy?.provingUntil === null ? { ...NO_CURE, remedy: cure.remedy } : NO_CURE
}

/** It was carried out: now an answer must prove it. */
export function noteRemedyDone(cure: Cure, beats: Heartbeats, now: number): Cure {
  if (cure.remedy === null) return cure
  const proofMs = PROOF_MS + (isSessionOld(beats, now) ? HANDSHAKE_MS : 0)
  return { ...cure, remedy: { ...cure.remedy, provingUntil: now + proofMs } }
}

/** It did not help, or could not be carried out. The next needs fresh evidence, and comes after a longer pause. */
export function noteRemedyFailed(cure: Cure, now: number): Cure {
  const failed = cure.failed + 1
  const pauseMs = Math.min(LONGEST_PAUSE_MS, 5_000 * 2 ** Math.min(8, failed - 1))
  return { word: null, remedy: null, failed, notBefore: now + pauseMs }
}

function isSessionOld({ answeredAt }: Heartbeats, now: number): boolean {
  return answeredAt === null || now - answeredAt > REKEY_AFTER_TIME
}
