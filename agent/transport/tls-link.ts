import { type DatagramCounts, openDatagramStream } from '../../protocol/datagrams/datagram-stream.ts'
import { upgradeToTransport } from '../../protocol/registrar-upgrade.ts'
import type { Clock } from '../../system/time/clock.ts'
import { within } from '../../system/time/within.ts'
import { firstReached, type RegistrarAddress } from '../registrar/ask-registrar.ts'

/** One TLS connection that carries datagrams, from its upgrade to its end. */
export interface TlsLink {
  readonly send: (datagram: Uint8Array) => void
  readonly counts: () => DatagramCounts
  /** Resolves with the reason when the link has ended. Never rejects. */
  readonly ended: Promise<string>
  readonly end: (why: string) => void
}

/** How long opening may take for one host: TCP, TLS and the answer. */
const OPEN_MS = 8_000

/** After what silence the hub is asked: packets wait in the kernel's buffer, so that only answers prove the line. */
const ASK_AFTER_MS = 2_000
const DEAD_AFTER_MS = 8_000
const LOOK_EVERY_MS = 250

const QUESTION = new Uint8Array()

/**
 * Opens a link to the first of the hub's hosts that is reached, and watches it: when datagrams were sent and nothing
 * came since, the link asks the hub, and ends when there is no answer either.
 * @throws {Problem} as upgradeToTransport.
 */
export async function openTlsLink(
  registrar: RegistrarAddress,
  bearer: string,
  clock: Clock,
  signal: AbortSignal,
  onDatagram: (datagram: Uint8Array) => void,
): Promise<TlsLink> {
  const { reached } = await firstReached(registrar, signal, (one) =>
    within(OPEN_MS, signal, (bounded) => upgradeToTransport(one, bearer, bounded)),
  )
  /** When the first datagram was sent that nothing has come after; null: there is none. */
  let unansweredSince: number | null = null
  let askedAt = 0

  let resolve: (why: string) => void = () => undefined
  const ended = new Promise<string>((done) => {
    resolve = done
  })
  const stream = openDatagramStream(reached.socket, reached.head, {
    onDatagram: (datagram) => {
      unansweredSince = null
      if (datagram.length > 0) onDatagram(datagram)
    },
    onEnd: (why) => {
      clearInterval(timer)
      resolve(why)
    },
  })
  const timer = setInterval(() => {
    const now = clock.now()
    if (unansweredSince === null || now - unansweredSince < ASK_AFTER_MS) return
    if (now - unansweredSince >= DEAD_AFTER_MS) return stream.end(`no answer for ${DEAD_AFTER_MS / 1000} s`)
    if (now - askedAt < ASK_AFTER_MS) return
    askedAt = now
    stream.send(QUESTION)
  }, LOOK_EVERY_MS)

  return {
    send: (datagram) => {
      unansweredSince ??= clock.now()
      stream.send(datagram)
    },
    counts: stream.counts,
    ended,
    end: stream.end,
  }
}
