import * as fc from '../../../properties.ts'
import { expect, test } from 'vitest'
import { sentenceParser, type Words } from '../../../../adapters/mikrotik/api/sentence-parser.ts'
import { decodeWord, encodeWord } from '../../../../adapters/mikrotik/api/word-text.ts'
import { sentence } from '../raw-router.ts'

/** Lengths around every border between two ways to write one. */
const LENGTHS = [1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1f_ffff, 0x20_0000]

function inOne(bytes: Buffer): readonly Words[] {
  return sentenceParser()(bytes)
}

test('a sentence is the same however TCP cuts it', () => {
  const words = fc.array(fc.string({ minLength: 1, maxLength: 200, unit: 'grapheme' }), { minLength: 1, maxLength: 5 })
  const sentences = fc.array(words, { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(sentences, fc.array(fc.nat(), { maxLength: 30 }), (given, cuts) => {
      const bytes = Buffer.concat(given.map((each) => sentence(...each)))
      const borders = [0, ...cuts.map((cut) => cut % bytes.length), bytes.length].sort((a, b) => a - b)
      const parse = sentenceParser()
      const found = borders.flatMap((border, index) => parse(bytes.subarray(borders[index - 1] ?? 0, border)))
      expect(found).toEqual(given)
    }),
  )
})

test('every way to write a length is read, also byte by byte', () => {
  for (const length of LENGTHS.filter((each) => each <= 1024 * 1024)) {
    const bytes = sentence('x'.repeat(length))
    expect(inOne(bytes)[0]?.[0]?.length).toBe(length)
    const parse = sentenceParser()
    const head = [...bytes.subarray(0, 6)].flatMap((byte) => parse(Buffer.from([byte])))
    expect([...head, ...parse(bytes.subarray(6))][0]?.[0]?.length).toBe(length)
  }
})

test('lengths are written as the manual has them', () => {
  const heads = LENGTHS.map((length) => encodeWord('x'.repeat(length)).subarray(0, -length).toString('hex'))
  expect(heads).toEqual(['01', '7f', '8080', 'bfff', 'c04000', 'dfffff', 'e0200000'])
  expect(encodeWord('é')).toEqual(Buffer.from([2, 0xc3, 0xa9]))
  expect(encodeWord(null)).toEqual(Buffer.from([0]))
})

test('what is no protocol is said, and never waited for', () => {
  expect(() => inOne(Buffer.from([0xf8]))).toThrow('control byte (0xf8)')
  expect(() => inOne(Buffer.from([0xf0, 0xff, 0xff, 0xff, 0xff]))).toThrow('a word of 4294967295 bytes')
  const parse = sentenceParser()
  const word = encodeWord('x'.repeat(1024 * 1024))
  expect(() => {
    for (let sent = 0; sent < 10; sent += 1) parse(word)
  }).toThrow('a sentence of more than')
})

test('empty sentences are ignored', () => {
  expect(inOne(Buffer.concat([Buffer.from([0, 0]), sentence('!done'), Buffer.from([0])]))).toEqual([['!done']])
})

test('comments in UTF-8 and in a Windows code page are both read', () => {
  expect(decodeWord(Buffer.from('=comment=Küche – Кухня', 'utf8'))).toBe('=comment=Küche – Кухня')
  expect(decodeWord(Buffer.from([0x4b, 0xfc, 0x63, 0x68, 0x65, 0x20, 0x80, 0x96]))).toBe('Küche €–')
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  expect(new Set(decodeWord(all)).size).toBe(256)
})
