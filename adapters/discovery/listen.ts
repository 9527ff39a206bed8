import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { discardSocket } from '../../system/sockets/discard-socket.ts'
import type { Evidence } from './evidence.ts'
import { MDNS, sshQuestion, sshServicesIn } from './mdns.ts'
import { MNDP_PORT, MNDP_REQUEST, parseMndp } from './mndp.ts'

const EVERYBODY = '255.255.255.255'
/** A neighbourhood has a handful; more is somebody who floods. */
const MOST_PACKETS = 500

/**
 * Asks by broadcast and multicast on the links of these addresses who is a router, and listens for answers until the signal
 * ends it. Never throws: where a port is taken or a firewall drops, less is heard.
 * @param own IPv4 addresses of this machine, one a link.
 */
export async function listenForRouters(own: readonly string[], signal: AbortSignal): Promise<readonly Evidence[]> {
  const heard: Evidence[] = []
  let packets = 0
  const open: Socket[] = []
  const mine = new Set(own)
  const listen = async (port: number, hear: (packet: Buffer, from: RemoteInfo) => readonly Evidence[]) => {
    // Others listen there too, such as avahi: both hear what is sent to all.
    const socket = createSocket({ type: 'udp4', reuseAddr: true })
    open.push(socket)
    socket.on('message', (packet, from) => {
      packets += 1
      if (packets <= MOST_PACKETS && !mine.has(from.address)) heard.push(...hear(packet, from))
    })
    return await bound(socket, port, '0.0.0.0')
  }
  await listen(MNDP_PORT, (packet, { address }) => {
    const neighbour = parseMndp(packet)
    return neighbour === null ? [] : [{ by: 'mndp', address, neighbour }]
  })
  const multicast = await listen(MDNS.port, (packet, { address }) =>
    sshServicesIn(packet).map((service): Evidence => ({ by: 'mdns', address, service })),
  )
  for (const address of own) {
    // One after the other: the interface is the socket's.
    if (multicast !== null) await askByMulticast(multicast, address)
    // Linux sends a broadcast out of the interface that has the source's address (ip_route_output_key_hash_rcu).
    const asking = createSocket('udp4')
    open.push(asking)
    if ((await bound(asking, 0, address)) === null) continue
    quietly(() => asking.setBroadcast(true))
    asking.send(MNDP_REQUEST, MNDP_PORT, EVERYBODY, () => undefined)
  }
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
  for (const socket of open) discardSocket(socket)
  return heard
}

async function askByMulticast(socket: Socket, address: string): Promise<void> {
  quietly(() => {
    socket.addMembership(MDNS.address, address)
    socket.setMulticastInterface(address)
    socket.setMulticastTTL(255)
  })
  await new Promise<void>((resolve) => socket.send(sshQuestion(), MDNS.port, MDNS.address, () => resolve()))
}

/** @returns null where it could not be bound. */
function bound(socket: Socket, port: number, address: string): Promise<Socket | null> {
  return new Promise((resolve) => {
    socket.on('error', () => resolve(null))
    socket.bind({ port, address }, () => resolve(socket))
  })
}

/** A link without multicast, or one that went a moment ago, is asked by the other ways. */
function quietly(act: () => void): void {
  try {
    act()
  } catch {
    // Then nothing is heard there.
  }
}
