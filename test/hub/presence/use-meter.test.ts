import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import { makeUseMeter } from '../../../hub/presence/use-meter.ts'

/** Heartbeats at an interval, over counters that grow by heartbeats and by other traffic each second. */
function inUse(intervalMs: number, bytesPerSecond: (second: number) => number, seconds = 60): readonly boolean[] {
  const meter = makeUseMeter()
  const answers: boolean[] = []
  for (let now = 0; now < seconds * 1_000; now += intervalMs) {
    // The peer monitor looks once a second.
    const looked = Math.floor(now / 1_000)
    const beats = Math.floor((looked * 1_000) / intervalMs)
    let other = 0
    for (let second = 0; second < looked; second += 1) other += bytesPerSecond(second)
    answers.push(meter.heard({ rxBytes: beats * 80 + other, txBytes: beats * 96 + other / 2 }, now))
  }
  return answers
}

test.each([5_000, 1_000, 250])('heartbeats each %i ms and a handshake now and then are no use', (intervalMs) => {
  expect(inUse(intervalMs, (second) => (second % 120 === 7 ? 180 : 0), 600)).not.toContain(true)
})

test.each([5_000, 1_000])('ten tiny packets a second are, seen each %i ms', (intervalMs) => {
  expect(inUse(intervalMs, () => 640).slice(2)).not.toContain(false)
})

test('it ends some seconds after the traffic', () => {
  const answers = inUse(1_000, (second) => (second < 20 ? 640 : 0))
  expect(answers[19]).toBe(true)
  expect(answers.slice(26)).not.toContain(true)
})

test('counters that begin anew are no traffic', () => {
  fc.assert(
    fc.property(fc.nat(1_000_000), (bytes) => {
      const meter = makeUseMeter()
      meter.heard({ rxBytes: bytes, txBytes: bytes }, 0)
      expect(meter.heard({ rxBytes: 0, txBytes: 0 }, 5_000)).toBe(false)
    }),
  )
})
