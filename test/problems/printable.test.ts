import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import { oneLine, printable, printableFacts, printableJson, quoted } from '../../problems/printable.ts'
import { Problem } from '../../problems/problem.ts'

/** What must reach nobody: everything of Unicode's categories C but private use and what is not assigned, and its separators. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const ODD = [
  '\u001b[2J',
  '\r',
  '\u0007',
  '\u007f',
  '\u009b31m',
  '\u202e',
  '\u2066',
  '\u2028',
  '\u200b',
  '\ud800',
  '\u{e0041}',
]
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.array(fc.oneof(fc.constantFrom(...ODD), fc.string())).map((parts) => parts.join('')),
)

describe('words that others chose', () => {
  test('hold nothing but characters and the ends of lines, and what is printable stays as it is', () => {
    fc.assert(
      fc.property(text, (text) => {
        expect(printable(text).replaceAll('\n', '')).not.toMatch(UNPRINTABLE)
        if (!UNPRINTABLE.test(text.replaceAll('\n', ''))) expect(printable(text)).toBe(text)
      }),
    )
  })

  test('are one line where one is meant', () => {
    expect(oneLine('fine\r\n\u2028  root@vps:~# ')).toBe('fine root@vps:~# ')
    fc.assert(
      fc.property(text, (text) => {
        expect(oneLine(text)).not.toMatch(UNPRINTABLE)
      }),
    )
  })

  test('neither end their mark nor fill the screen', () => {
    expect(quoted('it is "full"\u001b[31m')).toBe(`"it is 'full'\uFFFD[31m"`)
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 50 }), (text, most) => {
        const said = quoted(text, most)
        expect(said).toMatch(/^"[^"]*"$/u)
        expect(said).not.toMatch(UNPRINTABLE)
        expect(Array.from(said).length).toBeLessThanOrEqual(most + 2)
      }),
    )
    expect(quoted('😀'.repeat(1_000), 10)).toBe(`"${'😀'.repeat(9)}…"`)
  })

  test('are clean at every depth of an answer, whose numbers and shape stay', () => {
    fc.assert(
      fc.property(fc.object({ values: [text, fc.integer(), fc.boolean(), fc.constant(null)] }), (facts) => {
        const clean = printableFacts(facts)
        const texts: string[] = []
        JSON.stringify(clean, (key, value: unknown) => {
          texts.push(key, ...(typeof value === 'string' ? [value] : []))
          return value
        })
        for (const one of texts) expect(one).not.toMatch(UNPRINTABLE)
      }),
    )
    expect(printableFacts({ n: 1, s: ['a\u001bb', null, { t: true }] })).toEqual({
      n: 1,
      s: ['a\uFFFDb', null, { t: true }],
    })
  })

  test('are the same in JSON, which is safe to look at', () => {
    fc.assert(
      fc.property(fc.record({ text, more: fc.array(text) }), (facts) => {
        for (const indent of [undefined, 2]) {
          const json = JSON.stringify(facts, null, indent)
          expect(printableJson(json).replaceAll('\n', '')).not.toMatch(UNPRINTABLE)
          expect(JSON.parse(printableJson(json))).toEqual(JSON.parse(json))
        }
      }),
    )
  })

  test('are clean in every problem', () => {
    fc.assert(
      fc.property(text, text, text, (what, why, next) => {
        const { message, ...rest } = new Problem('internal', { what, why, next })
        for (const one of [message, rest.what, rest.why, rest.next]) expect(one).not.toMatch(UNPRINTABLE)
      }),
    )
  })
})
