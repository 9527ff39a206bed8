import { expect, test } from 'vitest'
import { bindingRequest, readBindingAnswer } from '../../../protocol/datagrams/stun.ts'
import { answersTo, message } from '../../fake/stun/stun-answers.ts'
import * as fc from '../../properties.ts'

/** RFC 5769, 2.2 and 2.3: responses over both families, with their attributes SOFTWARE, MESSAGE-INTEGRITY, FINGERPRINT. */
const ID = Buffer.from('b7e7a701bc34d686fa87dfae', 'hex')
const SOFTWARE = '8022000b7465737420766563746f7220'
const IPV4 = Buffer.from(
  `0101003c2112a442${ID.toString('hex')}${SOFTWARE}002000080001a147e112a643000800142b91f599fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96`,
  'hex',
)
const IPV6 = Buffer.from(
  `010100482112a442${ID.toString('hex')}${SOFTWARE}002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c`,
  'hex',
)

test('the responses of RFC 5769 are read', () => {
  expect(readBindingAnswer(IPV4, ID)).toEqual({ kind: 'mapped', mapped: { address: '192.0.2.1', port: 32_853 } })
  const address = '2001:db8:1234:5678:11:2233:4455:6677'
  expect(readBindingAnswer(IPV6, ID)).toEqual({ kind: 'mapped', mapped: { address, port: 32_853 } })
})

test('a request is a header, with the cookie and the id', () => {
  expect(bindingRequest(ID).toString('hex')).toBe(`000100002112a442${ID.toString('hex')}`)
})

test('an answer to another request is none, nor one without the cookie', () => {
  for (const place of [4, 7, 8, 19]) {
    const other = Buffer.from(IPV4)
    other[place] = (other[place] ?? 0) ^ 1
    expect(readBindingAnswer(other, ID)).toBeNull()
  }
})

test('one that was cut off anywhere is none, nor one with something behind it', () => {
  for (let length = 0; length < IPV4.length; length += 1)
    expect(readBindingAnswer(IPV4.subarray(0, length), ID)).toBeNull()
  expect(readBindingAnswer(Buffer.concat([IPV4, Buffer.alloc(4)]), ID)).toBeNull()
})

test('an older server’s address without the mask is read, and the masked one counts where both are there', () => {
  const plain = Buffer.from([0, 1, 0x80, 0x55, 198, 51, 100, 7])
  const older = message(0x0101, ID, [[0x0001, plain]])
  expect(readBindingAnswer(older, ID)).toEqual({ kind: 'mapped', mapped: { address: '198.51.100.7', port: 32_853 } })
  const both = message(0x0101, ID, [
    [0x0001, plain],
    [0x0020, IPV4.subarray(40, 48)],
  ])
  expect(readBindingAnswer(both, ID)).toMatchObject({ mapped: { address: '192.0.2.1' } })
})

test('refusals are told with their number, and what must be understood and is not makes one', () => {
  const [refusal] = answersTo(bindingRequest(ID), { address: '192.0.2.1', port: 1 }, { kind: 'refusing' }, 1)
  expect(readBindingAnswer(refusal!, ID)).toEqual({ kind: 'refused', why: 'it refused with error 500' })
  const strange = message(0x0101, ID, [
    [0x0020, IPV4.subarray(40, 48)],
    [0x7fff, Buffer.alloc(4)],
  ])
  expect(readBindingAnswer(strange, ID)).toMatchObject({ kind: 'refused' })
  for (const value of [Buffer.alloc(0), Buffer.alloc(8), Buffer.from([0, 2, 0, 0, 1, 2, 3, 4])])
    expect(readBindingAnswer(message(0x0101, ID, [[0x0020, value]]), ID)).toMatchObject({ kind: 'refused' })
})

test('nothing that comes brings it down, and no request is an answer', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(0xff_ff), (bytes, length) => {
      readBindingAnswer(bytes, ID)
      const framed = Buffer.concat([IPV4.subarray(0, 20), bytes])
      framed.writeUInt16BE(length % 2 === 0 ? bytes.length : length, 2)
      const read = readBindingAnswer(framed, ID)
      expect(read === null || read.kind === 'mapped' || read.kind === 'refused').toBe(true)
    }),
  )
  expect(readBindingAnswer(bindingRequest(ID), ID)).toBeNull()
})
