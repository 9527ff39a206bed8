import { parseAddress } from '../../../net/address.ts'

/** What a STUN server may do to a client, besides answering. */
export type Manner =
  | { readonly kind: 'honest' }
  /** Answers each request of that number only, as though those before it were lost. */
  | { readonly kind: 'late'; readonly nth: number }
  /** Answers with the id of another transaction, then with the right one. */
  | { readonly kind: 'wrong-id-first' }
  | { readonly kind: 'cut-off-first' }
  | { readonly kind: 'lying'; readonly address: string }
  /** Answers rightly, and not from where it was asked. */
  | { readonly kind: 'from-another-port' }
  | { readonly kind: 'refusing' }
  | { readonly kind: 'silent' }

/** A success with this address (RFC 8489, 14.2). */
function success(id: Buffer, address: string, port: number): Buffer {
  const parsed = parseAddress(address)
  if (parsed === null) throw new TypeError(`no address: ${address}`)
  const mask = Buffer.concat([Buffer.from([0x21, 0x12, 0xa4, 0x42]), id])
  const plain = Buffer.from(parsed.value.toString(16).padStart(parsed.bits / 4, '0'), 'hex')
  const head = Buffer.from([0, parsed.bits === 32 ? 1 : 2, 0, 0])
  head.writeUInt16BE(port ^ 0x21_12, 2)
  return message(0x0101, id, [[0x0020, Buffer.concat([head, plain.map((byte, place) => byte ^ (mask[place] ?? 0))])]])
}

/** A message of these attributes, each padded (RFC 8489, 5 and 14). */
export function message(type: number, id: Buffer, attributes: readonly (readonly [number, Buffer])[]): Buffer {
  const body = Buffer.concat(
    attributes.map(([kind, value]) => {
      const head = Buffer.alloc(4)
      head.writeUInt16BE(kind, 0)
      head.writeUInt16BE(value.length, 2)
      return Buffer.concat([head, value, Buffer.alloc((4 - (value.length % 4)) % 4)])
    }),
  )
  const head = Buffer.alloc(8)
  head.writeUInt16BE(type, 0)
  head.writeUInt16BE(body.length, 2)
  head.writeUInt32BE(0x21_12_a4_42, 4)
  return Buffer.concat([head, id, body])
}

/** The datagrams with which a server of that manner answers its nth request from there. */
export function answersTo(
  request: Buffer,
  from: { readonly address: string; readonly port: number },
  manner: Manner,
  nth: number,
): readonly Buffer[] {
  const id = request.subarray(8, 20)
  const honest = success(id, from.address, from.port)
  switch (manner.kind) {
    case 'honest':
    case 'from-another-port':
      return [honest]
    case 'late':
      return nth % manner.nth === 0 ? [honest] : []
    case 'wrong-id-first':
      return [success(Buffer.alloc(12, 7), '198.51.100.66', 1), honest]
    case 'cut-off-first':
      return [honest.subarray(0, -4), Buffer.alloc(0), honest]
    case 'lying':
      return [success(id, manner.address, from.port)]
    case 'refusing':
      // 500, Server Error (RFC 8489, 14.8).
      return [message(0x0111, id, [[0x0009, Buffer.from([0, 0, 5, 0])]])]
    default:
      return []
  }
}
