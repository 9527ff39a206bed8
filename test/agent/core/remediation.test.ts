import { describe, expect, test } from 'vitest'
import {
  type Remediation,
  NO_REMEDIATION,
  nextRemedy,
  noteAnswered,
  noteBegun,
  noteExecuted,
  noteFailed,
  noteLadderEnded,
} from '../../../agent/core/remediation.ts'
import { noHeartbeats } from '../../../agent/core/evidence/heartbeats.ts'
import type { Remedy } from '../../../agent/core/ladder.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { WAYS } from './judged/simulation.ts'

const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
const NEW_PORT: Remedy = { kind: 'new-source-port' }
const TO_FIRST: Remedy = { kind: 'set-endpoint', endpoint: FIRST }
const TO_SECOND: Remedy = { kind: 'set-endpoint', endpoint: SECOND }

const begun = noteBegun({ ...NO_REMEDIATION, tried: ['reset'], rounds: 1 }, NEW_PORT, 'flow-dead', 5_000)

describe('a remedy', () => {
  test('is the first one that was not tried; another way is another remedy', () => {
    const remediation: Remediation = {
      ...NO_REMEDIATION,
      tried: ['new-source-port', 'set-endpoint 203.0.113.10:51820'],
    }
    expect(nextRemedy(remediation, [NEW_PORT, TO_FIRST, TO_SECOND])).toEqual(TO_SECOND)
    expect(nextRemedy(remediation, [NEW_PORT, TO_FIRST])).toBeNull()
    expect(nextRemedy(NO_REMEDIATION, [NEW_PORT, TO_FIRST])).toEqual(NEW_PORT)
  })

  test('that begins is not proven by anything yet', () => {
    expect(begun).toEqual({
      underWay: {
        remedy: NEW_PORT,
        cause: 'flow-dead',
        since: 5_000,
        proving: null,
        hasHelped: false,
        failbackFrom: null,
      },
      tried: ['reset'],
      rounds: 1,
      notBefore: -Infinity,
    })
  })

  test('that was carried out has a second and three timeouts to be answered', () => {
    // A line that nobody knows has a timeout of one second.
    const { underWay, tried } = noteExecuted(begun, noHeartbeats(0), 6_000)
    expect(underWay).toMatchObject({ remedy: NEW_PORT, since: 5_000, proving: { since: 6_000, until: 10_000 } })
    expect(tried).toEqual(['reset'])
    expect(noteExecuted(NO_REMEDIATION, noHeartbeats(0), 6_000)).toBe(NO_REMEDIATION)
  })

  test('has as long as WireGuard needs to repeat a handshake, where the new endpoint may need one', () => {
    const until = (remedy: Remedy, answeredAt: number | null): number | undefined =>
      noteExecuted(noteBegun(NO_REMEDIATION, remedy, 'udp-blocked', 0), { ...noHeartbeats(0), answeredAt }, 100_000)
        .underWay?.proving?.until
    const other: Remedy = { kind: 'set-endpoint', endpoint: { address: '203.0.113.10', port: 443 } }
    // Over TLS always: its connection begins, and the key may have ended with the path.
    expect(until({ kind: 'carrier' }, 99_000)).toBe(109_334)
    expect([until(other, 40_000), until(other, 39_999), until(other, null)]).toEqual([104_000, 109_334, 109_334])
    expect(until(NEW_PORT, null)).toBe(104_000)
    // An agent that has just begun knows of no key, however little time has passed.
    const young = noteExecuted(noteBegun(NO_REMEDIATION, other, 'udp-blocked', 0), noHeartbeats(0), 1_000)
    expect(young.underWay?.proving?.until).toBe(10_334)
  })

  test('that failed is not tried again in this turn', () => {
    const remediation = { ...begun, notBefore: 3 }
    expect(noteFailed(remediation)).toEqual({
      underWay: null,
      tried: ['reset', 'new-source-port'],
      rounds: 1,
      notBefore: 3,
    })
  })

  test('that brought the machine to the plan is no rung of the ladder', () => {
    expect(noteFailed(noteBegun(NO_REMEDIATION, { kind: 'apply' }, 'drift', 0)).tried).toEqual([])
    expect(noteFailed({ ...NO_REMEDIATION, tried: ['reset'] }).tried).toEqual(['reset'])
  })

  test('comes again after 5, 10, 20 … 60 s when all were tried', () => {
    let remediation: Remediation = NO_REMEDIATION
    const pauses = Array.from({ length: 6 }, () => {
      remediation = noteLadderEnded({ ...remediation, tried: ['reset'] }, 1_000)
      expect(remediation).toMatchObject({ underWay: null, tried: [] })
      return remediation.notBefore - 1_000
    })
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
    expect(remediation.rounds).toBe(6)
  })
})

describe('an answer', () => {
  test('ends what was tried, and a remedy that was carried out', () => {
    expect(noteAnswered({ ...NO_REMEDIATION, tried: ['reset'], rounds: 2, notBefore: 9 }, 7_000)).toBe(NO_REMEDIATION)
    expect(noteAnswered(noteExecuted(begun, noHeartbeats(0), 6_000), 7_000)).toBe(NO_REMEDIATION)
  })

  test.each([
    [4_999, false],
    [5_000, true],
    [null, false],
  ])('to a heartbeat sent at %s says of one that is still carried out since 5000: helped %s', (sentAt, hasHelped) => {
    expect(noteAnswered(begun, sentAt)).toEqual({ ...NO_REMEDIATION, underWay: { ...begun.underWay, hasHelped } })
  })

  test('that proved it is not taken back by a later one of before', () => {
    expect(noteAnswered(noteAnswered(begun, 5_000), 4_000).underWay?.hasHelped).toBe(true)
  })
})
