import { expect, test } from 'vitest'
import { MNDP_REQUEST, parseMndp } from '../../../adapters/discovery/mndp.ts'
import { mndpPacket } from '../../fake/discovery/packets.ts'
import * as fc from '../../properties.ts'

const ROUTER = { identity: 'attic', version: '7.18.2 (stable) 2025-03-11 11:59:04', board: 'RB5009UG+S+' }
const packet = mndpPacket(ROUTER, '192.168.88.1')

test('a packet of RouterOS 7 is read', () => {
  expect(parseMndp(packet)).toEqual({ ...ROUTER, platform: 'MikroTik' })
})

/** `tcpdump -X` of such a packet, shortened by hand: identity, version, platform and board. */
const WRITTEN_DOWN =
  '00000007' +
  '000100064c5e0c010203' +
  '000500084d696b726f54696b' +
  '00070004372e3136' +
  '000800084d696b726f54696b' +
  '000c00066841502061632a'

test('so is one that was written down byte by byte, until its length lies', () => {
  expect(parseMndp(Buffer.from(WRITTEN_DOWN.slice(0, -2), 'hex'))).toEqual({
    identity: 'MikroTik',
    version: '7.16',
    platform: 'MikroTik',
    board: 'hAP ac',
  })
  expect(parseMndp(Buffer.from(WRITTEN_DOWN, 'hex'))).toBeNull()
})

test('a request is no neighbour, nor is nothing', () => {
  expect(parseMndp(MNDP_REQUEST)).toBeNull()
  expect(parseMndp(new Uint8Array())).toBeNull()
})

test('a packet that is cut off anywhere is none', () => {
  for (let length = 0; length < packet.length; length += 1) {
    const found = parseMndp(packet.subarray(0, length))
    // Between two fields it is a shorter packet.
    if (found !== null) expect(ROUTER.identity.startsWith(found.identity ?? '')).toBe(true)
  }
  expect(parseMndp(packet.subarray(0, -1))).toBeNull()
})

test('the first of two names counts, and an endless one is cut', () => {
  const long = mndpPacket({ ...ROUTER, identity: 'x'.repeat(60_000) }, '192.168.88.1')
  expect(parseMndp(long)?.identity).toHaveLength(128)
  const [, ...rest] = [packet, mndpPacket({ ...ROUTER, identity: 'other' }, '10.0.0.1').subarray(4)]
  expect(parseMndp(Buffer.concat([packet, ...rest]))?.identity).toBe('attic')
})

test('whatever is sent, it answers', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(packet.length), (bytes, at) => {
      parseMndp(bytes)
      parseMndp(Buffer.concat([packet.subarray(0, at), bytes]))
    }),
  )
})
