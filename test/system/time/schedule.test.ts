import { CronTime } from 'cron'
import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { isDue, schedule, whyNoSchedule } from '../../../system/time/schedule.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { sleep } from '../../../system/time/sleep.ts'

const MINUTE = 60_000
const monthly = new CronTime('0 4 1 * *')
/** By the time zone of this machine, as the schedule is. */
const at = (year: number, month: number, day: number, hour: number, minute = 0): number =>
  new Date(year, month - 1, day, hour, minute).getTime()

describe('a moment of a schedule', () => {
  const before = { now: 1_000, wall: at(2026, 12, 1, 3, 59) }
  const after = (milliseconds: number) => ({ now: before.now + milliseconds, wall: before.wall + milliseconds })

  test('is due once it has come, and not before', () => {
    expect(isDue(monthly, before, after(MINUTE - 1))).toBe(false)
    expect(isDue(monthly, before, after(MINUTE))).toBe(true)
    expect(isDue(monthly, after(MINUTE), after(2 * MINUTE))).toBe(false)
  })

  test('that the setting of the clock leapt over is left out', () => {
    const in1970 = { now: 1_000, wall: 20_000 }
    expect(isDue(monthly, in1970, { now: 61_000, wall: at(2026, 12, 1, 4) })).toBe(false)
  })

  test('that comes a second time by the clock’s going back is not done by that', () => {
    expect(isDue(monthly, after(2 * MINUTE), { now: 200_000, wall: before.wall })).toBe(false)
  })
})

describe('a schedule', () => {
  test('acts at each of its moments until it is ended, and waits for its act', async () => {
    const ending = new AbortController()
    const acts: number[] = []
    let running = 0
    await schedule(
      '* * * * * *',
      async () => {
        expect((running += 1)).toBe(1)
        acts.push(Date.now() % 1_000)
        await sleep(20)
        running -= 1
        if (acts.length === 2) ending.abort()
      },
      systemClock,
      ending.signal,
    )
    expect(acts).toHaveLength(2)
    expect(running).toBe(0)
  })

  test('ends at once when it is told to', async () => {
    const ending = new AbortController()
    const ended = schedule('0 4 1 * *', () => Promise.reject(new Error('too early')), systemClock, ending.signal)
    ending.abort()
    await ended
  })
})

describe('a cron expression', () => {
  test.each(['0 4 1 * *', '*/5 * * * * *', '@weekly', '30 3 * * sun'])('%s can be scheduled', (expression) => {
    expect(whyNoSchedule(expression)).toBeNull()
  })

  test.each(['', 'monthly', '0 4 1 *', '0 25 * * *', '0 4 30 2 *', '2026-12-01', '* * * * * * *'])(
    '"%s" cannot, and it is said why',
    (expression) => {
      expect(whyNoSchedule(expression)).toMatch(/./)
    },
  )

  test('is judged whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\d*/,-]{1,5}( [\d*/,-]{1,5}){4}$/)), (text) => {
        const why = whyNoSchedule(text)
        expect(why === null || why.length > 0).toBe(true)
      }),
      { numRuns: 300 },
    )
  })
})
