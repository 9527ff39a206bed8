import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from '../../../properties.ts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Section } from '../../../../adapters/openwrt/uci/sections.ts'
import { sameSection } from '../../../../adapters/openwrt/uci/sections.ts'
import { batchLines, parseShow } from '../../../../adapters/openwrt/uci/uci-text.ts'
import { privateKeyFrom } from '../../../../wireguard/keys.ts'
import { makeUci } from '../../../fake/openwrt/uci.ts'

const KEY = privateKeyFrom(Buffer.alloc(32, 7))

describe('what uci shows', () => {
  test('is read with lists, anonymous sections, quotes and line ends in values', () => {
    const shown = `firewall.@rule[0]=rule
firewall.@rule[0].name='it'\\''s mine'
firewall.z=zone
firewall.z.network='lan' 'guest'
firewall.z.note='two
lines'
`
    expect(parseShow('firewall', shown)).toEqual([
      { config: 'firewall', name: '@rule[0]', type: 'rule', options: { name: "it's mine" } },
      { config: 'firewall', name: 'z', type: 'zone', options: { network: ['lan', 'guest'], note: 'two\nlines' } },
    ])
  })

  test.each(['no equals sign', "network.x='unterminated", "firewall.x.y='an option of nothing'"])(
    'is refused when it is something else: %s',
    (shown) => {
      expect(() => parseShow('network', `${shown}\n`)).toThrow(SyntaxError)
    },
  )
})

describe('what uci is told', () => {
  let root = ''
  beforeAll(() => {
    root = mkdtempSync(join(tmpdir(), 'homeward-uci-'))
    mkdirSync(join(root, 'etc/config'), { recursive: true })
  })
  afterAll(() => rmSync(root, { recursive: true, force: true }))

  const name = fc.constantFrom('hw0', 'lan', 'homeward_hw0_zone', 'homeward_hw0_p1')
  const value = fc
    .string({ minLength: 1, maxLength: 12 })
    .filter((text) => /^[ -~]+$/.test(text) && !/[\\']/.test(text) && text.trim() === text)
  const item = value.filter((text) => !/\s/.test(text))
  const options = fc.dictionary(
    fc.constantFrom('proto', 'mtu', 'addresses', 'src_ip'),
    fc.oneof(item, fc.array(item, { minLength: 1, maxLength: 3 })),
  )
  const sections = fc.uniqueArray(
    fc.record({ config: fc.constant('network' as const), name, type: fc.constantFrom('interface', 'route'), options }),
    { selector: (section) => section.name },
  )

  test('makes any sections of any others, and is nothing where they are the same', () => {
    fc.assert(
      fc.property(sections, sections, (before, after) => {
        writeFileSync(join(root, 'etc/config/network'), '')
        const uci = makeUci(root, ['network'])
        for (const [from, to] of [
          [[], before],
          [before, after],
        ] as const) {
          const { stderr } = uci.run(['batch'], `${batchLines(from, to, () => KEY).join('\n')}\n`)
          expect(stderr).toBe('')
          uci.run(['commit'], '')
        }
        const now: readonly Section[] = parseShow('network', uci.run(['show', 'network'], '').stdout)
        expect(now.length).toBe(after.length)
        for (const wanted of after)
          expect(
            sameSection(
              now.find((one) => one.name === wanted.name),
              wanted,
            ),
          ).toBe(true)
        expect(batchLines(now, after, () => KEY)).toEqual([])
      }),
      { numRuns: 200 },
    )
  })

  test('holds no value that could end its quotes', () => {
    const section: Section = { config: 'network', name: 'x', type: 'interface', options: { note: "a'b" } }
    expect(() => batchLines([], [section], () => KEY)).toThrow(TypeError)
  })
})
