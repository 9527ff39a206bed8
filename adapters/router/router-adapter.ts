import { isIP } from 'node:net'
import { Problem } from '../../problems/problem.ts'
import type { Adapter, Description, TunnelRepair } from '../adapter.ts'
import type { Observation } from '../observation.ts'
import type { TunnelSpec } from '../spec.ts'
import type { Plan, Step } from '../step.ts'
import { describeStep } from '../describe-step.ts'
import { isIn, networkOf } from '../../net/prefix.ts'

/** The parts of an adapter that differ by the kind of router; the rest is common. */
export interface RouterDeps {
  /** The router as its owner named it: a host name or an address. */
  readonly host: string
  /** A description for people: its name and its address, as far as they are known. */
  readonly name: () => string
  /** The literal address at which the router is reached now; null while it is not. */
  readonly reachedAt: () => string | null
  readonly describe: (signal: AbortSignal) => Promise<Description>
  readonly observe: Adapter['observe']
  /** @param host the router's address as it is reached. */
  readonly plan: (observed: Observation, desired: readonly TunnelSpec[], host: string) => Plan
  readonly execute: (step: Step, signal: AbortSignal) => Promise<void>
  readonly remedy: (remedy: TunnelRepair, signal: AbortSignal) => Promise<void>
  readonly follow: NonNullable<Adapter['follow']>
  readonly close: () => void
  /** The Problem for an error that is none yet, in the kind's own words. @param what reads well before ` failed`. */
  readonly stepFailed: (what: string, router: string, thrown: unknown) => Problem
  readonly questionFailed: (what: string, router: string, thrown: unknown) => Problem
}

/** The adapter for a router that is reached over the network: every error names it, and no plan cuts the way to it. */
export function routerAdapter(deps: RouterDeps): Adapter {
  const { host, name, reachedAt, stepFailed, questionFailed } = deps
  let description: Description | null = null
  /** The tunnel's own networks as last seen, by interface. */
  let networks: ReadonlyMap<string, readonly string[]> | null = null
  const address = (): string => (isIP(host) === 0 ? (reachedAt() ?? host) : host)

  async function observe(...how: Parameters<Adapter['observe']>): Promise<Observation> {
    const observed = await deps.observe(...how)
    networks = new Map(observed.interfaces.map(({ name, addresses }) => [name, addresses.map(networkOf)]))
    return observed
  }

  return {
    async describe(signal) {
      try {
        description ??= await deps.describe(signal)
        return description
      } catch (thrown) {
        throw questionFailed('looking what it is', name(), thrown)
      }
    },

    async observe(...how) {
      try {
        return await observe(...how)
      } catch (thrown) {
        throw questionFailed('looking at the tunnel', name(), thrown)
      }
    },

    plan: (observed, desired) => deps.plan(observed, desired, address()),

    async execute(step, signal) {
      try {
        await deps.execute(step, signal)
      } catch (thrown) {
        throw stepFailed(describeStep(step), name(), thrown)
      }
    },

    async remedy(remedy, signal) {
      const what = `trying ${remedy.kind} for ${remedy.interface}`
      try {
        if (networks?.has(remedy.interface) !== true) await observe(signal)
        if (isIn(address(), networks?.get(remedy.interface) ?? []))
          throw new Problem('router-through-tunnel', {
            what,
            why: `the router's address ${address()} is reached through the tunnel that the remedy would interrupt`,
          })
        await deps.remedy(remedy, signal)
      } catch (thrown) {
        throw stepFailed(what, name(), thrown)
      }
    },

    follow: deps.follow,

    async close() {
      deps.close()
    },
  }
}
