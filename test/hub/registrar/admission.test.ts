import { describe, expect, test } from 'vitest'
import { type Admission, makeAdmission } from '../../../hub/registrar/admission.ts'

/** A house with a clock, and who is in it. */
function house() {
  const admission = makeAdmission()
  const inside = new Set<string>()
  let now = 0
  let last = 0
  const leave = (id: string): void => {
    inside.delete(id)
    admission.left(id, now)
  }
  return {
    admission,
    inside,
    leave,
    turn: (milliseconds: number) => {
      now += milliseconds
    },
    open: (address: string, isHome = false): string => {
      const id = `${address} ${(last += 1)}`
      inside.add(id)
      for (const victim of admission.opened(id, address, isHome, now)) inside.delete(victim)
      // Thousands come, and an expectation costs more than they do.
      if (!inside.has(id) || admission.count() !== inside.size) throw new Error('the newest was not let in')
      return id
    },
    answer: (id: string) => {
      for (const step of ['shaken', 'asked', 'answered'] as const satisfies readonly (keyof Admission)[])
        admission[step](id)
    },
    of: (address: string) => [...inside].filter((id) => id.startsWith(`${address} `)),
  }
}

const nine = (index: number): string => `198.51.100.${index % 9}`

describe('a full house', () => {
  test('lets the newest in, and gives up the oldest of the source that has most', () => {
    const { open, inside, of } = house()
    const small = Array.from({ length: 3 }, () => open('203.0.113.1'))
    for (let count = 0; count < 413; count += 1) open('203.0.113.2')
    expect(inside.size).toBe(416)
    const [oldest] = of('203.0.113.2')
    const home = open('203.0.113.3')
    expect(inside.has(oldest ?? '')).toBe(false)
    for (const id of [...small, home]) expect(inside.has(id)).toBe(true)
  })

  test('gives up what asked nothing before what waits for another question, and that before what is being answered', () => {
    const { open, inside, answer, admission, of } = house()
    const asking = open('203.0.113.2')
    admission.shaken(asking)
    admission.asked(asking)
    const idle = open('203.0.113.2')
    answer(idle)
    const silent = open('203.0.113.2')
    admission.shaken(silent)
    for (let count = of('203.0.113.2').length; count < 416; count += 1) answer(open('203.0.113.2'))
    open('203.0.113.3')
    expect([asking, idle, silent].map((id) => inside.has(id))).toEqual([true, true, false])
    open('203.0.113.4')
    expect([asking, idle].map((id) => inside.has(id))).toEqual([true, false])
  })

  test('is never full for a home while nine addresses, or a /48, hold all that they get', () => {
    for (const address of [
      nine,
      (index: number) => `2001:db8:bad:${(index % 65_536).toString(16)}::1`,
      (index: number) => `2001:db8:${(index % 16).toString(16)}:${index.toString(16)}::1`,
    ]) {
      const { open, inside, answer, leave, turn } = house()
      for (let index = 0; index < 1_000; index += 1) open(address(index))
      for (let round = 0; round < 10; round += 1) {
        const home = open('192.0.2.7')
        // As many as come in a second.
        for (let index = 0; index < 1_000; index += 1) open(address(1_000 * round + index))
        expect(inside.has(home)).toBe(true)
        answer(home)
        leave(home)
        turn(1_000)
      }
      expect(inside.size).toBeLessThanOrEqual(416)
    }
  })

  test('keeps places for homes that were heard, and of those no more than sixteen for one address', () => {
    const { open, inside, of } = house()
    for (let index = 0; index < 2_000; index += 1) open(nine(index))
    expect(inside.size).toBe(416)
    for (let index = 0; index < 6; index += 1)
      for (let count = 0; count < 16; count += 1) open(`192.0.2.${index}`, true)
    expect(inside.size).toBe(512)
    expect([0, 1, 2, 3, 4, 5].map((index) => of(`192.0.2.${index}`).length)).toEqual([16, 16, 16, 16, 16, 16])
    for (let index = 0; index < 2_000; index += 1) open('192.0.2.0', true)
    expect(inside.size).toBe(512)
    for (const index of [1, 2, 3, 4, 5]) expect(of(`192.0.2.${index}`)).toHaveLength(16)
    open('192.0.2.99', true)
    expect(inside.size).toBe(512)
  })

  test('counts a source again that left', () => {
    const { open, inside, leave } = house()
    for (let count = 0; count < 416; count += 1) open('203.0.113.2')
    leave([...inside][0] ?? '')
    const before = [...inside]
    open('203.0.113.3')
    for (const id of before) expect(inside.has(id)).toBe(true)
  })
})

describe('a handshake', () => {
  test('may take its time, unless sixty-four others are under way: then two seconds', () => {
    const { open, inside, turn, admission } = house()
    const slow = open('203.0.113.1')
    const done = open('203.0.113.1')
    admission.shaken(done)
    turn(1_999)
    for (let count = 0; count < 100; count += 1) open('203.0.113.2')
    expect(inside.has(slow)).toBe(true)
    turn(1)
    open('203.0.113.3')
    expect(inside.has(slow)).toBe(false)
    expect(inside.has(done)).toBe(true)
    expect(inside.size).toBe(102)
  })

  test('that takes four seconds is no harm where few are under way', () => {
    const { open, inside, turn } = house()
    for (let count = 0; count < 63; count += 1) open('203.0.113.1')
    turn(4_000)
    open('203.0.113.2')
    expect(inside.size).toBe(64)
  })
})

describe('a source that never asks', () => {
  const idle = (open: (address: string) => string, leave: (id: string) => void, address: string, times = 8): void => {
    for (let count = 0; count < times; count += 1) leave(open(address))
  }

  test('has two places for ten minutes, and the newest of its connections has one of them', () => {
    const { open, leave, of, turn } = house()
    idle(open, leave, '203.0.113.1')
    for (let count = 0; count < 5; count += 1) open('203.0.113.1')
    expect(of('203.0.113.1')).toHaveLength(2)
    expect(of('203.0.113.1').at(-1)).toBe('203.0.113.1 13')
    open('203.0.113.2')
    expect(of('203.0.113.1')).toHaveLength(2)
    turn(600_000)
    for (let count = 0; count < 5; count += 1) open('203.0.113.1')
    expect(of('203.0.113.1')).toHaveLength(7)
  })

  test('is none that asks now and then, none that was not given the time, and no home', () => {
    const { open, leave, answer, of, turn } = house()
    for (let round = 0; round < 10; round += 1) {
      idle(open, leave, '203.0.113.1', 7)
      for (let count = 0; count < 9; count += 1) {
        const id = open('203.0.113.1')
        answer(id)
        leave(id)
      }
    }
    for (let count = 0; count < 5; count += 1) open('203.0.113.1')
    expect(of('203.0.113.1')).toHaveLength(5)
    for (let count = 0; count < 450; count += 1) open('203.0.113.2')
    expect(of('203.0.113.2').length).toBeGreaterThan(400)
    turn(1)
    for (let count = 0; count < 8; count += 1) leave(open('192.0.2.1', true))
    for (let count = 0; count < 5; count += 1) open('192.0.2.1', true)
    expect(of('192.0.2.1')).toHaveLength(5)
  })

  test('may be a whole /56 or /48, which has four and sixteen times as many', () => {
    const { open, leave, inside } = house()
    for (let index = 0; index < 128; index += 1) leave(open(`2001:db8:bad:${(index * 256).toString(16)}::1`))
    for (let index = 0; index < 100; index += 1) open(`2001:db8:bad:${(index * 256 + 1).toString(16)}::1`)
    expect(inside.size).toBe(32)
  })
})
