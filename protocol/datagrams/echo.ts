import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIPv4 } from 'node:net'

/**
 * The authenticated echo, outside the tunnel: does a fresh UDP flow get from the home to the hub and back, and what does
 * the hub's WireGuard know of this home? It travels on the hub's WireGuard ports, where the hub's firewall tells it from
 * WireGuard by its first four bytes (WireGuard's messages begin with 1 to 4 and three zeros), or straight to ECHO_PORT.
 *
 * Request and answer have 48 bytes, or as many more as the asker wants (zeros before the tag): the answer has exactly
 * the request's size.
 *
 *  0  `hw`, version 1, kind: 3 request, 4 answer
 *  4  the home's tunnel IPv4 address
 *  8  nonce, 8 bytes
 * 16  delaySeconds, 2 bytes: answer only after that many seconds; 0: at once. The answer repeats it
 * 18  flags, 1 byte; answer: 1 = the hub's WireGuard knows the peer
 * 19  zero
 * 20  answer: handshakeSeconds, 24  heardSeconds, 28  initiatedSeconds: milliseconds, 4 bytes each, 0xffffffff = null
 * 32  padding
 * end the last 16 bytes: HMAC-SHA256 (RFC 2104) of everything before, cut to 16 bytes (ibid., section 5)
 *
 * Numbers are big-endian.
 */
const MAGIC = [0x68, 0x77, 1] as const
const REQUEST = 3
const ANSWER = 4
const TAG_BYTES = 16
const PEER_KNOWN = 1
const NO_AGE = 0xffffffff

/** The UDP port of the echo, on every address of the hub. */
export const ECHO_PORT = 8687

/** The shortest echo, in bytes. */
export const ECHO_BYTES = 48

/** The longest echo, in bytes: what a 1500-byte link carries over IPv4 in one piece. */
export const LONGEST_ECHO_BYTES = 1472

/** The longest delay that a request can ask for, in seconds. */
export const LONGEST_ECHO_DELAY = 300

/** How the hub's firewall tells requests from WireGuard, and how long it remembers their flow: over any delay. */
export const ECHO_FLOW = { port: ECHO_PORT, firstBytes: 0x68770103, keptSeconds: LONGEST_ECHO_DELAY + 30 } as const

/** What the hub's WireGuard knows of a home, in seconds by the hub's monotonic clock. */
export interface PeerView {
  /** Whether the hub's WireGuard has our key as a peer. */
  readonly peerKnown: boolean
  /** Time since the hub's last handshake with us; null: none since the hub has us as a peer (it lost the session). */
  readonly handshakeSeconds: number | null
  /**
   * Time since the hub last heard anything authenticated from us in WireGuard (a heartbeat, or received bytes that
   * grew); null: nothing since the hub's daemon began.
   */
  readonly heardSeconds: number | null
  /**
   * Time since a handshake initiation, accepted or not, last arrived at the hub's WireGuard ports from the asker's
   * public address; null: none in the last minute.
   */
  readonly initiatedSeconds: number | null
}

/** A secret that home and hub share. Never logged. */
export type EchoKey = Uint8Array

export interface EchoRequest {
  /** The home's IPv4 address inside the tunnel. */
  readonly home: string
  /** 64 bits; the answer repeats them. */
  readonly nonce: bigint
  /** 0 … 65535; the hub answers up to LONGEST_ECHO_DELAY. */
  readonly delaySeconds: number
  /** Size of the datagram, ECHO_BYTES … LONGEST_ECHO_BYTES. */
  readonly bytes: number
}

/**
 * The key of a home's echoes, made from the hash of its secret: the hub keeps only the hash, and the home can compute
 * it. Whoever reads the hub's store can make echoes with the hash, and nothing else.
 */
export function echoKey(homeSecretSha256Hex: string): EchoKey {
  return createHmac('sha256', Buffer.from(homeSecretSha256Hex, 'hex')).update('homeward echo v1').digest()
}

/** @throws {RangeError} for a request that cannot be encoded. */
export function encodeEchoRequest(request: EchoRequest, key: EchoKey): Uint8Array {
  return sealed(draft(request, REQUEST), key)
}

/**
 * Reads a request; null for anything but a request that bears the tag of its home's key.
 * @param keyOf null: no such home.
 */
export function readEchoRequest(datagram: Uint8Array, keyOf: (home: string) => EchoKey | null): EchoRequest | null {
  const view = viewOf(datagram, REQUEST)
  if (view === null) return null
  const home = datagram.subarray(4, 8).join('.')
  const key = keyOf(home)
  if (key === null || !isSealed(datagram, key)) return null
  return { home, nonce: view.getBigUint64(8), delaySeconds: view.getUint16(16), bytes: datagram.length }
}

/** Encodes an answer of the request's size. */
export function encodeEchoAnswer(request: EchoRequest, seen: PeerView, key: EchoKey): Uint8Array {
  const datagram = draft(request, ANSWER)
  const view = new DataView(datagram.buffer)
  view.setUint8(18, seen.peerKnown ? PEER_KNOWN : 0)
  view.setUint32(20, milliseconds(seen.handshakeSeconds))
  view.setUint32(24, milliseconds(seen.heardSeconds))
  view.setUint32(28, milliseconds(seen.initiatedSeconds))
  return sealed(datagram, key)
}

/** Reads an answer; null for anything but an answer that bears the key's tag. */
export function readEchoAnswer(
  datagram: Uint8Array,
  key: EchoKey,
): { readonly nonce: bigint; readonly seen: PeerView; readonly bytes: number } | null {
  const view = viewOf(datagram, ANSWER)
  if (view === null || !isSealed(datagram, key)) return null
  const seen: PeerView = {
    peerKnown: (view.getUint8(18) & PEER_KNOWN) !== 0,
    handshakeSeconds: seconds(view.getUint32(20)),
    heardSeconds: seconds(view.getUint32(24)),
    initiatedSeconds: seconds(view.getUint32(28)),
  }
  return { nonce: view.getBigUint64(8), seen, bytes: datagram.length }
}

function draft({ home, nonce, delaySeconds, bytes }: EchoRequest, kind: number): Uint8Array<ArrayBuffer> {
  if (!isIPv4(home)) throw new RangeError('the home of an echo is an IPv4 address')
  if (!(bytes >= ECHO_BYTES && bytes <= LONGEST_ECHO_BYTES)) throw new RangeError(`an echo cannot have ${bytes} bytes`)
  const datagram = new Uint8Array(bytes)
  const view = new DataView(datagram.buffer)
  datagram.set([...MAGIC, kind])
  datagram.set(home.split('.').map(Number), 4)
  view.setBigUint64(8, nonce)
  view.setUint16(16, delaySeconds)
  return datagram
}

function viewOf(datagram: Uint8Array, kind: number): DataView | null {
  if (datagram.length < ECHO_BYTES || datagram.length > LONGEST_ECHO_BYTES) return null
  if (MAGIC.some((byte, at) => datagram[at] !== byte) || datagram[3] !== kind) return null
  return new DataView(datagram.buffer, datagram.byteOffset, datagram.byteLength)
}

function sealed(datagram: Uint8Array, key: EchoKey): Uint8Array {
  datagram.set(tagOf(datagram, key), datagram.length - TAG_BYTES)
  return datagram
}

function isSealed(datagram: Uint8Array, key: EchoKey): boolean {
  return timingSafeEqual(datagram.subarray(datagram.length - TAG_BYTES), tagOf(datagram, key))
}

function tagOf(datagram: Uint8Array, key: EchoKey): Uint8Array {
  const covered = datagram.subarray(0, datagram.length - TAG_BYTES)
  return createHmac('sha256', key).update(covered).digest().subarray(0, TAG_BYTES)
}

/** An age in milliseconds as the field holds it. An age of more than 49 days is as good as 49. */
function milliseconds(age: number | null): number {
  return age === null ? NO_AGE : Math.min(NO_AGE - 1, Math.max(0, Math.round(age * 1000)))
}

function seconds(age: number): number | null {
  return age === NO_AGE ? null : age / 1000
}
