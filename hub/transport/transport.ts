import { createSocket } from 'node:dgram'
import type { TLSSocket } from 'node:tls'
import {
  type DatagramCounts,
  type DatagramStream,
  openDatagramStream,
} from '../../protocol/datagrams/datagram-stream.ts'
import { TRANSPORT_PROTOCOL } from '../../protocol/registrar-upgrade.ts'
import type { Clock } from '../../system/time/clock.ts'

/** The TLS transport of one home: WireGuard's datagrams over TCP, since none of its UDP gets through. */
export interface HubTransport {
  readonly counts: () => DatagramCounts
  /** When the transport began, monotonic milliseconds. */
  readonly since: number
  /** Seconds since anything came from the home. */
  readonly silentSeconds: () => number
  readonly end: (why: string) => void
}

export interface HubTransportDeps {
  /** The authenticated connection; its upgrade is not answered yet. */
  readonly socket: TLSSocket
  readonly head: Uint8Array
  readonly wireguardPort: number
  readonly clock: Clock
  /** Called once, whoever ended the transport. */
  readonly onEnd: (why: string) => void
}

/** The queue to WireGuard, on the same machine: what WireGuard cannot take at once is lost, not kept. */
const LOOPBACK_QUEUE_BYTES = 256 * 1024

const SWITCHING = `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${TRANSPORT_PROTOCOL}\r\n\r\n`

/** Opens a transport, to WireGuard a port of its own on loopback. The upgrade is answered when that is there. */
export function openHubTransport({ socket, head, wireguardPort, clock, onEnd }: HubTransportDeps): HubTransport {
  const since = clock.now()
  let heardAt = since
  let stream: DatagramStream | null = null
  let ended = false
  let open = true

  const udp = createSocket('udp4')
  udp.on('message', (datagram) => stream?.send(datagram))
  // WireGuard's interface may be gone for a moment; any other error would not go away.
  udp.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNREFUSED') end(error.message)
  })
  udp.on('close', () => {
    open = false
  })
  socket.on('close', () => end('it was closed'))
  udp.connect(wireguardPort, '127.0.0.1', (error?: Error) => {
    if (error !== undefined) return end(error.message)
    if (ended) return
    socket.write(SWITCHING)
    stream = openDatagramStream(socket, head, { onDatagram, onEnd: end })
  })

  function onDatagram(datagram: Uint8Array): void {
    heardAt = clock.now()
    if (datagram.length === 0) stream?.send(datagram)
    // A datagram that does not get there is lost like any other.
    else if (udp.getSendQueueSize() < LOOPBACK_QUEUE_BYTES) udp.send(datagram, () => undefined)
  }

  function end(why: string): void {
    if (ended) return
    ended = true
    stream?.end(why)
    socket.destroy()
    if (open) udp.close()
    onEnd(why)
  }

  return {
    counts: () => stream?.counts() ?? { sentBytes: 0, receivedBytes: 0, dropped: 0 },
    since,
    silentSeconds: () => (clock.now() - heardAt) / 1000,
    end,
  }
}
