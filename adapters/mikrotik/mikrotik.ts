import { isIP } from 'node:net'
import { Problem } from '../../problems/problem.ts'
import type { Clock } from '../../system/clock.ts'
import type { Adapter, Description, Observation, Step } from '../adapter.ts'
import { describeStep } from '../describe-step.ts'
import type { RouterAccess } from './api.ts'
import { keepConnection } from './connection.ts'
import { toObservation } from './convert.ts'
import { type Dialect, probeDialect } from './dialect.ts'
import { questionFailed, stepFailed } from './errors.ts'
import { carryOut } from './execute.ts'
import { handshakeTimes } from './handshake-times.ts'
import { readTables } from './menus.ts'
import { isIn, networkOf } from '../network.ts'
import { planMikrotik } from './plan.ts'
import { carryOutRemedy } from './remedy.ts'
import { requireRights } from './rights.ts'
import { makeRollback } from './rollback.ts'

export interface MikrotikAdapterOptions extends RouterAccess {
  /** Where the journal of a change that is not kept yet is. */
  readonly stateDir: string
  readonly clock: Clock
  /** How long the router waits to be told to keep a change; 90 unless said otherwise. */
  readonly rollbackSeconds?: number
}

/** Time for a proof of the tunnel with room to spare, and short enough to wait out. */
const ROLLBACK_SECONDS = 90

/** The adapter for a RouterOS 7 router, over its API. */
export function mikrotikAdapter(options: MikrotikAdapterOptions): Adapter {
  const { host, user, stateDir, clock, rollbackSeconds = ROLLBACK_SECONDS } = options
  const connection = keepConnection(options, clock)
  const handshakeAt = handshakeTimes(clock)
  let known: Dialect | null = null
  let description: Description | null = null
  /** The tunnel's own networks as last seen, by interface. */
  const networks = new Map<string, readonly string[]>()

  async function dialect(signal: AbortSignal): Promise<Dialect> {
    known = await probeDialect(connection.exec, signal)
    return known
  }

  const rollback = makeRollback({ connection, host, stateDir, clock, dialect })

  /** For people: its name and its address. */
  const router = (): string => (known === null ? host : `${known.identity} (${host})`)

  /** As it is reached: a literal where the connection knows one. */
  const address = (): string => (isIP(host) === 0 ? (connection.ends()?.remote ?? host) : host)

  async function describe(signal: AbortSignal): Promise<Description> {
    const { model, identity, version } = await dialect(signal)
    await requireRights(connection.exec, user, signal)
    return {
      kind: 'mikrotik',
      model: `MikroTik ${model} “${identity}”`,
      version,
      dataPlane: 'kernel',
      remedies: ['new-source-port', 'new-session', 'forget-flow', 'rebuild'],
    }
  }

  async function observe(interfaceName: string, signal: AbortSignal): Promise<Observation> {
    await rollback.recover(signal)
    const [tables, links] = await Promise.all([
      readTables(connection.exec, signal),
      connection.exec({ command: '/interface/print', attributes: { '.proplist': 'name,type' } }, signal),
    ])
    const observed = toObservation(interfaceName, { ...tables, links: links.rows }, handshakeAt)
    networks.set(interfaceName, (observed.interface?.addresses ?? []).map(networkOf))
    return observed
  }

  async function execute(step: Step, signal: AbortSignal): Promise<void> {
    switch (step.kind) {
      case 'arm-rollback':
        await rollback.recover(signal)
        return rollback.arm(step.interface, step.seconds, signal)
      case 'keep-changes':
        return rollback.keep(signal)
      case 'revert-changes':
        return rollback.revert(signal)
      case 'remove-interface':
        return rollback.removeInterface(step.interface, signal)
      default: {
        const { peerName } = known ?? (await dialect(signal))
        return carryOut(step, { exec: rollback.exec, signal, peerName })
      }
    }
  }

  return {
    async describe(signal) {
      try {
        description ??= await describe(signal)
        return description
      } catch (thrown) {
        throw questionFailed('looking what it is', router(), thrown)
      }
    },

    async observe(interfaceName, signal) {
      try {
        return await observe(interfaceName, signal)
      } catch (thrown) {
        throw questionFailed('looking at the tunnel', router(), thrown)
      }
    },

    plan: (observed, desired) => planMikrotik(observed, desired, { host: address(), rollbackSeconds }),

    async execute(step, signal) {
      try {
        await execute(step, signal)
      } catch (thrown) {
        throw stepFailed(describeStep(step), router(), thrown)
      }
    },

    async remedy(remedy, signal) {
      const what = `trying ${remedy.kind} for ${remedy.interface}`
      try {
        if (!networks.has(remedy.interface)) await observe(remedy.interface, signal)
        if (isIn(address(), networks.get(remedy.interface) ?? []))
          throw new Problem('router-through-tunnel', {
            what,
            why: `the router's address ${address()} is reached through the tunnel that the remedy would interrupt`,
          })
        await carryOutRemedy(remedy, { exec: connection.exec, signal })
      } catch (thrown) {
        throw stepFailed(what, router(), thrown)
      }
    },

    async close() {
      rollback.close()
      connection.close()
    },
  }
}
