import type { Clock } from '../../system/time/clock.ts'
import { within } from '../../system/time/within.ts'
import { tcpHello } from './tcp-hello.ts'

/** What a tunnel is proven with when homeward on the hub says nothing. */
export interface TunnelProofDeps {
  /** The hub in the tunnel, and this machine's own address there; `from` is left out where a router has it. */
  readonly target: () => { readonly hubAddress: string; readonly port: number; readonly from?: string }
  /** Bytes that WireGuard has taken from the hub, on the machine that the tunnel ends on; null: it does not say. */
  readonly receivedBytes: (signal: AbortSignal) => Promise<number | null>
  readonly clock: Clock
}

/** An initial SYN, and the one that is repeated after a second (RFC 6298, 2.1). */
const HELLO_MS = 1_500

/** Two hellos, and what a router takes to be looked at twice. */
const PROOF_MS = 6_000

/** How long a reading of the counter is good to be compared with: while a hub is silent, each heartbeat brings another. */
const READING_MS = 6_000

/**
 * Makes the proof that a tunnel carries both ways at this moment, without the hub's daemon: the kernel of the hub's
 * machine answers a TCP hello through it, and WireGuard took something from the hub meanwhile. The hello alone could be
 * answered by somebody beside a router that leads it elsewhere, and the bytes alone tell of one direction.
 */
export function makeTunnelProof({ target, receivedBytes, clock }: TunnelProofDeps) {
  let before: { readonly bytes: number; readonly at: number } | null = null

  async function isAnswered(signal: AbortSignal): Promise<boolean> {
    const { hubAddress: address, port, from } = target()
    const place = from === undefined ? { address, port } : { address, port, from }
    return await within(HELLO_MS, signal, async (inTime) => (await tcpHello(place, inTime)) === 'answered')
  }

  async function carries(signal: AbortSignal): Promise<boolean> {
    if (!(await isAnswered(signal))) return false
    if (before === null || clock.now() - before.at > READING_MS) {
      const bytes = await receivedBytes(signal)
      if (bytes === null) return false
      before = { bytes, at: clock.now() }
      if (!(await isAnswered(signal))) return false
    }
    const bytes = await receivedBytes(signal)
    if (bytes === null) return false
    const hasGrown = bytes > before.bytes
    before = { bytes, at: clock.now() }
    return hasGrown
  }

  /** Never throws; false also when the signal ends it. */
  return async (signal: AbortSignal): Promise<boolean> => {
    try {
      return await within(PROOF_MS, signal, carries)
    } catch {
      return false
    }
  }
}
