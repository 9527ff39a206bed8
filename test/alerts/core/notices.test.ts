import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import {
  dueNotices,
  MOST_LISTED,
  type Notice,
  NOTICE_SORTS,
  type NoticeSort,
  type NoticeState,
  noted,
} from '../../../alerts/core/notices.ts'
import * as fc from '../../properties.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const notice = (sort: NoticeSort, did = 'did it'): Notice => ({ sort, did, undo: ['undo'], allow: [] })
const many = (count: number, sort: NoticeSort = 'port'): readonly Notice[] =>
  Array.from({ length: count }, (_, at) => notice(sort, `${sort} ${at}`))

/** The state after the time, and the counts that were told. */
const look = (state: NoticeState, now: number) => {
  const [after, due] = dueNotices(state, now)
  return { after, due, said: due.map(({ home, counts }) => ({ home, ...counts })) }
}

describe('what a member did', () => {
  test('is told a minute after the first of it, all in one', () => {
    let state = noted({}, 'cabin', many(2), 0)
    state = noted(state, 'cabin', many(198), MINUTE - 1)
    state = noted(state, 'cabin', many(50, 'device'), MINUTE - 1)
    expect(dueNotices(state, MINUTE - 1)).toEqual([state, []])
    expect(dueNotices(state, MINUTE - 1)[0]).toBe(state)
    const { due, said, after } = look(state, MINUTE)
    expect(said).toEqual([{ home: 'cabin', port: 200, device: 50 }])
    expect(due[0]?.notices).toHaveLength(MOST_LISTED)
    expect(due[0]?.notices.slice(0, 3).map(({ did }) => did)).toEqual(['port 0', 'port 1', 'port 0'])
    expect(MOST_LISTED).toBe(20)
    expect(look(after, 2 * MINUTE).due).toEqual([])
  })

  test('is nothing where it did nothing', () => {
    const state: NoticeState = {}
    expect(noted(state, 'cabin', [], 5)).toBe(state)
  })

  test('is told after twice as long each time, up to six hours', () => {
    let state: NoticeState = {}
    let now = 0
    const waits: number[] = []
    for (let message = 0; message < 12; message += 1) {
      state = noted(state, 'cabin', many(1), now)
      const began = now
      while (look(state, now).due.length === 0) now += MINUTE
      state = look(state, now).after
      waits.push((now - began) / MINUTE)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360, 360])
    state = noted(state, 'cabin', many(1), now)
    expect(look(state, now + 6 * HOUR - 1).due).toEqual([])
  })

  test('is told after a minute again when a day was calm, and not before', () => {
    const told = look(noted({}, 'cabin', many(1), 0), MINUTE).after
    const dueAfter = (quietMs: number): number => {
      const state = noted(told, 'cabin', many(1), MINUTE + quietMs)
      return [1, 2].find((minutes) => look(state, MINUTE + quietMs + minutes * MINUTE).due.length > 0) ?? 0
    }
    expect(dueAfter(DAY - 2 * MINUTE - 1)).toBe(2)
    expect(dueAfter(DAY)).toBe(1)
    expect(look(noted(told, 'cabin', many(1), MINUTE + DAY), 2 * MINUTE + DAY - 1).due).toEqual([])
  })

  test('is forgotten after a calm day', () => {
    const told = look(noted({}, 'cabin', many(1), 0), MINUTE).after
    expect(Object.keys(look(told, DAY + MINUTE - 1).after)).toEqual(['cabin'])
    expect(look(told, DAY + MINUTE).after).toEqual({})
  })

  test('delays nothing of another', () => {
    let state = look(noted({}, 'cabin', many(1), 0), MINUTE).after
    state = noted(noted(state, 'cabin', many(1), 2 * MINUTE), 'barn', many(1, 'wish'), 2 * MINUTE)
    const { said, after } = look(state, 3 * MINUTE)
    expect(said).toEqual([{ home: 'barn', wish: 1 }])
    expect(look(after, 4 * MINUTE).said).toEqual([{ home: 'cabin', port: 1 }])
    const both = look(noted(noted({}, 'cabin', many(1), 0), 'barn', many(1), 0), MINUTE)
    expect(both.said).toEqual([
      { home: 'cabin', port: 1 },
      { home: 'barn', port: 1 },
    ])
    // Nor is either told twice.
    expect(look(both.after, 2 * MINUTE).said).toEqual([])
  })
})

test.each(['join', 'leave', 'key', 'shared', 'lan', 'exit', 'device', 'port', 'wish'])(
  'what this version keeps on disk of a %s, a later one still reads',
  (sort) => {
    expect(v.is(v.picklist(NOTICE_SORTS), sort)).toBe(true)
  },
)

test('whatever a member does for a day, all of it is counted, in a dozen messages', () => {
  const acts = fc.array(fc.record({ afterMs: fc.nat(20 * MINUTE), count: fc.integer({ min: 1, max: 300 }) }), {
    maxLength: 300,
  })
  fc.assert(
    fc.property(acts, (all) => {
      let [state, now, did, counted, messages]: [NoticeState, number, number, number, number] = [{}, 0, 0, 0, 0]
      const step = (to: number): void => {
        for (; now < to; now += MINUTE) {
          const { after, due } = look(state, now)
          state = after
          messages += due.length
          for (const { counts } of due) counted += counts.port ?? 0
        }
      }
      for (const { afterMs, count } of all) {
        step(Math.min(now + afterMs, DAY))
        if (now >= DAY) break
        state = noted(state, 'cabin', many(count), now)
        did += count
      }
      expect(messages).toBeLessThanOrEqual(12)
      step(3 * DAY)
      expect(counted).toBe(did)
    }),
  )
})
