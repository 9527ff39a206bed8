import { formatAddress } from '../../net/address.ts'

/**
 * STUN's Binding, as far as it takes to hear at which address and port a server sees a packet (RFC 8489). Pure. Nothing
 * is authenticated, and whoever sees the request can forge the answer: what it says is a proposal and proves nothing.
 */

/** An address as a STUN server saw it. */
export interface MappedAddress {
  readonly address: string
  readonly port: number
}

/** What a datagram says about a request; null in readBindingAnswer's answer: nothing, and the request still waits. */
export type BindingAnswer =
  | { readonly kind: 'mapped'; readonly mapped: MappedAddress }
  | { readonly kind: 'refused'; readonly why: string }

/** Bytes of a transaction id (section 5). */
export const TRANSACTION_ID_BYTES = 12

const HEADER_BYTES = 20
const MAGIC_COOKIE = 0x21_12_a4_42
const BINDING_REQUEST = 0x0001
const BINDING_SUCCESS = 0x0101
const BINDING_ERROR = 0x0111
const MAPPED_ADDRESS = 0x0001
const ERROR_CODE = 0x0009
const XOR_MAPPED_ADDRESS = 0x0020
/** Attributes below this must be understood (section 5), those from it on may be passed over. */
const FIRST_OPTIONAL = 0x8000
/** Attributes of RFC 8489, 18.3.1, among them those of RFC 3489 that older servers still send. */
const LAST_KNOWN = 0x0015

/** A Binding request without attributes (section 5). */
export function bindingRequest(transactionId: Uint8Array): Buffer {
  const request = Buffer.alloc(HEADER_BYTES)
  request.writeUInt16BE(BINDING_REQUEST, 0)
  request.writeUInt32BE(MAGIC_COOKIE, 4)
  request.set(transactionId.subarray(0, TRANSACTION_ID_BYTES), 8)
  return request
}

/** Reads an answer to the request with this transaction id. null: it is none, or is malformed. */
export function readBindingAnswer(bytes: Uint8Array, transactionId: Uint8Array): BindingAnswer | null {
  const answer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (answer.length < HEADER_BYTES || answer.readUInt32BE(4) !== MAGIC_COOKIE) return null
  if (!answer.subarray(8, HEADER_BYTES).equals(transactionId)) return null
  const attributes = attributesIn(answer)
  if (attributes === null) return null
  const type = answer.readUInt16BE(0)
  if (type === BINDING_ERROR) return { kind: 'refused', why: errorIn(attributes.get(ERROR_CODE)) }
  if (type !== BINDING_SUCCESS) return null
  // Section 6.3.3: a transaction has failed whose answer holds what must be understood and is not.
  const unknown = [...attributes.keys()].some(
    (kind) => kind > LAST_KNOWN && kind < FIRST_OPTIONAL && kind !== XOR_MAPPED_ADDRESS,
  )
  if (unknown) return { kind: 'refused', why: 'its answer holds what RFC 8489 does not know' }
  const xored = attributes.get(XOR_MAPPED_ADDRESS)
  const plain = attributes.get(MAPPED_ADDRESS)
  // The plain one is of servers from before RFC 5389; some NATs rewrite addresses that they find in a packet.
  const mapped =
    xored === undefined ? plain && addressIn(plain, null) : addressIn(xored, answer.subarray(4, HEADER_BYTES))
  return mapped == null ? { kind: 'refused', why: 'its answer holds no address' } : { kind: 'mapped', mapped }
}

/** The first attribute of each kind (section 14: later ones of the same kind may be ignored); null: they are cut off. */
function attributesIn(message: Buffer): ReadonlyMap<number, Buffer> | null {
  const end = HEADER_BYTES + message.readUInt16BE(2)
  if (end !== message.length || end % 4 !== 0) return null
  const found = new Map<number, Buffer>()
  let at = HEADER_BYTES
  while (at < end) {
    // The message's length is a multiple of four, so that a head is whole or not there.
    const [kind, length] = [message.readUInt16BE(at), message.readUInt16BE(at + 2)]
    if (!found.has(kind)) found.set(kind, message.subarray(at + 4, at + 4 + length))
    at += 4 + Math.ceil(length / 4) * 4
  }
  // Past the end: the last one claims more than there is.
  return at === end ? found : null
}

/** The address of (XOR-)MAPPED-ADDRESS (sections 14.1 and 14.2). @param mask cookie and transaction id; null: none. */
function addressIn(value: Buffer, mask: Buffer | null): MappedAddress | null {
  const bytes = { 1: 4, 2: 16 }[value[1] ?? 0]
  if (bytes === undefined || value.length !== 4 + bytes) return null
  const unmasked = value.map((byte, place) => {
    if (mask === null || place < 2) return byte
    // The port is xored with the first half of the cookie, the address with cookie and transaction id.
    return byte ^ (mask[place < 4 ? place - 2 : place - 4] ?? 0)
  })
  const number = BigInt(`0x${Buffer.from(unmasked.subarray(4)).toString('hex')}`)
  const address = formatAddress({ bits: bytes === 4 ? 32 : 128, value: number })
  return { address, port: Buffer.from(unmasked).readUInt16BE(2) }
}

/** The number of ERROR-CODE (section 14.8); its phrase is the server's, and is not repeated. */
function errorIn(value: Buffer | undefined): string {
  if (value === undefined || value.length < 4) return 'it refused without a reason'
  return `it refused with error ${((value[2] ?? 0) & 7) * 100 + (value[3] ?? 0)}`
}
