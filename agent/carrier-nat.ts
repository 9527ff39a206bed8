import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { Endpoint } from '../wireguard/spec.ts'

export type CarrierNat = 'yes' | 'no' | 'unknown'

/** Whether something between this machine and the hub translates addresses. */
export function carrierNat(ownAddress: string | null, mapping: Endpoint | null): CarrierNat {
  if (ownAddress === null || mapping === null) return 'unknown'
  return ownAddress === mapping.address ? 'no' : 'yes'
}

/**
 * The address this machine would send from towards the hub; null without a route. Connecting a UDP socket asks the
 * routing table and sends nothing.
 */
export function ownAddressTowards(address: string): Promise<string | null> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const end = (own: string | null): void => {
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      socket.close()
      resolve(own)
    }
    socket.once('error', () => end(null))
    // Port 9 is discard (RFC 863); nothing is sent to it.
    socket.connect(9, address, (error?: Error) => end(error === undefined ? socket.address().address : null))
  })
}
