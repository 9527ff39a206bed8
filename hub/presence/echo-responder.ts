import {
  ECHO_PORT,
  type EchoKey,
  type EchoRequest,
  echoKey,
  encodeEchoAnswer,
  LONGEST_ECHO_DELAY,
  readEchoRequest,
} from '../../protocol/datagrams/echo.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { type Budget, makeBudget } from './echo-budget.ts'
import { type Home, secretsOf } from '../core/store-document.ts'
import { openUdpListener, type Reply, type UdpListener } from './udp-listener.ts'
import type { PeerViewOf } from './peer-view.ts'

/**
 * Answers echoes (protocol/datagrams/echo.ts) on every address of this machine, at once or after the requested delay. Answers
 * only homes that prove themselves, within bounds, never with more bytes than they sent, and logs none of it.
 */
export interface EchoResponder {
  /** Sets the homes to answer from now on. @param isMuted who is not, for now. Default: nobody. */
  readonly serve: (homes: readonly Home[], isMuted?: (home: Home) => boolean) => void
  readonly close: () => void
}

interface Principal {
  /** The home as it is now: with another key or LAN it is the same home. */
  home: Home
  /** By the secrets that the home may come by, the one that it has first. */
  keys: readonly EchoKey[]
  readonly budget: Budget
  readonly pending: Set<NodeJS.Timeout>
  /** Nonces of delayed requests: until when the same nonce is a repetition, monotonic milliseconds. */
  readonly nonces: Map<bigint, number>
}

/** A request, and the key that it is answered by. */
interface Asked {
  readonly request: EchoRequest
  readonly principal: Principal
  readonly key: EchoKey
}

const PENDING_PER_HOME = 16
const NONCES_PER_HOME = 64
const NONCE_KEPT_MS = 60_000

export function makeEchoResponder(viewOf: PeerViewOf, clock: Clock, log: Log, port = ECHO_PORT): EchoResponder {
  let askers = new Map<string, Principal>()
  let listener: UdpListener | null = null
  let isMutedOne: (home: Home) => boolean = () => false

  function onDatagram(datagram: Uint8Array, source: string, reply: Reply): void {
    const read = readBy(datagram, 0) ?? readBy(datagram, 1)
    if (read === null) return
    const { request, principal } = read
    if (isMutedOne(principal.home)) return
    if (request.delaySeconds > LONGEST_ECHO_DELAY || !principal.budget.take(request.bytes, clock.now())) return
    const answered = () => void answer(read, source, reply)
    if (request.delaySeconds === 0) answered()
    else later(request, principal, answered)
  }

  /** Reads a request that proves itself by the nth key of its home. */
  function readBy(datagram: Uint8Array, nth: number): Asked | null {
    const request = readEchoRequest(datagram, (home) => askers.get(home)?.keys[nth] ?? null)
    const principal = request === null ? undefined : askers.get(request.home)
    const key = principal?.keys[nth]
    return request === null || principal === undefined || key === undefined ? null : { request, principal, key }
  }

  async function answer({ request, principal, key }: Asked, source: string, reply: Reply): Promise<void> {
    // The home may have been removed, or have joined again, while the answer waited.
    const isStill = (): boolean => askers.get(request.home) === principal
    if (!isStill()) return
    const said = await viewOf(principal.home, source)
    if (isStill()) reply(encodeEchoAnswer(request, said, key))
  }

  function later({ nonce, delaySeconds }: EchoRequest, { pending, nonces }: Principal, act: () => void): void {
    const now = clock.now()
    for (const [old, until] of nonces) if (until <= now) nonces.delete(old)
    if (nonces.has(nonce) || nonces.size >= NONCES_PER_HOME || pending.size >= PENDING_PER_HOME) return
    nonces.set(nonce, now + NONCE_KEPT_MS)
    const timer = setTimeout(() => {
      pending.delete(timer)
      act()
    }, delaySeconds * 1000)
    timer.unref()
    pending.add(timer)
  }

  return {
    serve: (homes, isMuted = () => false) => {
      isMutedOne = isMuted
      const before = askers
      askers = new Map(homes.map((home) => [home.address, askerFor(home, before.get(home.address))]))
      for (const [address, principal] of before) if (askers.get(address) !== principal) forget(principal.pending)
      listener ??= openUdpListener(port, 'echoes', log, (datagram, sender, reply) =>
        onDatagram(datagram, sender.address, reply),
      )
    },
    close: () => {
      for (const { pending } of askers.values()) forget(pending)
      askers = new Map()
      listener?.close()
    },
  }
}

function askerFor(home: Home, before: Principal | undefined): Principal {
  const keys = secretsOf(home).map(echoKey)
  // It is the same home too where it came by its next secret.
  if (before !== undefined && secretsOf(before.home).includes(home.secretHash)) {
    before.home = home
    before.keys = keys
    return before
  }
  return { home, keys, budget: makeBudget(), pending: new Set(), nonces: new Map() }
}

function forget(pending: Set<NodeJS.Timeout>): void {
  for (const timer of pending) clearTimeout(timer)
  pending.clear()
}
