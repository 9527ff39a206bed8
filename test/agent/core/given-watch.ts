import { NO_REMEDIATION, noteBegun } from '../../../agent/core/remediation.ts'
import type { EchoRound, PeerView } from '../../../agent/core/evidence/evidence.ts'
import type { Health } from '../../../agent/core/evidence/health.ts'
import type { Action, Watch, WatchEvent } from '../../../agent/core/state.ts'
import { next } from '../../../agent/core/watch.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { mapping, start, WAYS } from './judged/simulation.ts'

export const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
export const MOVED: Endpoint = { address: '198.51.100.12', port: 41_000 }
export const UP: Health = { kind: 'up', since: 20, provenAt: 99_000 }
export const DOUBTFUL: Health = { kind: 'doubtful', since: 98_000 }
export const OFFLINE: Health = { kind: 'offline', since: 98_000, cause: null }
export const UNKNOWN: Health = { ...OFFLINE, cause: 'home-unknown' }
export const HEALING: Health = { kind: 'healing', since: 98_000, cause: 'flow-dead' }

/** At 100000, with nothing due: a heartbeat was sent a second ago, and answered. */
export const NOW = 100_000
export function given(more: Partial<Watch> = {}, asking: Partial<Watch['asking']> = {}): Watch {
  const watch = start()
  return {
    ...watch,
    health: UP,
    heartbeats: { ...watch.heartbeats, nextSequence: 8, lastSentAt: 99_000, answeredAt: 99_020 },
    ledger: { current: { endpoint: mapping, since: 20 }, changes: 0 },
    registration: { ...watch.registration, due: { at: 600_000, reason: 'periodic' }, succeededAt: 50 },
    pathMtu: { ...watch.pathMtu, checkedAt: 50_000 },
    asking: {
      ...watch.asking,
      echoTrust: 'trusted',
      echoedAt: 99_900,
      reconciledAt: 99_900,
      lookedAt: 99_950,
      ...asking,
    },
    ...more,
  }
}

/** With a heartbeat under way that was sent then. */
export function awaiting(sentAt: number, watch: Watch): Watch {
  const underWay = [{ sequence: 7, sentAt, overdue: false }]
  return { ...watch, heartbeats: { ...watch.heartbeats, underWay, lastSentAt: sentAt } }
}

export const answer = (more: Partial<Extract<WatchEvent, { kind: 'answer' }>> = {}): WatchEvent => ({
  kind: 'answer',
  sequence: 7,
  mapping,
  inUse: false,
  asks: false,
  ...more,
})
export const registered = (more: Partial<Extract<WatchEvent, { kind: 'registration-ended' }>> = {}): WatchEvent => ({
  kind: 'registration-ended',
  outcome: 'done',
  mapping: null,
  view: null,
  ...more,
})
export const roundOf = (more: Partial<EchoRound> = {}): EchoRound => ({
  askedAt: 99_500,
  current: FIRST,
  isTransport: false,
  preferred: FIRST,
  answered: WAYS,
  silent: [],
  named: null,
  ...more,
})
export const echoed = (round: EchoRound, view: PeerView | null = null): WatchEvent => ({ kind: 'echoed', round, view })

export function fed(watch: Watch, event: WatchEvent, now = NOW) {
  const [after, actions] = next(watch, event, now)
  return { watch: after, actions, kinds: actions.map(({ kind }) => kind) }
}
export const tick = (watch: Watch, now = NOW) => fed(watch, { kind: 'tick' }, now)

/** A registration that was begun then. */
export const pendingSince = (since: number, watch: Watch): Watch => ({
  ...watch,
  registration: {
    ...watch.registration,
    pending: { since, reason: 'doubt' },
    due: { at: Infinity, reason: 'periodic' },
  },
})
export const remedy = (since: number) => noteBegun(NO_REMEDIATION, { kind: 'new-source-port' }, 'flow-dead', since)
export const told = (actions: readonly Action[]) => actions.filter(({ kind }) => kind.startsWith('tell-'))
