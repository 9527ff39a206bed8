import { expect, test } from 'vitest'
import { refuseUnlessWell, refuseWhileInUse, whyNotWell } from '../../../agent/drill/may-drill.ts'
import { fellBack } from '../../../agent/core/fallback.ts'
import { DOUBTFUL, given, NOW, SECOND } from '../core/given-watch.ts'

const well = given({ registration: { ...given().registration, registrar: 'reachable' } })

test('a tunnel that is up, whose hub answers, and that uses its best way, may be broken', () => {
  expect(whyNotWell(well)).toBeNull()
  expect(() => refuseUnlessWell(well)).not.toThrow()
})

test.each([
  ['it is in doubt', { ...well, health: DOUBTFUL }],
  ['a heartbeat is missing', { ...well, heartbeats: { ...well.heartbeats, missesInARow: 1 } }],
  ['the hub’s daemon is silent', { ...well, isDaemonSilent: true }],
  [
    'the registrar is not reached',
    { ...well, registration: { ...well.registration, registrar: 'unreachable' as const } },
  ],
  ['another machine is this home too', { ...well, isShared: true }],
  ['it uses another way', { ...well, fallback: fellBack('endpoint', SECOND, 'port-blocked', NOW) }],
])('it is not where %s', (_why, watch) => {
  expect(() => refuseUnlessWell(watch)).toThrow(expect.objectContaining({ code: 'drill-not-now' }) as Error)
})

test('nor for two minutes after somebody used it; a drill’s own traffic is nobody', () => {
  const used = { ...well, inUseUntil: NOW }
  const refused = expect.objectContaining({ code: 'drill-in-use' }) as Error
  expect(() => refuseWhileInUse(used, -Infinity, NOW)).toThrow(refused)
  expect(() => refuseWhileInUse(used, -Infinity, NOW + 109_000)).toThrow(refused)
  expect(() => refuseWhileInUse(used, -Infinity, NOW + 110_000)).not.toThrow()
  expect(() => refuseWhileInUse(used, NOW - 20_000, NOW)).not.toThrow()
  expect(() => refuseWhileInUse(well, -Infinity, NOW)).not.toThrow()
})
