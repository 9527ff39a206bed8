import { expect, test } from 'vitest'
import {
  answerSections,
  answersIn,
  foreignMarks,
  isAnswerSection,
} from '../../../../adapters/openwrt/include/answers.ts'
import type { Section } from '../../../../adapters/openwrt/uci/sections.ts'

const SECTIONS = answerSections('hw0', 0)

/** As iproute2 prints it; busybox leaves the masks out. */
const RUNNING = `0:	from all lookup local
861:	from all fwmark 0x86000000/0xff000000 lookup 186
862:	from all fwmark 0x86000000/0xff000000 unreachable
2001:	from all fwmark 0x100/0x3f00 lookup 1
32766:	from all lookup main
table 186 default dev hw0 proto static scope link
`
const seen = (listing: string, sections = SECTIONS, live = ['hw0']) => answersIn(sections, listing, live)[0]

test('what is configured and runs is whole, also as busybox prints it', () => {
  const whole = { slot: 0, interface: 'hw0', isWhole: true }
  expect(seen(RUNNING)).toEqual(whole)
  expect(seen(RUNNING.replaceAll(/\/0x[0-9a-f]+/g, ''))).toEqual(whole)
  expect(answersIn([], RUNNING, ['hw0'])).toEqual([])
})

test.each(['861:', '862:', 'table 186'])('without the line %s it is not', (begin) => {
  const without = RUNNING.split('\n').filter((line) => !line.startsWith(begin))
  expect(seen(without.join('\n'))?.isWhole).toBe(false)
})

test('a route into another device is none, and none is missed while there is no device', () => {
  expect(seen(RUNNING.replace('dev hw0', 'dev hw01'))?.isWhole).toBe(false)
  expect(seen(RUNNING.replace(/table 186 .*/, ''), SECTIONS, [])?.isWhole).toBe(true)
})

test('a rule in our place with somebody else’s mark is none', () => {
  for (const mark of ['0x1', '0x86000000/0xff', '0x86000000/0xffffffff'])
    expect(
      seen(RUNNING.replace('862:\tfrom all fwmark 0x86000000/0xff000000', `862:\tfrom all fwmark ${mark}`)),
    ).toEqual({
      slot: 0,
      interface: 'hw0',
      isWhole: false,
    })
})

test.each(SECTIONS.map((section) => [section.name, section] as const))(
  'of the ways %s alone is seen, so that it can be removed',
  (_name, section) => {
    const changed = { ...section, options: { ...section.options, ...(section.type === 'rule' ? { mark: '0x1' } : {}) } }
    for (const left of [section, changed]) {
      expect(answersIn([left], RUNNING, ['hw0'])).toEqual([{ slot: 0, interface: 'hw0', isWhole: false }])
      expect(isAnswerSection(left, 0)).toBe(true)
      expect(isAnswerSection(left, 1)).toBe(false)
    }
  },
)

test('a section that was changed or deleted is seen', () => {
  const changed = SECTIONS.map((one) => ({ ...one, options: { ...one.options, mark: '0x1' } }))
  expect(seen(RUNNING, changed)?.isWhole).toBe(false)
  expect(seen(RUNNING, SECTIONS.slice(0, 2))?.isWhole).toBe(false)
})

test('marks of others are those of policy rules and of the owner’s firewall, and not our own', () => {
  const owners: readonly Section[] = [
    { config: 'firewall', name: 'qos', type: 'rule', options: { target: 'MARK', set_xmark: '0x20/0xf0' } },
    { config: 'firewall', name: 'x', type: 'rule', options: { mark: '!0x5' } },
    { config: 'firewall', name: 'homeward_hw0_in', type: 'rule', options: { mark: '0x6' } },
  ]
  expect(foreignMarks([...SECTIONS, ...owners], RUNNING)).toEqual([
    { value: 0x1_00, mask: 0x3f_00, by: 'ip rule 2001' },
    { value: 0x20, mask: 0xf0, by: 'firewall.qos' },
    { value: 5, mask: 0xff_ff_ff_ff, by: 'firewall.x' },
  ])
})

test('our rules that run on without their sections are ours, by their place and their mark', () => {
  const whole = RUNNING.replaceAll(/\/0xff000000/g, '')
  for (const left of [[], SECTIONS.slice(1)])
    for (const listing of [RUNNING, whole])
      expect(foreignMarks(left, listing).map(({ by }) => by)).toEqual(['ip rule 2001'])
  const others = RUNNING.replace('861:', '860:').replace('862:\tfrom all fwmark 0x86', '862:\tfrom all fwmark 0x87')
  expect(foreignMarks([], others).map(({ by }) => by)).toEqual(['ip rule 860', 'ip rule 862', 'ip rule 2001'])
})
