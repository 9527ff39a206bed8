import { expect, test } from 'vitest'
import { sshQuestion, sshServicesIn } from '../../../adapters/discovery/mdns.ts'
import { sshAnswer } from '../../fake/discovery/packets.ts'
import * as fc from '../../properties.ts'

const answer = sshAnswer('OpenWrt', ['daemon=dropbear'])

test('the question is for _ssh._tcp.local, of type PTR and class IN', () => {
  const expected = '000000000001000000000000045f737368045f746370056c6f63616c00000c0001'
  expect(Buffer.from(sshQuestion()).toString('hex')).toBe(expected)
})

test('an answer as umdns gives it is read, its pointers followed', () => {
  expect(sshServicesIn(answer)).toEqual([{ instance: 'OpenWrt', texts: ['daemon=dropbear'] }])
})

test('a question is no answer', () => {
  expect(sshServicesIn(sshQuestion())).toEqual([])
})

test('an answer that is cut off anywhere is none', () => {
  for (let length = 0; length < answer.length; length += 1)
    expect(sshServicesIn(answer.subarray(0, length))).toEqual([])
})

const header = (answers: number) => Buffer.from([0, 0, 0x84, 0, 0, 0, answers >> 8, answers & 255, 0, 0, 0, 0])

test.each([
  ['a name that points at itself', Buffer.concat([header(1), Buffer.from([0xc0, 12])])],
  ['two names that point at each other', Buffer.concat([header(1), Buffer.from([0xc0, 14, 0xc0, 12])])],
  ['a name that comes round to its own label', Buffer.concat([header(1), Buffer.from([1, 97, 0xc0, 12])])],
  ['a pointer ahead', Buffer.concat([header(1), Buffer.from([0xc0, 200])])],
  ['a pointer without its end', Buffer.concat([header(1), Buffer.from([0xc0])])],
  ['a label of a kind that is reserved', Buffer.concat([header(1), Buffer.from([0x80, 1, 2, 3])])],
  ['more records than it has', header(2)],
  ['as many records as a header can name', header(65_535)],
])('%s is no answer, and ends', (_what, packet) => {
  expect(sshServicesIn(packet)).toEqual([])
})

test('whatever is sent, it answers', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(answer.length), (bytes, at) => {
      sshServicesIn(bytes)
      sshServicesIn(Buffer.concat([answer.subarray(0, at), bytes]))
    }),
  )
})
