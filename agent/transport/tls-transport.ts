import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import { asProblem, Problem, reasonOf } from '../../problems/problem.ts'
import type { DatagramCounts } from '../../protocol/datagrams/datagram-stream.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'
import { backoffMs } from '../../system/time/backoff.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { RegistrarAddress } from '../registrar/ask-registrar.ts'
import { type TlsLink, openTlsLink } from './tls-link.ts'
import { type ListenPlace, LOOPBACK_LISTEN } from './listen-place.ts'

/**
 * WireGuard's datagrams over TLS to the registrar, for when no UDP gets through: the hub as an endpoint of this
 * machine. WireGuard follows whatever authenticated packet comes last: hold the transport before WireGuard is pointed
 * elsewhere, or packets still in it draw WireGuard back into it.
 */
export interface TlsTransport {
  /** The endpoint that WireGuard is to use. The same for as long as the transport is open. */
  readonly endpoint: Endpoint
  /** Resolves with the reason when the transport has ended: closed, or refused by the hub for good. Never rejects. */
  readonly ended: Promise<string>
  /** Datagrams over all connections of the transport. */
  readonly counts: () => DatagramCounts
  /** Stops the transport's output; the connection stays. */
  readonly hold: () => void
  /** Undoes hold. */
  readonly release: () => void
  readonly close: () => void
}

/** Datagrams kept until the link is back; WireGuard repeats its handshake every 5 s, and older data has little use. */
const WAITING_DATAGRAMS = 128
/** Size of the queue to WireGuard: some milliseconds of a fast line, should WireGuard not read for so long. */
const LOOPBACK_QUEUE_BYTES = 256 * 1024

const PAUSES = { firstMs: 250, ceilingMs: 10_000 } as const
/** How long a connection must last to count as good: after it the pauses begin again. */
const STEADY_MS = 10_000

/**
 * Opens a transport; it is ready when the hub has taken the first connection. After that it reconnects automatically.
 * @param bearer `HOME.SECRET`.
 * @param signal ends the transport, now or later.
 * @param place where WireGuard sends to, and the only sender that is listened to there.
 * @throws {Problem} of the first connection: `hub-unreachable`, `name-unresolved`, `certificate-mismatch`,
 *   `home-unknown`, `rate-limited`, `carriers-full`, `answer-invalid`.
 */
export async function openTlsTransport(
  registrar: RegistrarAddress,
  bearer: string,
  clock: Clock,
  signal: AbortSignal,
  place: ListenPlace = LOOPBACK_LISTEN,
): Promise<TlsTransport> {
  const { signal: ending, end } = branchSignal(signal)
  const past = { sentBytes: 0, receivedBytes: 0, dropped: 0 }
  const waiting: Uint8Array[] = []
  let link: TlsLink | null = null
  /** WireGuard's port, as it last sent; it changes when the interface listens elsewhere. */
  let wireguardPort: number | null = null
  let localDropped = 0
  let held = false
  let why = 'it was closed'

  function toWireguard(datagram: Uint8Array): void {
    if (held || wireguardPort === null || udp.getSendQueueSize() >= LOOPBACK_QUEUE_BYTES) localDropped += 1
    // A datagram that does not get there is lost like any other.
    else udp.send(datagram, wireguardPort, place.from, () => undefined)
  }

  const connect = () => openTlsLink(registrar, bearer, clock, ending, toWireguard)
  const udp = await openAt(place)
  try {
    link = await connect()
  } catch (thrown) {
    end()
    udp.close()
    throw thrown
  }
  udp.on('message', (datagram, sender) => {
    if (sender.address !== place.from) return
    wireguardPort = sender.port
    if (link !== null) link.send(datagram)
    else if (waiting.length < WAITING_DATAGRAMS) waiting.push(datagram)
    else localDropped += 1
  })
  udp.on('error', (error) => {
    why = error.message
    end()
  })

  const ended = keepLinked(link)
    .catch((thrown: unknown) => reasonOf(thrown))
    .finally(() => {
      end()
      udp.close()
    })

  /** @returns why the transport is over. */
  async function keepLinked(first: TlsLink): Promise<string> {
    let failures = 0
    for (let current: TlsLink | null = first; ; ) {
      if (current !== null) {
        const since = clock.now()
        await untilEnded(current)
        if (clock.now() - since > STEADY_MS) failures = 0
      }
      if (ending.aborted) return why
      failures += 1
      await sleep(backoffMs(PAUSES, failures), ending)
      try {
        current = ending.aborted ? null : await connect()
      } catch (thrown) {
        current = null
        const { code, message } = asProblem(thrown, 'opening the TLS transport')
        if (code === 'home-unknown' || code === 'certificate-mismatch') return message
      }
    }
  }

  /** Lets datagrams use this connection until it ends. */
  async function untilEnded(current: TlsLink): Promise<void> {
    const close = (): void => current.end(why)
    ending.addEventListener('abort', close)
    if (ending.aborted) close()
    link = current
    for (const datagram of waiting.splice(0)) current.send(datagram)
    await current.ended
    ending.removeEventListener('abort', close)
    link = null
    const { sentBytes, receivedBytes, dropped } = current.counts()
    past.sentBytes += sentBytes
    past.receivedBytes += receivedBytes
    past.dropped += dropped
  }

  return {
    endpoint: { address: place.address, port: udp.address().port },
    ended,
    counts: () => {
      const now = link?.counts()
      return {
        sentBytes: past.sentBytes + (now?.sentBytes ?? 0),
        receivedBytes: past.receivedBytes + (now?.receivedBytes ?? 0),
        dropped: past.dropped + localDropped + (now?.dropped ?? 0),
      }
    },
    hold: () => {
      held = true
    },
    release: () => {
      held = false
    },
    close: () => end(),
  }
}

/** @throws {Problem} `internal`. */
function openAt({ address }: ListenPlace): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const udp = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const fail = (error: Error): void =>
      reject(new Problem('internal', { what: 'opening the TLS transport', why: error.message, cause: error }))
    udp.once('error', fail)
    udp.bind({ address, port: 0, exclusive: true }, () => {
      udp.off('error', fail)
      resolve(udp)
    })
  })
}
