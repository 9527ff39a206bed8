/**
 * MikroTik's neighbour discovery (MNDP): routers tell of themselves by broadcast to UDP port 5678, each minute and when they
 * are asked. There is no specification; the layout is that of Wireshark's dissector (epan/dissectors/packet-mndp.c): two
 * bytes nobody knows, a sequence number of two, then fields of type, length (two bytes each, big endian) and value.
 */
export const MNDP_PORT = 5678

/** Asks all MikroTiks on the link to tell of themselves now: a header with nothing behind it, as WinBox sends it. */
export const MNDP_REQUEST: Uint8Array = new Uint8Array(4)

/** What a MikroTik says of itself. The words are its owner's, or of whoever sent the packet: never trusted, never shown raw. */
export interface MndpNeighbour {
  readonly identity: string | null
  /** Of RouterOS, such as `7.18.2 (stable)`. */
  readonly version: string | null
  /** `MikroTik`; other makers that speak it name themselves. */
  readonly platform: string | null
  /** Of the hardware, such as `RB5009UG+S+`. */
  readonly board: string | null
}

const HEADER_BYTES = 4
const FIELD_BYTES = 4
/** Types of fields (packet-mndp.c, mndp_tunnel_types). */
const TYPES = { identity: 5, version: 7, platform: 8, board: 12 } as const
/** A MikroTik's name has 64 characters at most; nothing that it tells is longer. */
const LONGEST = 128

/**
 * Reads a packet of MNDP.
 * @returns null where it is none: a request, one that is cut off, one that names nothing.
 */
export function parseMndp(packet: Uint8Array): MndpNeighbour | null {
  const fields = fieldsIn(packet)
  if (fields === null) return null
  const text = (type: number): string | null => fields.get(type) ?? null
  const neighbour = {
    identity: text(TYPES.identity),
    version: text(TYPES.version),
    platform: text(TYPES.platform),
    board: text(TYPES.board),
  }
  return neighbour.identity === null && neighbour.platform === null ? null : neighbour
}

/** The texts of a packet by their type, the first of each; null: it does not end where its last field does. */
function fieldsIn(packet: Uint8Array): ReadonlyMap<number, string> | null {
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  const wanted: ReadonlySet<number> = new Set(Object.values(TYPES))
  const fields = new Map<number, string>()
  let at = HEADER_BYTES
  while (at + FIELD_BYTES <= packet.length) {
    const type = view.getUint16(at)
    const begin = at + FIELD_BYTES
    const end = begin + view.getUint16(at + 2)
    if (end > packet.length) return null
    if (wanted.has(type) && !fields.has(type)) {
      const text = textOf(packet.subarray(begin, end))
      if (text !== '') fields.set(type, text)
    }
    at = end
  }
  return at === packet.length ? fields : null
}

function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes.subarray(0, LONGEST)).replace(/\0+$/, '').trim()
}
