import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { frame, LARGEST_DATAGRAM, makeDeframer } from '../../../protocol/datagrams/frames.ts'

const datagram = fc.oneof(
  fc.uint8Array({ maxLength: 200 }),
  fc.constantFrom(0, 1, 255, 256, 1_500, LARGEST_DATAGRAM).map((length) => new Uint8Array(length).fill(length)),
)

const ONE_BYTE = new Uint8Array(1)

/** Cuts bytes wherever the lengths say, round and round. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = lengths[turn % lengths.length] ?? bytes.length
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  return chunks
}

describe('datagrams in a stream', () => {
  test('come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(datagram, { maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 3_000 }), { minLength: 1 }),
        (datagrams, lengths) => {
          const seen: Buffer[] = []
          const deframe = makeDeframer((one) => seen.push(Buffer.from(one)))
          for (const chunk of cut(Buffer.concat(datagrams.map(frame)), lengths)) expect(deframe(chunk)).toBe(true)
          expect(seen.map((one) => one.toString('hex'))).toEqual(
            datagrams.map((one) => Buffer.from(one).toString('hex')),
          )
        },
      ),
    )
  })

  test('carry their length in two bytes, the higher first', () => {
    expect([...frame(new Uint8Array([7, 8, 9]))]).toEqual([0, 3, 7, 8, 9])
    expect([...frame(new Uint8Array(258)).subarray(0, 2)]).toEqual([1, 2])
    expect([...frame(new Uint8Array())]).toEqual([0, 0])
    expect(() => frame(new Uint8Array(LARGEST_DATAGRAM + 1))).toThrow(RangeError)
  })

  test('one that is too large ends it: what came before counts, nothing after it does', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: LARGEST_DATAGRAM + 1, max: 65_535 }),
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1 }),
        (length, lengths) => {
          const seen: number[] = []
          const deframe = makeDeframer((one) => seen.push(one.length))
          const bytes = Buffer.concat([
            frame(new Uint8Array(4)),
            Buffer.from([length >> 8, length & 255]),
            frame(ONE_BYTE),
          ])
          const answers = cut(bytes, lengths).map((chunk) => deframe(chunk))
          expect(answers.at(-1)).toBe(false)
          expect(seen).toEqual([4])
          expect(deframe(frame(ONE_BYTE))).toBe(false)
        },
      ),
    )
  })
})
