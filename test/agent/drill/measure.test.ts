import { expect, test } from 'vitest'
import { beginMeasuring, isOver, type Measured, noteLook, noteTold, resultOf } from '../../../agent/drill/measure.ts'
import { rightCauses, secondsOf, WAYS } from '../../../agent/drill/ways.ts'
import type { Told } from '../../../agent/core/state.ts'
import { DRILL_WAYS, LONGEST_DRILL_SECONDS } from '../../../protocol/drill.ts'
import { DOUBTFUL, given, HEALING, MOVED, NOW, UP } from '../core/given-watch.ts'

const START = NOW
const doubt: Told = { kind: 'tell-health', from: UP, to: DOUBTFUL }
const healing = (cause: 'port-blocked' | 'hub-down'): Told => ({
  kind: 'tell-health',
  from: DOUBTFUL,
  to: { kind: 'healing', since: 98_000, cause },
})
const repairing = healing('port-blocked')
const up: Told = { kind: 'tell-health', from: HEALING, to: { kind: 'up', since: START + 6_000, provenAt: START } }
const remedy = (kind: 'set-endpoint' | 'new-source-port' | 'way-back'): Told => ({
  kind: 'tell-remedy',
  report: { remedy: kind, cause: 'port-blocked', helped: true, seconds: 0.2 },
})

/** What is told, each a second after the one before. */
function toldOf(way: Measured['way'], all: readonly Told[]): Measured {
  return all.reduce(
    (measured, one, nth) => noteTold(measured, one, START + (nth + 1) * 1_000),
    beginMeasuring(way, START),
  )
}

test('a blocked port is noticed with the first doubt, and healed when the tunnel is up', () => {
  const measured = toldOf('port', [doubt, repairing, remedy('set-endpoint'), up])
  expect(resultOf(measured, true)).toEqual({
    way: 'port',
    noticedSeconds: 1,
    healedSeconds: 4,
    cause: 'port-blocked',
    isRight: true,
  })
  expect(isOver(measured, START + 20_000, START + 5_000)).toBe(true)
  expect(measured.remedies).toEqual(['set-endpoint'])
})

test('another cause than the way’s is not the right one', () => {
  const wrong = toldOf('port', [doubt, healing('hub-down'), up])
  expect(resultOf(wrong, true)).toMatchObject({ cause: 'hub-down', isRight: false })
})

test('where the hub has no other port, all UDP is blocked, and that is right', () => {
  expect(rightCauses('port', false)).toEqual(['udp-blocked'])
  expect(resultOf(toldOf('port', [doubt, repairing, up]), false).isRight).toBe(false)
})

test('a dropped mapping heals with the first answer after it, and is noticed when the hub says so', () => {
  const began = beginMeasuring('mapping', START)
  const watch = given({}, {})
  const answered = { ...watch, heartbeats: { ...watch.heartbeats, answeredAt: START + 3_500 } }
  const seen = noteLook(noteLook(began, watch, START + 1_000), answered, START + 3_600)
  expect(seen.healedAt).toBe(START + 3_500)
  const change = {
    from: { endpoint: MOVED, since: 1 },
    to: { endpoint: MOVED, since: START },
    ended: 'port',
    changes: 2,
  }
  const told = noteTold(seen, { kind: 'tell-mapping', change } as Told, START + 8_400)
  const named = noteTold(told, { kind: 'tell-cause', cause: 'mapping-changed' }, START + 8_400)
  expect(resultOf(named, true)).toMatchObject({ noticedSeconds: 8.4, healedSeconds: 3.5, isRight: true })
})

test('a silent daemon is put up with for all of its time: a repair meanwhile is a fault', () => {
  const silent = given({ isDaemonSilent: true })
  const measured = noteTold(noteLook(toldOf('daemon', [doubt]), silent, START + 2_000), up, START + 2_200)
  expect(isOver(measured, START + 15_000, START + 3_000)).toBe(false)
  expect(isOver(measured, START + 15_000, START + 15_000)).toBe(true)
  expect(resultOf(measured, true)).toMatchObject({ cause: 'hub-daemon-silent', isRight: true })
  expect(resultOf(noteTold(measured, remedy('new-source-port'), START + 9_000), true).isRight).toBe(false)
})

test('a block that ends a way back on trial is named by the remedy alone', () => {
  const measured = toldOf('port', [doubt, remedy('way-back'), remedy('set-endpoint'), up])
  expect(resultOf(measured, true)).toMatchObject({ cause: 'port-blocked', isRight: true, healedSeconds: 4 })
})

test('the way back to the best endpoint is no repair', () => {
  expect(toldOf('daemon', [remedy('way-back')]).remedies).toEqual([])
})

test('what was never noticed never healed', () => {
  expect(resultOf(beginMeasuring('port', START), true)).toMatchObject({
    noticedSeconds: null,
    healedSeconds: null,
    cause: null,
    isRight: false,
  })
})

test('each way lasts long enough for the next heartbeat, and no longer than the hub allows', () => {
  for (const way of DRILL_WAYS) {
    expect(secondsOf(way, 5_000)).toBe(WAYS[way].seconds + 5)
    expect(secondsOf(way, 60_000)).toBe(LONGEST_DRILL_SECONDS)
  }
})
