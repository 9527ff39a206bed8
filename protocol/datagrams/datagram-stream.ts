import type { TLSSocket } from 'node:tls'
import { reasonOf } from '../../problems/problem.ts'
import { frame, LARGEST_DATAGRAM, makeDeframer } from './frames.ts'

/** Datagrams over one TLS connection, both ways. Nothing else may use the connection from here on. */
export interface DatagramStream {
  /** Sends a datagram. Never throws and never waits: a datagram that finds the queue full is lost, as on a line. */
  readonly send: (datagram: Uint8Array) => void
  readonly counts: () => DatagramCounts
  /** Closes the connection. Only the first reason counts. */
  readonly end: (why: string) => void
}

/** Bytes of the datagrams only, without what the transport adds. */
export interface DatagramCounts {
  readonly sentBytes: number
  readonly receivedBytes: number
  /** How many datagrams found the queue full. */
  readonly dropped: number
}

export interface StreamEvents {
  /** Receives a datagram. An empty one is a question when it is from a home, and an answer when from the hub. */
  readonly onDatagram: (datagram: Uint8Array) => void
  /** Called once, whichever end closed the connection. */
  readonly onEnd: (why: string) => void
}

/**
 * How many bytes may wait for a slow connection. The newest datagram is dropped: traffic inside a tunnel repeats
 * itself, and a longer queue would only hold older datagrams.
 */
const QUEUE_BYTES = 256 * 1024

/** Room for handshakes, keepalives, heartbeats and acknowledgements when bulk traffic has filled the queue. */
const SMALL_BYTES = 256
const RESERVE_BYTES = 64 * 1024

/** How long until the kernel asks a silent peer (tcp(7), TCP_KEEPIDLE); whoever waits for answers knows sooner. */
const KEEPALIVE_MS = 15_000

/**
 * Opens a datagram stream. No event comes before this function has returned.
 * @param head bytes that had arrived before the connection was handed over.
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
    // One chunk may hold several datagrams, and the first of them may have ended the stream.
    if (ended) return
    receivedBytes += datagram.length
    events.onDatagram(datagram)
  })

  /** Sends all datagrams of one turn of the event loop as one write: one record and one system call for many. */
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
  // An error may still come after the end, and without a listener it would end the process.
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
