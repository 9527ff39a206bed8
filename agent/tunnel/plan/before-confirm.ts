import type { Adapter } from '../../../adapters/adapter.ts'
import type { ApplyHooks } from '../../../adapters/apply.ts'
import { tunnelIn } from '../../../adapters/tunnel-in.ts'
import { Problem } from '../../../problems/problem.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import type { TunnelConfig } from '../../settings/config.ts'
import { isAnswered } from '../../probes/first-answer.ts'
import { keyMakerOf } from '../../secrets/key-maker.ts'

/** Hooks of an apply: what must be so before a router is told to keep a change. */
export interface BeforeConfirm extends Required<Pick<ApplyHooks, 'beforeStep' | 'prove'>> {
  /** Takes the interface's key; where it is another than before, the hub is told. */
  readonly keyFound: (publicKey: PublicKey, signal: AbortSignal) => Promise<void>
}

export interface BeforeConfirmDeps {
  readonly adapter: Adapter
  /** The configuration of this moment. */
  readonly config: () => TunnelConfig
  /** Whether the tunnel carried before anything was changed. */
  readonly wasUp: () => boolean
  /** Whether the tunnel carries though the hub's daemon says nothing. */
  readonly carries: (signal: AbortSignal) => Promise<boolean>
  /** Takes the new key that the router made. */
  readonly followKey: (publicKey: PublicKey, signal: AbortSignal) => Promise<void>
}

/** How long the proof may take: three heartbeats of an idle tunnel; the router waits for much longer. */
const PROVE_MS = 15_000
const EVERY_MS = 250

export function makeBeforeConfirm({ adapter, config, wasUp, carries, followKey }: BeforeConfirmDeps): BeforeConfirm {
  async function keyFound(publicKey: PublicKey, signal: AbortSignal): Promise<void> {
    if (keyMakerOf(config().router) === 'router' && publicKey !== config().publicKey) await followKey(publicKey, signal)
  }

  /** Whether this apply makes the interface; one that is there has the key that was found before. */
  let isMade = false

  return {
    keyFound,

    /** Tells the hub the key before the first initiation bears it: the next would come 5 s later. */
    beforeStep: async (step, signal) => {
      if (keyMakerOf(config().router) === 'agent') return
      if (step.kind === 'create-interface') isMade = true
      if (step.kind !== 'set-peers' || !isMade) return
      isMade = false
      const observed = await adapter.observe(signal)
      const publicKey = tunnelIn(observed, config().interface)?.publicKey ?? null
      if (publicKey !== null) await keyFound(publicKey, signal)
    },

    /** Proves a tunnel that carried before. No other one can be expected to: it, or the uplink, is being repaired. */
    prove: async (signal) => {
      if (!wasUp()) return
      const isProven = await isAnswered(config(), { everyMs: EVERY_MS, atMostMs: PROVE_MS }, signal, carries)
      signal.throwIfAborted()
      if (isProven) return
      throw new Problem('tunnel-unproven', {
        what: 'changing the tunnel on the router',
        why: `it carried before, and no heartbeat was answered within ${PROVE_MS / 1_000} s after the change`,
        next: 'The router has undone the change; homeward plan shows what it was',
      })
    },
  }
}
