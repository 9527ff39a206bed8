import { type Fallback, fellBack } from '../../../agent/core/fallback.ts'
import type { Cause } from '../../../agent/core/evidence/cause.ts'
import { type Remediation, NO_REMEDIATION, noteBegun, noteExecuted } from '../../../agent/core/remediation.ts'
import { type Evidence, type EchoRound, NO_EVIDENCE } from '../../../agent/core/evidence/evidence.ts'
import type { Health } from '../../../agent/core/evidence/health.ts'
import type { Remedy } from '../../../agent/core/ladder.ts'
import type { Action, Watch } from '../../../agent/core/state.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { CARRIER, start, WAYS } from './judged/simulation.ts'

export const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
export const UP: Extract<Health, { kind: 'up' }> = { kind: 'up', since: 100, provenAt: 100 }
export const DOUBTFUL: Extract<Health, { kind: 'doubtful' }> = { kind: 'doubtful', since: 10_000 }
export const HEALING: Extract<Health, { kind: 'healing' }> = { kind: 'healing', since: 11_000, cause: 'flow-dead' }
export const OFFLINE: Extract<Health, { kind: 'offline' }> = { kind: 'offline', since: 11_000, cause: null }

export const ROUND: EchoRound = {
  askedAt: 10_500,
  current: FIRST,
  isTransport: false,
  preferred: FIRST,
  answered: [FIRST, SECOND],
  silent: [],
  named: null,
}

/** Echoes are answered, the hub says that it hears nothing of the tunnel, and two heartbeats were missed since. */
export const FLOW_DEAD: Evidence = {
  ...NO_EVIDENCE,
  round: ROUND,
  view: { peerKnown: true, handshakeSeconds: 60, heardSeconds: 60, initiatedSeconds: null, at: 10_600 },
  reachedAt: 10_600,
}
export const LINE_AWAY: Evidence = {
  ...NO_EVIDENCE,
  round: { ...ROUND, answered: [] },
  silentRounds: 1,
  registrar: { askedAt: 10_000, at: 10_500, reachable: false },
  isNotCarried: true,
  uplink: { gateway: true, beacon: false, at: 10_500, answersSince: null },
}

export function given(more: Partial<Watch> = {}): Watch {
  const watch = start()
  const overdue = (sequence: number, sentAt: number) => ({ sequence, sentAt, overdue: true })
  return {
    ...watch,
    health: DOUBTFUL,
    heartbeats: {
      ...watch.heartbeats,
      lastSentAt: 11_000,
      answeredAt: 5_000,
      missesInARow: 2,
      underWay: [overdue(1, 10_700), overdue(2, 11_000)],
    },
    evidence: FLOW_DEAD,
    asking: { ...watch.asking, echoTrust: 'trusted', round: ROUND, reconciledAt: 9_000, lookedAt: 9_100 },
    // The first registration was done long ago.
    registration: { ...watch.registration, due: { at: 600_000, reason: 'periodic' }, succeededAt: 20 },
    ...more,
  }
}

export const carriedOutSince = (
  since: number,
  remedy: Remedy = { kind: 'new-source-port' },
  cause: Cause = 'flow-dead',
): Remediation => noteBegun({ ...NO_REMEDIATION, tried: ['reset'] }, remedy, cause, since)
/** Until 16000: nothing of this line's round trip is known, and its key is fresh. */
export const proving = (remedy?: Remedy, cause?: Cause): Remediation =>
  noteExecuted(carriedOutSince(11_000, remedy, cause), { ...start().heartbeats, answeredAt: 10_000 }, 12_000)
export const back = (remediation: Remediation, failbackFrom: Fallback): Remediation => ({
  ...remediation,
  underWay: { ...remediation.underWay!, failbackFrom },
})

/** What the state becomes, and what shall be done. */
export function made(step: (actions: Action[]) => Watch): {
  readonly watch: Watch
  readonly actions: readonly Action[]
} {
  const actions: Action[] = []
  return { watch: step(actions), actions }
}

export const DETOUR: Fallback = { ...fellBack('transport', CARRIER, 'udp-blocked', 1_000), goodRounds: 3 }
