import { describe, expect, test } from 'vitest'
import { echoesDueAt, proofDueAt, reconcileDueAt, sizesAskedAt, uplinkDueAt } from '../../../agent/core/asking.ts'
import { fellBack, onTrial } from '../../../agent/core/fallback.ts'
import { NO_REMEDIATION, noteBegun } from '../../../agent/core/remediation.ts'
import { NO_EVIDENCE } from '../../../agent/core/evidence/evidence.ts'
import type { Health } from '../../../agent/core/evidence/health.ts'
import type { Heartbeats } from '../../../agent/core/evidence/heartbeats.ts'
import { newPathMtu } from '../../../agent/core/evidence/path-mtu.ts'
import type { Watch } from '../../../agent/core/state.ts'
import { CARRIER, start, WAYS } from './judged/simulation.ts'

const SINCE = 20_000
const UP: Health = { kind: 'up', since: SINCE, provenAt: SINCE }
const OFFLINE: Health = { kind: 'offline', since: SINCE, cause: null }
const REMEDY = noteBegun(NO_REMEDIATION, { kind: 'reset' }, 'peer-unknown', 0)

interface Given {
  readonly health?: Health
  readonly asking?: Partial<Watch['asking']>
  readonly beats?: Partial<Heartbeats>
  readonly more?: Partial<Watch>
}

function given({ health = UP, asking = {}, beats = {}, more = {} }: Given): Watch {
  const watch = start()
  return {
    ...watch,
    health,
    asking: { ...watch.asking, echoTrust: 'trusted', echoedAt: 60_000, ...asking },
    heartbeats: { ...watch.heartbeats, lastSentAt: 70_000, ...beats },
    ...more,
  }
}

describe('echoes', () => {
  const due = (how: Given): number => echoesDueAt(given(how))

  test('are asked one round at a time, and not amid a remedy', () => {
    expect(due({ asking: { isEchoPending: true } })).toBe(Infinity)
    expect(due({ more: { remediation: REMEDY } })).toBe(Infinity)
  })

  test('first a tenth of a second after the tunnel came up, then each ten minutes', () => {
    expect(due({ asking: { echoedAt: null } })).toBe(SINCE + 100)
    expect(due({})).toBe(660_000)
  })

  test('a quarter of a minute after a round that began before it was known where the interface sends', () => {
    const round = { askedAt: 59_000, isTransport: false, preferred: WAYS[0]!, named: null, answered: WAYS, silent: [] }
    expect(due({ asking: { round: { ...round, current: null } } })).toBe(75_000)
    expect(due({ asking: { round: { ...round, current: WAYS[0]! } } })).toBe(660_000)
  })

  test('each two minutes until one was answered', () => {
    expect(due({ asking: { echoTrust: 'unproven' } })).toBe(180_000)
  })

  test('half a second after the last ones when two heartbeats are missing, and not for one', () => {
    expect(due({ beats: { missesInARow: 1 } })).toBe(660_000)
    expect(due({ beats: { missesInARow: 2 } })).toBe(60_500)
    expect(due({ beats: { missesInARow: 2 }, asking: { echoedAt: null } })).toBe(-Infinity)
    expect(
      due({ beats: { missesInARow: 2 }, more: { fallback: fellBack('transport', CARRIER, 'udp-blocked', 0) } }),
    ).toBe(60_500)
  })

  test('from a detour as often as it looks back', () => {
    expect(due({ more: { fallback: fellBack('transport', CARRIER, 'udp-blocked', 0) } })).toBe(70_000)
    expect(due({ more: { fallback: fellBack('endpoint', WAYS[1]!, 'port-blocked', 0) } })).toBe(120_000)
  })

  test('as calmly as ever while a failback from it is on trial', () => {
    const fallback = onTrial(fellBack('transport', CARRIER, 'udp-blocked', 0), 1_000)
    expect(due({ more: { fallback } })).toBe(660_000)
  })

  test('each second at the start, but not in the first one', () => {
    const health: Health = { kind: 'starting', since: SINCE }
    expect(due({ health, asking: { echoedAt: null } })).toBe(21_000)
    expect(due({ health, asking: { echoedAt: 19_500 } })).toBe(21_000)
    expect(due({ health, asking: { echoedAt: 22_000 } })).toBe(23_000)
  })

  test('0.3 s after the last ones in doubt', () => {
    expect(due({ health: { kind: 'doubtful', since: SINCE } })).toBe(60_300)
  })

  test.each([
    [9_999, 300],
    [10_000, 1_000],
    [119_999, 1_000],
    [120_000, 5_000],
    [899_999, 5_000],
    [900_000, 15_000],
  ])('the seldomer the longer an outage lasts: after %i ms, %i ms later', (lastedMs, paceMs) => {
    const asking = { echoedAt: SINCE + lastedMs }
    expect(due({ health: OFFLINE, asking })).toBe(SINCE + lastedMs + paceMs)
    expect(due({ health: { kind: 'healing', since: SINCE, cause: 'flow-dead' }, asking })).toBe(
      SINCE + lastedMs + paceMs,
    )
  })

  test('each fifteen seconds while the hub does not know this home', () => {
    expect(due({ health: { ...OFFLINE, cause: 'home-unknown' } })).toBe(75_000)
  })
})

describe('the line', () => {
  const dead = given({
    health: OFFLINE,
    more: {
      registration: { ...start().registration, registrar: 'unreachable' },
      evidence: { ...NO_EVIDENCE, silentRounds: 1 },
    },
  })

  test('is looked at when neither echoes nor the registrar answer, and again after ten seconds', () => {
    expect(uplinkDueAt(dead)).toBe(-Infinity)
    const uplink = { gateway: true, beacon: false, at: 80_000, answersSince: null }
    expect(uplinkDueAt({ ...dead, evidence: { ...dead.evidence, uplink } })).toBe(90_000)
  })

  test('is not looked at while a look is under way, while the tunnel is up or while anything of the hub answers', () => {
    expect(uplinkDueAt({ ...dead, asking: { ...dead.asking, isUplinkPending: true } })).toBe(Infinity)
    expect(uplinkDueAt({ ...dead, health: UP })).toBe(Infinity)
    expect(uplinkDueAt({ ...dead, evidence: NO_EVIDENCE })).toBe(Infinity)
    for (const registrar of ['reachable', 'unknown'] as const)
      expect(uplinkDueAt({ ...dead, registration: { ...dead.registration, registrar } })).toBe(Infinity)
  })
})

describe('a proof of the tunnel without the hub’s daemon', () => {
  const DOUBT: Health = { kind: 'doubtful', since: SINCE }
  const due = (how: Given): number => proofDueAt(given({ ...how, asking: { proofAskedAt: 69_500, ...how.asking } }))
  const missing = { missesInARow: 1 }
  const away = { registration: { ...start().registration, registrar: 'unreachable' as const } }

  test('is asked for at once after a refusal, whatever else is known, and one at a time', () => {
    expect(due({ asking: { isRefused: true } })).toBe(-Infinity)
    expect(due({ asking: { isRefused: true }, more: { remediation: REMEDY } })).toBe(-Infinity)
    expect(due({ asking: { isRefused: true, isProofPending: true } })).toBe(Infinity)
  })

  test('each second in doubt, and in any silence in which the registrar cannot be reached', () => {
    expect(due({ health: DOUBT })).toBe(70_500)
    expect(due({ health: DOUBT, asking: { proofAskedAt: null } })).toBe(-Infinity)
    expect(due({ health: OFFLINE })).toBe(Infinity)
    expect(due({ health: OFFLINE, more: away })).toBe(70_500)
    expect(due({ beats: missing, more: away })).toBe(70_500)
    expect(due({ beats: missing })).toBe(Infinity)
  })

  test('at the first miss while the daemon is known to be silent, and not while it answers', () => {
    expect(due({ beats: missing, more: { isDaemonSilent: true } })).toBe(70_500)
    expect(due({ more: { isDaemonSilent: true, ...away } })).toBe(Infinity)
  })

  test('not amid a remedy, which the daemon’s own answers prove', () => {
    for (const how of [{ health: DOUBT }, { health: OFFLINE, more: away }, { beats: missing, more: away }])
      expect(due({ ...how, more: { remediation: REMEDY, ...('more' in how ? how.more : {}) } })).toBe(Infinity)
  })
})

describe('full sizes', () => {
  const pathMtu = { ...newPathMtu(1_420, 1_420), checkedAt: 60_000 }
  const due = (how: Given): number => sizesAskedAt(given({ ...how, more: { pathMtu, ...how.more } }))

  test('are asked while the tunnel is up, more often while it is used', () => {
    expect(due({})).toBe(3_660_000)
    expect(due({ more: { inUseUntil: 70_001 } })).toBe(70_000)
    expect(due({ more: { inUseUntil: 70_000 } })).toBe(3_660_000)
    expect(due({ beats: { lastSentAt: null }, more: { inUseUntil: 0 } })).toBe(3_660_000)
    expect(due({ beats: { lastSentAt: null }, more: { inUseUntil: 1 } })).toBe(70_000)
  })

  test('are not asked where their silence would say nothing of the line', () => {
    expect(due({ health: OFFLINE })).toBe(Infinity)
    expect(due({ asking: { echoTrust: 'unproven' } })).toBe(Infinity)
    expect(due({ more: { fallback: fellBack('transport', CARRIER, 'udp-blocked', 0) } })).toBe(Infinity)
    expect(due({ more: { remediation: REMEDY } })).toBe(Infinity)
  })

  test('are asked while a failback from the transport is on trial', () => {
    const fallback = onTrial(fellBack('transport', CARRIER, 'udp-blocked', 0), 1_000)
    expect(due({ more: { fallback } })).toBe(3_660_000)
  })

  test('are asked on another way too', () => {
    expect(due({ more: { fallback: fellBack('endpoint', WAYS[1]!, 'port-blocked', 0) } })).toBe(3_660_000)
  })
})

describe('the machine', () => {
  const due = (how: Given): number => reconcileDueAt(given({ asking: { reconciledAt: 60_000 }, ...how }))

  test('is looked at each eight seconds, each two while the tunnel is used', () => {
    expect(due({})).toBe(68_000)
    expect(due({ more: { inUseUntil: 70_001 } })).toBe(62_000)
    expect(due({ more: { inUseUntil: 70_000 } })).toBe(68_000)
    expect(due({ beats: { lastSentAt: null }, more: { inUseUntil: 0 } })).toBe(68_000)
    expect(due({ beats: { lastSentAt: null }, more: { inUseUntil: 1 } })).toBe(62_000)
  })

  test('is looked at once, at once, when two heartbeats are missing, and not for one', () => {
    expect(due({ beats: { missesInARow: 2, answeredAt: 60_001 } })).toBe(-Infinity)
    expect(due({ beats: { missesInARow: 1, answeredAt: 60_001 } })).toBe(68_000)
    // It was already, in this silence.
    expect(due({ beats: { missesInARow: 2, answeredAt: 60_000 } })).toBe(68_000)
    expect(due({ beats: { missesInARow: 2, answeredAt: null } })).toBe(68_000)
  })

  test('is left alone amid a remedy', () => {
    expect(due({ more: { remediation: REMEDY } })).toBe(Infinity)
  })
})
