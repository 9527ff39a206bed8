import type { Remedy } from '../../../../agent/core/ladder.ts'
import type { Endpoint } from '../../../../wireguard/spec.ts'
import { causes, simulate, start, told, WAYS, type World } from './simulation.ts'

export const FAULT_AT = 100_000
export const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]

/** A tunnel that was up for a while, and then this. */
export function after(world: (broken: { cured: boolean }) => World, forMs = 60_000) {
  const up = simulate(start(), 0, FAULT_AT)
  const broken = { cured: false }
  const end = simulate(up.watch, up.now, FAULT_AT + forMs, world(broken))
  const back = told(end.actions).find(([kind]) => kind === 'up')
  return { ...end, healedMs: back === undefined ? null : back[1] - FAULT_AT, causes: causes(end.actions) }
}

/** Heartbeats are lost until a remedy of this kind was carried out. */
export const until =
  (kind: Remedy['kind'], rest: World = {}) =>
  (broken: { cured: boolean }): World => ({
    heartbeat: () => (broken.cured ? 'answered' : 'lost'),
    remedy: (remedy) => {
      if (remedy.kind === kind) broken.cured = true
      return true
    },
    ...rest,
  })
