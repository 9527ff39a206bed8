import { isIP } from 'node:net'
import { Problem } from '../../problems/problem.ts'
import type { Clock } from '../../system/clock.ts'
import type { Adapter, Description, Step } from '../adapter.ts'
import { describeStep } from '../describe-step.ts'
import { isIn, networkOf } from '../network.ts'
import { questionFailed, stepFailed } from '../router-errors.ts'
import { probeBoard } from './board.ts'
import { makeChange, wgSetPeer } from './change.ts'
import { toObservation } from './convert.ts'
import { done, keepConnection } from './exec.ts'
import { look } from './look.ts'
import type { OpenwrtObservation } from './observation.ts'
import { installWireguard, restartNetwork } from './packages.ts'
import { planOpenwrt } from './plan.ts'
import { carryOutRemedy } from './remedy.ts'
import type { RouterAccess } from './ssh.ts'

export interface OpenwrtAdapterOptions extends RouterAccess {
  /** Reads the private half of the tunnel's key. */
  readonly privateKey: (publicKey: string) => Promise<string>
  readonly clock: Clock
  /** How long the router waits to be told to keep a change; 90 unless said otherwise. */
  readonly rollbackSeconds?: number
}

/** Time for a proof of the tunnel with room to spare, and short enough to wait out. */
const ROLLBACK_SECONDS = 90

/** The adapter for an OpenWrt router of 22.03 or later, over SSH. */
export function openwrtAdapter(options: OpenwrtAdapterOptions): Adapter {
  const { host, clock, privateKey, rollbackSeconds = ROLLBACK_SECONDS } = options
  const connection = keepConnection(options, clock)
  const change = makeChange({ connection, clock, privateKey })
  let description: Description | null = null
  /** The tunnel's own networks as last seen, by interface. */
  const networks = new Map<string, readonly string[]>()

  const router = (): string => (description === null ? host : `${description.model} (${host})`)
  /** As it is reached: a literal where the connection knows one. */
  const address = (): string => (isIP(host) === 0 ? (connection.ends()?.remote ?? host) : host)

  async function observe(interfaceName: string, signal: AbortSignal): Promise<OpenwrtObservation> {
    let seen = await look(connection.ask, interfaceName, signal)
    if (await change.recover(seen, signal)) seen = await look(connection.ask, interfaceName, signal)
    const observed = toObservation(interfaceName, seen, clock.wall().getTime() / 1_000)
    networks.set(interfaceName, (observed.interface?.addresses ?? []).map(networkOf))
    return observed
  }

  async function execute(step: Step, signal: AbortSignal): Promise<void> {
    switch (step.kind) {
      case 'install-wireguard':
        return installWireguard(connection.exec, signal)
      case 'restart-network':
        return restartNetwork(connection, signal)
      case 'arm-rollback':
        return change.arm(step.interface, step.seconds, signal)
      case 'activate-changes':
        return change.activate(signal)
      case 'keep-changes':
        return change.keep(signal)
      case 'revert-changes':
        return change.revert(signal)
      default:
        return change.isArmed() ? change.gather(step) : alone(step, signal)
    }
  }

  /** A step outside of any plan. Where peers send to is of the moment, and not written to flash. */
  async function alone(step: Step, signal: AbortSignal): Promise<void> {
    if (step.kind === 'set-peers') {
      await done(connection.exec, step.peers.map((peer) => wgSetPeer(step.interface, peer)).join(' && '), { signal })
      return
    }
    if (!('interface' in step)) throw new TypeError(`the step ${step.kind} belongs into a plan`)
    await change.arm(step.interface, rollbackSeconds, signal)
    try {
      change.gather(step)
      await change.activate(signal)
      await change.keep(signal)
    } catch (thrown) {
      // What can't be undone now, the router undoes by itself.
      await change.revert(signal).catch(() => undefined)
      throw thrown
    }
  }

  return {
    async describe(signal) {
      try {
        description ??= await probeBoard(connection.ask, signal)
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

    plan: (observed, desired) => planOpenwrt(observed, desired, { host: address(), rollbackSeconds }),

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
        await carryOutRemedy(remedy, connection.exec, signal)
      } catch (thrown) {
        throw stepFailed(what, router(), thrown)
      }
    },

    async close() {
      change.close()
      connection.close()
    },
  }
}
