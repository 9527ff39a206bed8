import type { TLSSocket } from 'node:tls'
import { reasonOf } from '../problems/problem.ts'
import { frame, LARGEST_DATAGRAM, makeDeframer } from './frames.ts'

/** Datagrams over one TLS connection, both ways. The connection is this one's alone from here on. */
export interface DatagramStream {
  /** Never throws and never waits: what finds the queue full is lost, as on a line. */
  readonly send: (datagram: Uint8Array) => void
  readonly counts: () => DatagramCounts
  /** Closes the connection. Only the first reason counts. */
  readonly end: (why: string) => void
}

/** Bytes of datagrams, without what carries them. */
export interface DatagramCounts {
  readonly sentBytes: number
  readonly receivedBytes: number
  /** Datagrams that found the queue full. */
  readonly dropped: number
}

export interface StreamEvents {
  /** An empty one is a question when it comes from a home, and the answer when it comes from the hub. */
  readonly onDatagram: (datagram: Uint8Array) => void
  /** Once, whoever ended it. */
  readonly onEnd: (why: string) => void
}

/**
 * What waits at most for a slow connection, in bytes. The newest is dropped: what is inside a tunnel repeats itself, and
 * a longer queue would only be older.
 */
const QUEUE_BYTES = 256 * 1024

/** Handshakes, keepalives, heartbeats and acknowledgements still get in when bulk has filled the queue. */
const SMALL_BYTES = 256
const RESERVE_BYTES = 64 * 1024

/** The kernel asks a silent peer after this long (tcp(7), TCP_KEEPIDLE); whoever waits for answers knows sooner. */
const KEEPALIVE_MS = 15_000

/**
 * No event comes before this has returned.
 * @param head what had already come before the connection was handed over.
 */
export function openDatagramStream(socket: TLSSocket, head: Uint8Array, events: StreamEvents): DatagramStream {
  let sentBytes = 0
  let receivedBytes = 0
  let dropped = 0
  let ended = false
  let corked = false

  function end(why: string): void {
    if (ended) return
    ended = true
    socket.destroy()
    events.onEnd(why)
  }

  const deframe = makeDeframer((datagram) => {
    // Several may have come at once, and the first of them may have ended it.
    if (ended) return
    receivedBytes += datagram.length
    events.onDatagram(datagram)
  })

  /** All datagrams of one turn of the event loop leave as one write: a record and a system call for many. */
  function gather(): void {
    if (corked) return
    corked = true
    socket.cork()
    setImmediate(() => {
      corked = false
      socket.uncork()
    })
  }

  socket.setNoDelay(true)
  socket.setTimeout(0)
  socket.setKeepAlive(true, KEEPALIVE_MS)
  // An error may still come after the end, and unheard it would end the process.
  socket.on('error', (error) => end(reasonOf(error)))
  socket.on('end', () => end('the other end closed it'))
  socket.on('close', () => end('it was closed'))
  if (socket.destroyed) setImmediate(end, 'it was closed')
  else if (head.length > 0) socket.unshift(head)
  socket.on('data', (chunk: Buffer) => {
    if (!deframe(chunk)) end('what came over it are no datagrams')
  })

  return {
    send: (datagram) => {
      if (ended) return
      const room = datagram.length <= SMALL_BYTES ? QUEUE_BYTES + RESERVE_BYTES : QUEUE_BYTES
      if (socket.writableLength >= room || datagram.length > LARGEST_DATAGRAM) {
        dropped += 1
        return
      }
      gather()
      socket.write(frame(datagram))
      sentBytes += datagram.length
    },
    counts: () => ({ sentBytes, receivedBytes, dropped }),
    end,
  }
}
