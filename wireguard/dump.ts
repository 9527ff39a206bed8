import { isKeyText, type PublicKey, type PresharedKey, parsePresharedKey, parsePublicKey } from './keys.ts'
import { type PresharedKeyId } from './keys.ts'
import { presharedKeyId } from './preshared-id.ts'
import { type Endpoint, parseEndpoint } from './spec.ts'

/** What `wg show IFACE dump` says of the interface. The private key is dropped while parsing. */
export interface InterfaceState {
  /** null while no private key is set. */
  readonly publicKey: PublicKey | null
  readonly listenPort: number
  /** The mark of the interface's own packets; 0 is off. */
  readonly fwmark: number
  readonly peers: readonly PeerState[]
}

export interface PeerState {
  readonly publicKey: PublicKey
  readonly presharedKeyId: PresharedKeyId | null
  readonly endpoint: Endpoint | null
  readonly allowedIps: readonly string[]
  /** Seconds since 1970 by the clock of the machine that has the interface; null before the first handshake. */
  readonly lastHandshakeAt: number | null
  /** Received bytes, authenticated only. */
  readonly rxBytes: number
  /** Sent bytes: handed to UDP, delivered or not. */
  readonly txBytes: number
  /** The interval of the keepalive; 0 is off. */
  readonly keepaliveSeconds: number
}

/**
 * Parses `wg show IFACE dump` (wg(8), SHOW): tab-separated, the interface on the first line, then one line a peer.
 * @throws {SyntaxError} on anything else. The offending line is not quoted, since it may hold a secret.
 */
export function parseDump(text: string): InterfaceState {
  const lines = text.split('\n').filter((line) => line !== '')
  const [first, ...rest] = lines.map((line) => line.split('\t'))
  if (first === undefined) throw new SyntaxError('wg dump is empty')
  const [, publicKey, listenPort, fwmark] = first
  if (first.length !== 4 || publicKey === undefined) throw broken(1, `has ${first.length} columns, expected 4`)
  return {
    publicKey: isKeyText(publicKey) ? parsePublicKey(publicKey) : null,
    listenPort: count(listenPort, 1, 'listen port'),
    fwmark: fwmark === 'off' ? 0 : mark(fwmark, 1),
    peers: rest.map((columns, index) => parsePeer(columns, index + 2)),
  }
}

function parsePeer(columns: readonly string[], line: number): PeerState {
  const [publicKey, preshared, endpoint, allowedIps, handshake, rx, tx, keepalive] = columns
  if (columns.length !== 8 || publicKey === undefined || preshared === undefined || endpoint === undefined)
    throw broken(line, `has ${columns.length} columns, expected 8`)
  if (!isKeyText(publicKey)) throw broken(line, 'has no public key in column 1')
  const seconds = count(handshake, line, 'latest handshake')
  return {
    publicKey: parsePublicKey(publicKey),
    presharedKeyId: preshared === '(none)' ? null : presharedKeyId(presharedIn(preshared, line)),
    endpoint: parseEndpoint(endpoint),
    allowedIps: allowedIps === undefined || allowedIps === '(none)' ? [] : allowedIps.split(','),
    // 0 means never (wg(8)); a handshake exactly on a full second is not 0.
    lastHandshakeAt: seconds === 0 ? null : seconds,
    rxBytes: count(rx, line, 'received bytes'),
    txBytes: count(tx, line, 'sent bytes'),
    keepaliveSeconds: keepalive === 'off' ? 0 : count(keepalive, line, 'keepalive'),
  }
}

function presharedIn(text: string, line: number): PresharedKey {
  if (!isKeyText(text)) throw broken(line, 'has no preshared key in column 2')
  return parsePresharedKey(text)
}

function count(text: string | undefined, line: number, what: string): number {
  if (text === undefined || !/^\d+$/.test(text)) throw broken(line, `has no number for ${what}`)
  return Number(text)
}

function mark(text: string | undefined, line: number): number {
  if (text === undefined || !/^0x[0-9a-f]+$/.test(text)) throw broken(line, 'has no number for fwmark')
  return Number(text)
}

function broken(line: number, why: string): SyntaxError {
  return new SyntaxError(`wg dump line ${line} ${why}`)
}
