import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { decodeAnswer, decodeRequest, encodeAnswer, encodeRequest } from '../../../protocol/datagrams/heartbeat.ts'
import { PADDING_BYTES } from '../../../wireguard/timers.ts'

const sequence = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const port = fc.integer({ min: 1, max: 65_535 })

describe('a heartbeat', () => {
  test('carries its sequence there and back', () => {
    fc.assert(
      fc.property(sequence, (number) => {
        expect(decodeRequest(encodeRequest(number))).toEqual({ sequence: number })
      }),
    )
  })

  test('its answer carries the mapping, IPv4, IPv6 or none', () => {
    const address = fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::7', '::1', '2001:db8:1:2:3:4:5:6'))
    const endpoint = fc.option(fc.record({ address, port }))
    fc.assert(
      fc.property(sequence, endpoint, fc.boolean(), fc.boolean(), (number, seen, inUse, asks) => {
        const answer = { sequence: number, endpoint: seen, inUse, asks }
        expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer)
      }),
    )
  })

  test('costs 108 bytes on the wire each way over IPv4', () => {
    const onTheWire = (payload: Uint8Array): number => {
      const inner = 20 + 8 + payload.length
      // IPv4 and UDP outside, WireGuard's 16 bytes of header and 16 of tag, the inner packet padded.
      return 20 + 8 + 32 + Math.ceil(inner / PADDING_BYTES) * PADDING_BYTES
    }
    expect(onTheWire(encodeRequest(1))).toBe(108)
    expect(
      onTheWire(
        encodeAnswer({ sequence: 1, endpoint: { address: '198.51.100.7', port: 4500 }, inUse: true, asks: false }),
      ),
    ).toBe(108)
  })

  test('anything else is neither a request nor an answer, and never throws', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        fc.pre(bytes[0] !== 0x68)
        expect(decodeRequest(bytes)).toBeNull()
        expect(decodeAnswer(bytes)).toBeNull()
      }),
    )
    expect(decodeAnswer(encodeRequest(1))).toBeNull()
    expect(decodeRequest(encodeAnswer({ sequence: 1, endpoint: null, inUse: false, asks: false }))).toBeNull()
  })

  test('cut short it is none, longer it is read as far as it is known', () => {
    const answer = encodeAnswer({
      sequence: 9,
      endpoint: { address: '198.51.100.7', port: 4500 },
      inUse: true,
      asks: false,
    })
    for (let length = 0; length < answer.length; length += 1) expect(decodeAnswer(answer.slice(0, length))).toBeNull()
    expect(decodeAnswer(Uint8Array.from([...answer, 1, 2, 3]))).toEqual(decodeAnswer(answer))
  })
})
