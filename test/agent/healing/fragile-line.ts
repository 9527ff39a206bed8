import { once } from 'node:events'
import { createServer as createTcpServer, connect as connectTcp, type AddressInfo, type Socket } from 'node:net'

/** A wire to the registrar that can be cut, fall silent, or refuse. */
export interface UplinkFacts {
  readonly port: number
  /** So far. */
  readonly connections: number
  readonly refused: number
  /** The connections of now end. */
  readonly cut: () => void
  /** Nothing passes on the connections of now, and neither end is told. */
  readonly stall: () => void
  readonly refuse: () => void
  readonly accept: () => void
  readonly close: () => Promise<void>
}

export async function layLine(to: number): Promise<UplinkFacts> {
  const pairs = new Set<readonly [Socket, Socket]>()
  let connections = 0
  let refused = 0
  let refusing = false
  const server = createTcpServer((near) => {
    if (refusing) {
      refused += 1
      near.destroy()
      return
    }
    connections += 1
    const far = connectTcp(to, '127.0.0.1')
    const pair = [near, far] as const
    pairs.add(pair)
    near.pipe(far).pipe(near)
    for (const socket of pair) {
      socket.on('error', () => undefined)
      socket.on('close', () => {
        pairs.delete(pair)
        for (const other of pair) other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = (): void => {
    for (const [near, far] of pairs) for (const socket of [near, far]) socket.resetAndDestroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return connections
    },
    get refused() {
      return refused
    },
    cut,
    stall: () => {
      for (const [near, far] of pairs)
        for (const socket of [near, far]) {
          socket.unpipe()
          socket.pause()
        }
    },
    refuse: () => {
      refusing = true
    },
    accept: () => {
      refusing = false
    },
    close: async () => {
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
