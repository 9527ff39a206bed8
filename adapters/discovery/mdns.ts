/** Multicast DNS (RFC 6762), as far as it takes to ask who offers SSH on this link, and to read the answers. */
export const MDNS = { address: '224.0.0.251', port: 5353 } as const

/** SSH by DNS-based service discovery (RFC 6763, 4.1). */
const SSH_SERVICE = '_ssh._tcp.local'

/** Somebody who offers SSH. The words are whoever's sent the packet: never trusted, never shown raw. */
export interface MdnsService {
  /** The instance's name, such as `OpenWrt`. */
  readonly instance: string
  /** Strings of its TXT record, such as `daemon=dropbear`, which OpenWrt's dropbear announces (its dropbear.init). */
  readonly texts: readonly string[]
}

const HEADER_BYTES = 12
const TYPE = { PTR: 12, TXT: 16 } as const
const CLASS_IN = 1
/** A response (RFC 1035, 4.1.1: QR). */
const RESPONSE = 0x8000
/** More records than any router announces in one packet. */
const MOST_RECORDS = 256
/** Of a name (RFC 1035, 2.3.4). */
const LONGEST_NAME = 255
/** The two high bits of a length: a pointer to an earlier name (RFC 1035, 4.1.4). */
const POINTER = 0xc0

/** The question for all who offer SSH. Its id is zero (RFC 6762, 18.1). */
export function sshQuestion(): Uint8Array {
  const labels = SSH_SERVICE.split('.').map((label) => [label.length, ...Buffer.from(label)])
  const header = [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0]
  return Uint8Array.from([...header, ...labels.flat(), 0, 0, TYPE.PTR, 0, CLASS_IN])
}

/**
 * Reads who offers SSH by an answer to that question, or by an announcement.
 * @returns empty for all else: questions, packets that are cut off or lead their reader in a circle.
 */
export function sshServicesIn(packet: Uint8Array): readonly MdnsService[] {
  const records = recordsIn(packet)
  if (records === null) return []
  const found = records.flatMap(({ name, type, value }) => {
    if (type !== TYPE.PTR || name.toLowerCase() !== SSH_SERVICE) return []
    const instance = nameAt(packet, value.begin)?.name ?? ''
    return instance.toLowerCase().endsWith(`.${SSH_SERVICE}`) ? [instance] : []
  })
  return [...new Set(found)].map((instance) => ({
    instance: instance.slice(0, -SSH_SERVICE.length - 1),
    texts: records.flatMap(({ name, type, value }) =>
      type === TYPE.TXT && name.toLowerCase() === instance.toLowerCase()
        ? stringsIn(packet.subarray(value.begin, value.end))
        : [],
    ),
  }))
}

interface DnsRecord {
  readonly name: string
  readonly type: number
  readonly value: { readonly begin: number; readonly end: number }
}

/** All records of a response, whatever section they stand in; null: it is none, or not whole. */
function recordsIn(packet: Uint8Array): readonly DnsRecord[] | null {
  if (packet.length < HEADER_BYTES) return null
  const view = new DataView(packet.buffer, packet.byteOffset, packet.byteLength)
  if ((view.getUint16(2) & RESPONSE) === 0) return null
  const questions = view.getUint16(4)
  const count = view.getUint16(6) + view.getUint16(8) + view.getUint16(10)
  if (questions + count > MOST_RECORDS) return null
  let at = HEADER_BYTES
  for (let question = 0; question < questions; question += 1) {
    const asked = nameAt(packet, at)
    if (asked === null) return null
    at = asked.end + 4
  }
  const records: DnsRecord[] = []
  for (let record = 0; record < count; record += 1) {
    const named = nameAt(packet, at)
    if (named === null || named.end + 10 > packet.length) return null
    const begin = named.end + 10
    const end = begin + view.getUint16(named.end + 8)
    if (end > packet.length) return null
    records.push({ name: named.name, type: view.getUint16(named.end), value: { begin, end } })
    at = end
  }
  return records
}

/** A name and where what follows it begins; null: it runs out of the packet, or in a circle. */
function nameAt(packet: Uint8Array, from: number): { readonly name: string; readonly end: number } | null {
  const labels: string[] = []
  let at = from
  let end: number | null = null
  let length = 0
  for (;;) {
    const size = packet[at]
    if (size === undefined) return null
    if ((size & POINTER) === POINTER) {
      const low = packet[at + 1]
      if (low === undefined) return null
      end ??= at + 2
      const target = ((size & ~POINTER) << 8) | low
      // Only to a prior name (RFC 1035, 4.1.4): so it ends.
      if (target >= at) return null
      at = target
    } else if ((size & POINTER) !== 0) return null
    else if (size === 0) return { name: labels.join('.'), end: end ?? at + 1 }
    else {
      length += size + 1
      if (length > LONGEST_NAME || at + 1 + size > packet.length) return null
      labels.push(new TextDecoder().decode(packet.subarray(at + 1, at + 1 + size)))
      at += 1 + size
    }
  }
}

/** Strings of a TXT record, each behind its length (RFC 1035, 3.3.14). */
function stringsIn(value: Uint8Array): readonly string[] {
  const strings: string[] = []
  for (let at = 0; at < value.length; at += 1 + (value[at] ?? 0)) {
    const text = value.subarray(at + 1, at + 1 + (value[at] ?? 0))
    if (text.length > 0) strings.push(new TextDecoder().decode(text))
  }
  return strings
}
