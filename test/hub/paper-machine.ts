import type { Adapter } from '../../adapters/adapter.ts'
import type { TunnelSpec } from '../../adapters/spec.ts'
import type { Problem } from '../../problems/problem.ts'
import { UNTOUCHED } from '../adapters/untouched.ts'

/** A machine that only remembers what it should look like: for what a hub does besides changing machines. */
export interface PaperMachine extends Adapter {
  /** What it was last brought to. */
  readonly spec: TunnelSpec | null
  readonly applied: number
  /** Steps fail with this until it is null again. */
  problem: Problem | null
  /** A step waits for it. */
  hold: Promise<void>
}

export function paperMachine(): PaperMachine {
  let spec: TunnelSpec | null = null
  let wanted: TunnelSpec | null = null
  let applied = 0
  const machine: PaperMachine = {
    problem: null,
    hold: Promise.resolve(),
    get spec() {
      return spec
    },
    get applied() {
      return applied
    },
    describe: async () => ({ kind: 'linux', model: 'paper', version: '1', dataPlane: 'userspace', remedies: [] }),
    observe: async () => UNTOUCHED,
    plan: (_observed, desired) => {
      wanted = desired[0] ?? null
      const same = JSON.stringify(wanted) === JSON.stringify(spec)
      return {
        steps: same ? [] : [{ kind: 'bring-up', interface: wanted?.interface ?? '' }],
        refusals: [],
        warnings: [],
      }
    },
    execute: async () => {
      const target = wanted
      await machine.hold
      if (machine.problem !== null) throw machine.problem
      spec = target
      applied += 1
    },
    remedy: async () => undefined,
    close: async () => undefined,
  }
  return machine
}
