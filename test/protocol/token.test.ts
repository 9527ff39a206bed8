import * as fc from '../properties.ts'
import { describe, expect, test } from 'vitest'
import { formatToken, type JoinToken, parseToken } from '../../protocol/token.ts'
import { parsePublicKey } from '../../wireguard/keys.ts'

const token: JoinToken = {
  home: 'cabin',
  addresses: ['vps.example.org', '203.0.113.10'],
  port: 51_820,
  hubPublicKey: parsePublicKey('xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg='),
  certificate: 'ab'.repeat(32),
  joinSecret: 'x'.repeat(43),
}
const text = formatToken(token)

function codeOf(pasted: string): unknown {
  try {
    return parseToken(pasted)
  } catch (thrown) {
    return (thrown as { code?: string }).code
  }
}

describe('a join token', () => {
  test('comes out as it went in', () => {
    expect(parseToken(text)).toEqual(token)
  })

  test('forgives the line breaks and blanks of a mail program', () => {
    expect(parseToken(`  ${text.slice(0, 60)}\r\n ${text.slice(60)}\n`)).toEqual(token)
  })

  test('cut off anywhere it is refused', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: text.length - 1 }), (length) => {
        expect(['token-malformed', 'token-damaged']).toContain(codeOf(text.slice(0, length)))
      }),
    )
  })

  test('with any one character changed it is refused', () => {
    const characters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.'.split('')
    fc.assert(
      fc.property(fc.integer({ min: 0, max: text.length - 1 }), fc.constantFrom(...characters), (at, other) => {
        fc.pre(text[at] !== other)
        expect(codeOf(text.slice(0, at) + other + text.slice(at + 1))).toMatch(/^token-(malformed|damaged|version)$/)
      }),
    )
  })

  test('of another version it says so', () => {
    expect(codeOf(text.replace('hw1', 'hw2'))).toBe('token-version')
  })

  test.each(['', 'hello', 'hw1', 'hw1.', 'hw1..', 'https://example.org/'])('%j is none', (pasted) => {
    expect(codeOf(pasted)).toMatch(/^token-(malformed|damaged)$/)
  })

  test('no error repeats any of it', () => {
    try {
      parseToken(text.slice(0, -1))
      expect.unreachable()
    } catch (thrown) {
      expect(String(thrown)).not.toContain(text.slice(10, 30))
    }
  })
})
