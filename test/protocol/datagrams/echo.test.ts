import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import {
  ECHO_BYTES,
  type EchoRequest,
  echoKey,
  encodeEchoAnswer,
  encodeEchoRequest,
  type PeerView,
  LONGEST_ECHO_BYTES,
  readEchoAnswer,
  readEchoRequest,
} from '../../../protocol/datagrams/echo.ts'

const KEY = echoKey('ab'.repeat(32))
const OTHER_KEY = echoKey('cd'.repeat(32))
const HOME = '10.86.0.2'
const plain: EchoRequest = { home: HOME, nonce: 7n, delaySeconds: 0, bytes: ECHO_BYTES }

const request: fc.Arbitrary<EchoRequest> = fc.record({
  home: fc.ipV4(),
  nonce: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  delaySeconds: fc.integer({ min: 0, max: 65_535 }),
  bytes: fc.integer({ min: ECHO_BYTES, max: LONGEST_ECHO_BYTES }),
})
const age = fc.option(fc.integer({ min: 0, max: 2 ** 32 - 2 }).map((milliseconds) => milliseconds / 1000))
const seen: fc.Arbitrary<PeerView> = fc.record({
  peerKnown: fc.boolean(),
  handshakeSeconds: age,
  heardSeconds: age,
  initiatedSeconds: age,
})
const nothing: PeerView = { peerKnown: false, handshakeSeconds: null, heardSeconds: null, initiatedSeconds: null }

describe('an echo', () => {
  test('its request says who asks what', () => {
    fc.assert(
      fc.property(request, (asked) => {
        const datagram = encodeEchoRequest(asked, KEY)
        expect(datagram.length).toBe(asked.bytes)
        expect(readEchoRequest(datagram, (home) => (home === asked.home ? KEY : null))).toEqual(asked)
      }),
    )
  })

  test("its answer carries the hub's word, and has the request's size", () => {
    fc.assert(
      fc.property(request, seen, (asked, said) => {
        const datagram = encodeEchoAnswer(asked, said, KEY)
        expect(datagram.length).toBe(asked.bytes)
        expect(readEchoAnswer(datagram, KEY)).toEqual({ nonce: asked.nonce, seen: said, bytes: asked.bytes })
      }),
    )
  })

  test('with any bit changed it is refused, and cut short or made longer too', () => {
    fc.assert(
      fc.property(request, fc.nat(), fc.integer({ min: 0, max: 7 }), (asked, at, bit) => {
        for (const datagram of [encodeEchoRequest(asked, KEY), encodeEchoAnswer(asked, nothing, KEY)]) {
          const changed = Uint8Array.from(datagram)
          const place = at % changed.length
          changed[place] = (changed[place] ?? 0) ^ (1 << bit)
          for (const bad of [changed, datagram.slice(0, -1), Uint8Array.from([...datagram, 0])]) {
            expect(readEchoRequest(bad, () => KEY)).toBeNull()
            expect(readEchoAnswer(bad, KEY)).toBeNull()
          }
        }
      }),
    )
  })

  test('under another key, and of a home that nobody knows, it is refused', () => {
    expect(readEchoRequest(encodeEchoRequest(plain, KEY), () => OTHER_KEY)).toBeNull()
    expect(readEchoRequest(encodeEchoRequest(plain, KEY), () => null)).toBeNull()
    expect(readEchoAnswer(encodeEchoAnswer(plain, nothing, KEY), OTHER_KEY)).toBeNull()
  })

  test('a request is no answer, nor an answer a request', () => {
    expect(readEchoAnswer(encodeEchoRequest(plain, KEY), KEY)).toBeNull()
    expect(readEchoRequest(encodeEchoAnswer(plain, nothing, KEY), () => KEY)).toBeNull()
  })

  test('any bytes are read without an error', () => {
    const head = fc.constantFrom([], [0x68, 0x77, 1, 3], [0x68, 0x77, 1, 4])
    fc.assert(
      fc.property(head, fc.uint8Array({ maxLength: 1600 }), (first, rest) => {
        const bytes = Uint8Array.from([...first, ...rest])
        expect(readEchoRequest(bytes, () => KEY)).toBeNull()
        expect(readEchoAnswer(bytes, KEY)).toBeNull()
      }),
    )
  })

  test('begins with the bytes that the firewall looks for, which no WireGuard message has', () => {
    expect([...encodeEchoRequest(plain, KEY).subarray(0, 4)]).toEqual([0x68, 0x77, 1, 3])
  })

  test('an age beyond four bytes stays an age', () => {
    const answer = encodeEchoAnswer(plain, { ...nothing, heardSeconds: 1e12 }, KEY)
    expect(readEchoAnswer(answer, KEY)?.seen.heardSeconds).toBeCloseTo(4_294_967.294)
  })

  test('of a size or for a home that cannot be is not made', () => {
    for (const bytes of [0, 47, 1473, Number.NaN])
      expect(() => encodeEchoRequest({ ...plain, bytes }, KEY)).toThrow(RangeError)
    expect(() => encodeEchoRequest({ ...plain, home: '::1' }, KEY)).toThrow(RangeError)
  })
})
