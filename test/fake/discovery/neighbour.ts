import { createSocket } from 'node:dgram'
import { type FakeMikrotik, mndpPacket, sshAnswer } from './packets.ts'

/**
 * A neighbour on the wire: answers a request of MNDP by broadcast, as RouterOS does, and a question for SSH by multicast, as
 * umdns does. Bundled, and started in a namespace of the laboratory. Argument: JSON.
 */
export interface NeighbourPlan {
  readonly address: string
  readonly mikrotik?: FakeMikrotik
  readonly openwrt?: { readonly instance: string; readonly texts: readonly string[] }
}

const { address, mikrotik, openwrt } = JSON.parse(process.argv[2] ?? '') as NeighbourPlan

if (mikrotik !== undefined) {
  const own = mikrotik
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  // A second one: what is bound to an address hears no broadcast, and sends it out of that address's interface.
  const out = createSocket('udp4')
  await new Promise<void>((resolve) => out.bind(0, address, resolve))
  out.setBroadcast(true)
  socket.on('message', (packet) => {
    if (packet.length === 4) out.send(mndpPacket(own, address), 5678, '255.255.255.255')
  })
  await new Promise<void>((resolve) => socket.bind(5678, resolve))
}
if (openwrt !== undefined) {
  const { instance, texts } = openwrt
  const socket = createSocket({ type: 'udp4', reuseAddr: true })
  await new Promise<void>((resolve) => socket.bind(5353, resolve))
  socket.addMembership('224.0.0.251', address)
  socket.setMulticastInterface(address)
  socket.on('message', (packet) => {
    const isQuestion = packet.length > 12 && (packet.readUInt16BE(2) & 0x8000) === 0
    if (isQuestion && packet.includes('_ssh')) socket.send(sshAnswer(instance, texts), 5353, '224.0.0.251')
  })
}
process.stdout.write('ready\n')
