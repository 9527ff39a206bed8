import { expect, test } from 'vitest'
import type { ForeignMark } from '../../../../adapters/observation.ts'
import { chooseSlots, markText, SLOTS, slotOf } from '../../../../adapters/openwrt/include/marks.ts'

const PBR: ForeignMark = { mask: 0x00_ff_00_00, value: 0x01_00_00, by: 'ip rule 29998' }
const MWAN3: ForeignMark = { mask: 0x3f_00, value: 0x1_00, by: 'ip rule 2001' }
const HIGH: ForeignMark = { mask: 0xf0_00_00_00, value: null, by: 'firewall.vpn' }
const NONE: ReadonlyMap<string, number> = new Map()

const markOf = (held: ReadonlyMap<string, number>, ...foreign: readonly ForeignMark[]) =>
  markText(chooseSlots(['hw0'], held, foreign).get('hw0') ?? -1)

test('the usual mark is beside those of mwan3 and pbr', () => {
  expect(markOf(NONE)).toBe('0x86000000/0xff000000')
  expect(markOf(NONE, PBR, MWAN3)).toBe('0x86000000/0xff000000')
})

test('whoever uses that byte has it, and so has who uses the next', () => {
  expect(markOf(NONE, HIGH)).toBe('0x00860000/0x00ff0000')
  expect(markOf(NONE, HIGH, PBR)).toBe('0x00000086/0x000000ff')
})

test('a whole mark hinders where it is ours, since no byte is free of it', () => {
  const whole = (value: number): ForeignMark => ({ mask: 0xff_ff_ff_ff, value, by: 'ip rule 100' })
  expect(markOf(NONE, whole(0x1))).toBe('0x86000000/0xff000000')
  expect(markOf(NONE, whole(0x86_00_00_01))).toBe('0x87000000/0xff000000')
})

test('a tunnel keeps its mark while others come and go, as long as its byte is free', () => {
  const held = new Map([['hw1', 0]])
  expect(chooseSlots(['hw0', 'hw1'], held, [])).toEqual(
    new Map([
      ['hw1', 0],
      ['hw0', 1],
    ]),
  )
  expect(markOf(new Map([['hw0', 3]]))).toBe('0x89000000/0xff000000')
  expect(markOf(new Map([['hw0', 3]]), HIGH)).toBe('0x00860000/0x00ff0000')
})

test('without a free byte there is the first one all the same', () => {
  const all: ForeignMark = { mask: 0xff_ff_ff_fe, value: null, by: 'firewall.x' }
  expect(markOf(NONE, all)).toBe('0x86000000/0xff000000')
})

test('no two slots share a mark, a table or a rule’s place, and busybox shows each of the tables', () => {
  const all = SLOTS.map(slotOf)
  for (const key of ['table', 'mark'] as const) expect(new Set(all.map((one) => one[key])).size).toBe(SLOTS.length)
  expect(new Set(all.flatMap(({ priority, lastPriority }) => [priority, lastPriority])).size).toBe(2 * SLOTS.length)
  expect(all.every(({ table }) => Number(table) < 253)).toBe(true)
  expect(all.every(({ lastPriority }) => Number(lastPriority) < 1_001)).toBe(true)
})
