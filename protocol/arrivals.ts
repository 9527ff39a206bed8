import { randomBytes } from 'node:crypto'
import * as v from 'valibot'

/**
 * What a hub saw arrive of a home that cannot prove its tunnel, as agent and hub exchange it. The home sends datagrams
 * that begin with a nonce while it asks over TCP; the hub counts them before its every table, and its kernel names the
 * rule that stops them.
 */

/** Words of a machine's own firewall: data, for people to read, and never an advice. */
const RuleSchema = v.object({
  table: v.pipe(v.string(), v.maxLength(80)),
  chain: v.pipe(v.string(), v.maxLength(80)),
  rule: v.pipe(v.string(), v.maxLength(400)),
})

/** adapters/packet-fate.ts has the same in words. */
const PacketFateSchema = v.object({
  arrived: v.nullable(v.number()),
  end: v.picklist(['nothing-arrived', 'delivered', 'led-away', 'dropped', 'lost', 'unknown']),
  rule: v.nullable(RuleSchema),
  to: v.nullable(v.pipe(v.string(), v.maxLength(100))),
})

/** The first byte of WireGuard's own packets is 1 to 4, that of echoes and heartbeats is 0x68 0x77. */
export const PROBE_BEGINS = '6870'

/**
 * A datagram that nobody who looks at packets can tell from a handshake initiation (WireGuard's paper, 5.4.2: 148 bytes
 * that begin with 1, 0, 0, 0), and that WireGuard drops for its first MAC. The nonce stands where the key would.
 */
export function lookalikeOf(nonce: string): Uint8Array {
  const datagram = randomBytes(148)
  datagram.set([1, 0, 0, 0])
  datagram.set(Buffer.from(nonce, 'hex'), LOOKALIKE_NONCE_AT)
  return datagram
}

/** Where the nonce begins in one, in bytes: behind type and sender index. */
export const LOOKALIKE_NONCE_AT = 8

/** POST /v1/arrivals. The home sends its datagrams until the answer comes. */
export const ArrivalsRequest = v.object({
  version: v.literal(1),
  /** The first eight bytes of the datagrams, in hex. */
  nonce: v.pipe(v.string(), v.regex(/^6870[0-9a-f]{12}$/)),
})

export const ArrivalsAnswer = v.object({
  /** The home's datagrams with the nonce, to WireGuard's port. */
  datagrams: PacketFateSchema,
  /** WireGuard's handshake initiations from the address that the question came from. */
  handshakes: PacketFateSchema,
  /** WireGuard's packets back to this home; null: WireGuard knows no endpoint of it. */
  answers: v.nullable(PacketFateSchema),
  /** Whether WireGuard's packets of others came to the same port meanwhile; null: they could not be counted. */
  others: v.nullable(v.boolean()),
  /** Whether lookalikes of handshakes with the nonce came; null: they could not be counted. Older hubs do not say. */
  lookalikes: v.optional(v.nullable(v.boolean())),
  /**
   * Whether a connection to the registrar was opened from the address of the question by a packet with a TTL of 1. A home
   * that tries every TTL brings that about, unless the line sets TTLs anew or a proxy ends its connections: then the TTL
   * with which it is answered does not count the routers. null: they could not be counted. Older hubs do not say.
   */
  expiring: v.optional(v.nullable(v.boolean())),
})

/**
 * How long the hub watches: longer than the pause between two initiations (REKEY_TIMEOUT, 5 s) and two heartbeats, and
 * than a home takes that tries every TTL.
 */
export const WATCH_MS = 6_000

export type ArrivalsAnswer = v.InferOutput<typeof ArrivalsAnswer>
