import { release } from 'node:os'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { type Clock, systemClock } from '../../system/time/clock.ts'
import type { PresharedKey, PublicKey } from '../../wireguard/keys.ts'
import type { Adapter, Description } from '../adapter.ts'
import type { Observation } from '../observation.ts'
import { readReplies } from './api.ts'
import { requireNetAdmin } from './capability.ts'
import { toObservation } from './convert.ts'
import { findDataPlane } from './data-plane.ts'
import { executeStep } from './execute.ts'
import { readModel } from './model.ts'
import { planLinux } from './plan.ts'
import { executeRepair } from './repair.ts'

export interface LinuxAdapterOptions {
  /** The file with the private half of a key. Only `wg` reads it, and only when the interface has another key. */
  readonly privateKeyFile: (publicKey: PublicKey) => string
  readonly presharedKeys: (publicKey: PublicKey) => PresharedKey | undefined
  readonly clock?: Clock
}

/** The adapter for the Linux machine that this program runs on. */
export function linuxAdapter({ privateKeyFile, presharedKeys, clock = systemClock }: LinuxAdapterOptions): Adapter {
  let found: Description['dataPlane'] | undefined
  const dataPlane = async (signal: AbortSignal): Promise<Description['dataPlane']> =>
    (found ??= await findDataPlane(signal))

  let rulesIpv6: string | null = null

  const context = { privateKeyFile, presharedKeys, dataPlane, clock }

  return {
    async describe(signal) {
      await requireNetAdmin('looking at this machine')
      return {
        kind: 'linux',
        model: await readModel(),
        version: release(),
        dataPlane: await dataPlane(signal),
        remedies: ['new-source-port', 'new-session', 'rebuild'],
      }
    },

    async observe(signal) {
      await requireNetAdmin('looking at this machine')
      const replies = await readReplies(rulesIpv6, signal)
      ;({ rulesIpv6 } = replies)
      return parse(() => toObservation(replies))
    },

    plan: planLinux,

    execute: async (step, signal) => {
      // What was read of these is old from here on, whatever becomes of the step.
      if (step.kind === 'lead-own-ways') rulesIpv6 = null
      await executeStep(step, context, signal)
    },

    remedy: (remedy, signal) => executeRepair(remedy, context, signal),

    close: async () => undefined,
  }
}

/** Parses an observation: unforeseen output must not be taken for an empty machine. */
function parse(convert: () => Observation): Observation {
  try {
    return convert()
  } catch (thrown) {
    throw new Problem('command-failed', {
      what: 'understanding what ip, wg and nft say of this machine',
      why: reasonOf(thrown),
      next: 'Install the versions of your distribution, or report this with the output of ip -V, wg --version and nft --version',
      cause: thrown,
    })
  }
}
