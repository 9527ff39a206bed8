import { type EchoRound, type PeerView } from '../../../../agent/core/evidence/evidence.ts'
import { type Heartbeats, noHeartbeats } from '../../../../agent/core/evidence/heartbeats.ts'
import type { Endpoint } from '../../../../wireguard/spec.ts'
import { WAYS } from '../judged/simulation.ts'

export const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
export const MOVED: Endpoint = { address: '203.0.113.99', port: 51_820 }

export const WORD: PeerView = { peerKnown: true, handshakeSeconds: 60, heardSeconds: 60, initiatedSeconds: null }

export const roundOf = (answered: readonly Endpoint[], more: Partial<EchoRound> = {}): EchoRound => ({
  askedAt: 5_000,
  current: FIRST,
  isTransport: false,
  preferred: FIRST,
  answered,
  silent: [],
  named: null,
  ...more,
})
export const SILENT = roundOf([])
export const ANSWERED = roundOf([FIRST, SECOND])
export const ELSEWHERE = roundOf([SECOND])

/** The last twelve outcomes, with so many single misses among them. */
export const lossyOutcomes = (rows: number): Heartbeats['outcomes'] => [
  ...Array.from({ length: rows }, () => ['missed', 'answered'] as const).flat(),
  ...Array.from({ length: 12 - 2 * rows }, () => 'answered' as const),
]

/** Heartbeats that were missed, sent at these moments. */
export const missed = (answeredAt: number | null, ...sentAt: readonly number[]): Heartbeats => ({
  ...noHeartbeats(0),
  answeredAt,
  underWay: sentAt.map((at, sequence) => ({ sequence, sentAt: at, overdue: true })),
  missesInARow: sentAt.length,
})
