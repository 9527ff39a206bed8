import ipaddr from 'ipaddr.js'
import type { Endpoint } from '../../wireguard/spec.ts'

/**
 * The small datagram that proves the tunnel, both ways at once. UDP inside the tunnel, from the home's tunnel address
 * to the hub's; WireGuard has already proven who sent it, so it carries no secret.
 *
 * Request, 12 bytes: `hw`, version 1, kind 1, sequence (4 bytes, big-endian), 4 bytes of zeros.
 * Answer, 12 + 4 or 12 + 16 bytes: `hw`, version 1, kind 2, the request's sequence, flags (1: 1 = in use, 2 = asks), family (1: 0, 4 or 6),
 * the endpoint's port (2), then its address as the hub sees it. With UDP and IP headers the IPv4 answer is 44 bytes,
 * which WireGuard pads to 48: 108 bytes on the wire (docs/protocol.md, what watching costs).
 *
 * A longer datagram is read as far as this version knows it, so that a later version can say more.
 */
const MAGIC_0 = 0x68
const MAGIC_1 = 0x77
const VERSION = 1
const REQUEST = 1
const ANSWER = 2
const HEAD_BYTES = 12
/** Bits of the answer's flags. */
const IN_USE = 1
const ASKS = 2

/** UDP port of the hub's tunnel address. */
export const HEARTBEAT_PORT = 8686

/** The number of a request, which its answer repeats. Wraps at 2^32. */
export type Sequence = number

export interface HeartbeatAnswer {
  readonly sequence: Sequence
  /** The mapping: where the hub sees this home's tunnel. null when the peer monitor has not looked yet. */
  readonly endpoint: Endpoint | null
  /** Whether somebody's traffic passed the tunnel lately: heartbeats follow use. */
  readonly inUse: boolean
  /** Whether the hub wants something of this home: the home registers to hear what. */
  readonly asks: boolean
}

export function encodeRequest(sequence: Sequence): Uint8Array {
  return head(REQUEST, sequence, HEAD_BYTES)
}

/** Reads a request; null for anything else. */
export function decodeRequest(datagram: Uint8Array): { readonly sequence: Sequence } | null {
  const view = open(datagram, REQUEST)
  return view === null ? null : { sequence: view.getUint32(4) }
}

export function encodeAnswer(answer: HeartbeatAnswer): Uint8Array {
  const address = answer.endpoint === null ? [] : addressBytes(answer.endpoint.address)
  const datagram = head(ANSWER, answer.sequence, HEAD_BYTES + address.length)
  const view = new DataView(datagram.buffer)
  view.setUint8(8, (answer.inUse ? IN_USE : 0) | (answer.asks ? ASKS : 0))
  view.setUint8(9, address.length === 4 ? 4 : address.length === 16 ? 6 : 0)
  view.setUint16(10, address.length === 0 ? 0 : (answer.endpoint?.port ?? 0))
  datagram.set(address, HEAD_BYTES)
  return datagram
}

/** Reads an answer; null for anything else. */
export function decodeAnswer(datagram: Uint8Array): HeartbeatAnswer | null {
  const view = open(datagram, ANSWER)
  if (view === null) return null
  const bytes = { 0: 0, 4: 4, 6: 16 }[view.getUint8(9)]
  if (bytes === undefined || datagram.length < HEAD_BYTES + bytes) return null
  const address = addressText(datagram.subarray(HEAD_BYTES, HEAD_BYTES + bytes))
  const port = view.getUint16(10)
  const flags = view.getUint8(8)
  return {
    sequence: view.getUint32(4),
    endpoint: address === null || port === 0 ? null : { address, port },
    inUse: (flags & IN_USE) !== 0,
    asks: (flags & ASKS) !== 0,
  }
}

function head(kind: number, sequence: Sequence, length: number): Uint8Array {
  const datagram = new Uint8Array(length)
  const view = new DataView(datagram.buffer)
  datagram.set([MAGIC_0, MAGIC_1, VERSION, kind])
  view.setUint32(4, sequence)
  return datagram
}

function open(datagram: Uint8Array, kind: number): DataView | null {
  if (datagram.length < HEAD_BYTES) return null
  if (datagram[0] !== MAGIC_0 || datagram[1] !== MAGIC_1 || datagram[2] !== VERSION || datagram[3] !== kind) return null
  return new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
}

function addressBytes(address: string): readonly number[] {
  return ipaddr.isValid(address) ? ipaddr.parse(address).toByteArray() : []
}

function addressText(bytes: Uint8Array): string | null {
  return bytes.length === 0 ? null : ipaddr.fromByteArray([...bytes]).toString()
}
