import type { Cause } from '../../agent/core/evidence/cause.ts'
import type { Undo } from '../../test/lab/faults/faults.ts'
import { monotonicSeconds } from '../pinger.ts'
import type { World } from './world.ts'

/** One row of the table. */
export interface Fault {
  readonly name: string
  /** What the agent has to call it; null where it may be over before anybody at home has doubted. */
  readonly cause: Cause | null
  readonly reachSeconds: number
  /** In use, for what the home alone can cure. */
  readonly inUseReachSeconds?: number
  /** What has to work again: a ping of the home by the hub, of the hub by the home, or a page of many packets. */
  readonly proof: 'hub pings home' | 'home pings hub' | 'large page'
  /** Whether plain WireGuard suffers the same; else nothing of it was broken. */
  readonly breaksBare: boolean
  /** How long breaking and undoing take, for the order of the rows. */
  readonly takesSeconds: number
  /** Whether the home and the hub speak IPv6 too. */
  readonly ipv6?: boolean
  /** Whether the home learns of it for good, so that a second run would find it prepared. */
  readonly isLearned?: boolean
  /** Breaks both, plain WireGuard only `withBare`. */
  break(world: World, options: { readonly withBare: boolean }): Promise<Broken>
  /** What should come once the fault has ended, within `reachSeconds` of that. */
  readonly afterwards?: {
    readonly name: string
    readonly reachSeconds: number
    isBack(world: World): Promise<boolean>
  }
}

export interface Broken {
  readonly undo: Undo
  /** From when recovery counts, monotonic seconds; from the beginning of the fault unless said. */
  readonly since?: number
  /** What must hold beside the proof. */
  readonly isBack?: () => Promise<boolean>
}

export const NOTHING: Broken = { undo: async () => undefined }
const IN_USE_SECONDS = 3

type Break = Fault['break']

export function onTheLine(name: string, cause: Cause | null, reachSeconds: number, break_: Break): Fault {
  return { ...notByTheHomeAlone(name, cause, reachSeconds, break_), inUseReachSeconds: IN_USE_SECONDS }
}

export function notByTheHomeAlone(
  name: string,
  cause: Cause | null,
  reachSeconds: number,
  break_: Break,
  takesSeconds = 0,
): Fault {
  return { name, cause, reachSeconds, proof: 'hub pings home', breaksBare: true, takesSeconds, break: break_ }
}

export function drift(
  name: string,
  side: 'home' | 'hub',
  act: (world: World) => Promise<void>,
  isBack?: (world: World) => Promise<boolean>,
): Fault {
  return {
    name,
    cause: side === 'home' ? 'drift' : null,
    reachSeconds: 10,
    ...(side === 'home' ? { inUseReachSeconds: IN_USE_SECONDS } : {}),
    proof: 'hub pings home',
    breaksBare: false,
    takesSeconds: 0,
    break: async (world) => {
      await act(world)
      return { ...NOTHING, ...(isBack === undefined ? {} : { isBack: () => isBack(world) }) }
    },
  }
}

export function fromNow(): Broken {
  return { ...NOTHING, since: monotonicSeconds() }
}
