import type { PublicKey } from '../../wireguard/keys.ts'

/** Who is being called: since when, and when last. Monotonic milliseconds. */
export type Calls = ReadonlyMap<PublicKey, { readonly since: number; readonly lastAt: number }>

/** WireGuard repeats the initiation each 5 s (REKEY_TIMEOUT) while something waits to be sent. */
const CALL_AGAIN_MS = 5_000
/** A mapping that did not answer for so long is gone; whoever it was will come by itself. */
const CALL_FOR_MS = 60_000

/** Whom to call now, of those whose session is lost. Pure. */
export function dueCalls(calls: Calls, lost: readonly PublicKey[], now: number): readonly PublicKey[] {
  return lost.filter((key) => {
    const call = calls.get(key)
    return call === undefined || (now - call.lastAt >= CALL_AGAIN_MS && now - call.since <= CALL_FOR_MS)
  })
}

export function afterCalling(calls: Calls, called: readonly PublicKey[], now: number): Calls {
  const anew = called.map((key) => [key, { since: calls.get(key)?.since ?? now, lastAt: now }] as const)
  return new Map([...calls, ...anew])
}

/** Without the others, who came back or begin anew. */
export function keptCalls(calls: Calls, isKept: (key: PublicKey) => boolean): Calls {
  return new Map([...calls].filter(([key]) => isKept(key)))
}
