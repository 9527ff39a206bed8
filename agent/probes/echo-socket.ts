import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { setMaxListeners } from 'node:events'
import { isIP } from 'node:net'
import { discardSocket } from '../../system/sockets/discard-socket.ts'
import {
  ECHO_BYTES,
  type EchoKey,
  encodeEchoRequest,
  type PeerView,
  readEchoAnswer,
} from '../../protocol/datagrams/echo.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Endpoint } from '../../wireguard/spec.ts'

export interface EchoAnswer {
  /** The endpoint that was asked, and that answered. */
  readonly endpoint: Endpoint
  /** Time from the first datagram to the answer, less the delay: too much where the first datagram was lost. */
  readonly roundTripMs: number
  readonly view: PeerView
}

export interface EchoQuestion {
  /** Size of the datagram each way; default: ECHO_BYTES. */
  readonly bytes?: number
  /** Delay after which the hub answers, 1 … 300; default: none. */
  readonly delaySeconds?: number
  /** How long the answer is waited for, a delay included. */
  readonly timeoutMs: number
}

/** One UDP socket, so one 5-tuple, outside the tunnel. */
export interface EchoSocket {
  /**
   * Asks the hub. A plain question goes out three times at most, a delayed one once.
   * @returns null when no answer came in time, the network refused it, or the signal ended it. Never throws for any of them.
   */
  readonly ask: (question: EchoQuestion, signal: AbortSignal) => Promise<EchoAnswer | null>
  /** Ends open questions without an answer. */
  readonly close: () => void
}

interface Open {
  readonly answer: (view: PeerView) => void
  /** The network said that a datagram did not arrive. */
  readonly refused: () => void
  readonly end: () => void
}

/** When a plain question goes out: one lost datagram is no verdict. */
const SEND_AT_MS = [0, 250, 600]
/** How long a refused question goes on after its last datagram: kernels limit refusals (icmp(7), icmp_ratelimit). */
const REFUSED_MS = 1_000

/** @param home our IPv4 address inside the tunnel, by which the hub knows our key. */
export function openEchoSocket(endpoint: Endpoint, home: string, key: EchoKey, clock: Clock): EchoSocket {
  const open = new Map<bigint, Open>()
  const socket = createSocket(isIP(endpoint.address) === 6 ? 'udp6' : 'udp4')
  let closed = false
  const connected = new Promise<void>((resolve) => {
    socket.once('connect', resolve)
    socket.on('error', (error: NodeJS.ErrnoException) => {
      // A host at the hub's address says that nothing listens there: the next datagram may find it listening.
      if (error.code === 'ECONNREFUSED') for (const one of open.values()) one.refused()
      else close()
      resolve()
    })
  })
  socket.on('message', (datagram) => {
    const answer = readEchoAnswer(datagram, key)
    if (answer !== null) open.get(answer.nonce)?.answer(answer.seen)
  })
  // Connected, so that only the hub's answers come in, and refusals are told. A name would be looked up.
  if (isIP(endpoint.address) === 0) close()
  else socket.connect(endpoint.port, endpoint.address)

  function close(): void {
    if (closed) return
    closed = true
    for (const one of open.values()) one.end()
    discardSocket(socket)
  }

  function ask({ bytes = ECHO_BYTES, delaySeconds = 0, timeoutMs }: EchoQuestion, signal: AbortSignal) {
    const nonce = randomBytes(8).readBigUInt64BE()
    const datagram = encodeEchoRequest({ home, nonce, delaySeconds, bytes }, key)
    const sendAt = delaySeconds === 0 ? SEND_AT_MS : SEND_AT_MS.slice(0, 1)
    return new Promise<EchoAnswer | null>((resolve) => {
      const began = clock.now()

      function end(answer: EchoAnswer | null): void {
        for (const timer of timers) clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        open.delete(nonce)
        resolve(answer)
      }
      const abort = (): void => end(null)
      let isRefused = false
      let isLate = false
      const refused = (): void => {
        isRefused = true
        if (isLate) end(null)
      }
      const send = (): void => {
        if (!open.has(nonce)) return
        socket.send(datagram, (error) => {
          if (error !== null) refused()
        })
      }
      const timers = [
        ...sendAt.map((after) => setTimeout(() => void connected.then(send), after)),
        setTimeout(
          () => {
            // On a busy machine this timer and all the sending come in one turn, and the refusals after it.
            isLate = true
            if (isRefused) end(null)
          },
          (sendAt.at(-1) ?? 0) + REFUSED_MS,
        ),
        setTimeout(abort, timeoutMs),
      ]
      // Many questions may wait with one signal; Node takes more than ten for a leak, and warns.
      setMaxListeners(0, signal)
      signal.addEventListener('abort', abort)
      open.set(nonce, {
        answer: (view) => end({ endpoint, roundTripMs: clock.now() - began - delaySeconds * 1000, view }),
        refused,
        end: abort,
      })
      if (closed || signal.aborted) end(null)
    })
  }

  return { ask, close }
}
