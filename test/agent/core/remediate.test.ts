import { describe, expect, test } from 'vitest'
import { NO_REMEDIATION } from '../../../agent/core/remediation.ts'
import { begun, enter, remediated, knownAgain, driftRepaired, returned } from '../../../agent/core/remediate.ts'
import { NO_EVIDENCE } from '../../../agent/core/evidence/evidence.ts'
import type { Health } from '../../../agent/core/evidence/health.ts'
import type { Watch } from '../../../agent/core/state.ts'
import {
  UP,
  DOUBTFUL,
  HEALING,
  OFFLINE,
  ROUND,
  FLOW_DEAD,
  LINE_AWAY,
  given,
  carriedOutSince,
  made,
  DETOUR,
  FIRST,
  SECOND,
} from './given-remediation.ts'

describe('a silence', () => {
  const heal = (watch: Watch, now = 12_000) => made((actions) => remediated(watch, now, actions))

  test('whose cause is proven is healing, with the first remedy and nothing left of the evidence', () => {
    const { watch, actions } = heal(given())
    expect(actions).toEqual([
      { kind: 'tell-health', from: DOUBTFUL, to: { kind: 'healing', since: 12_000, cause: 'flow-dead' } },
      { kind: 'remedy', remedy: { kind: 'new-source-port' } },
    ])
    expect(watch).toMatchObject({
      health: { kind: 'healing', since: 12_000, cause: 'flow-dead' },
      remediation: { underWay: { remedy: { kind: 'new-source-port' }, cause: 'flow-dead', since: 12_000 } },
    })
    expect(watch.evidence).toBe(NO_EVIDENCE)
  })

  test('that is named already is not told again, and another cause of it is', () => {
    const same = heal(given({ health: HEALING }))
    expect(same.actions.map(({ kind }) => kind)).toEqual(['remedy'])
    expect(same.watch.health).toBe(HEALING)
    const other = heal(given({ health: { ...HEALING, cause: 'udp-blocked' } }))
    expect(other.actions[0]).toEqual({ kind: 'tell-cause', cause: 'flow-dead' })
    expect(other.watch.health).toEqual(HEALING)
  })

  test('is not cured while the tunnel is up, amid a remedy, or without a cause', () => {
    for (const before of [
      given({ health: UP }),
      given({ remediation: carriedOutSince(11_000) }),
      given({ evidence: NO_EVIDENCE }),
    ])
      expect(heal(before)).toEqual({ watch: before, actions: [] })
  })

  test('waits out the pause after the ladder ended', () => {
    const before = given({ remediation: { ...NO_REMEDIATION, notBefore: 12_001 } })
    expect(heal(before)).toEqual({ watch: before, actions: [] })
    expect(heal(before, 12_001).actions).not.toEqual([])
  })

  test('of the line itself is offline since it began, told once', () => {
    const { watch, actions } = heal(given({ evidence: LINE_AWAY }))
    expect(actions).toEqual([
      { kind: 'tell-health', from: DOUBTFUL, to: { kind: 'offline', since: 12_000, cause: 'home-offline' } },
    ])
    expect(heal(watch, 13_000).watch).toBe(watch)
    const known = heal(given({ evidence: LINE_AWAY, health: OFFLINE }))
    expect(known.watch.health).toEqual({ ...OFFLINE, cause: 'home-offline' })
    expect(known.actions).toEqual([{ kind: 'tell-cause', cause: 'home-offline' }])
    // It is no pause of the ladder that would keep it from being named.
    expect(
      heal(given({ evidence: LINE_AWAY, remediation: { ...NO_REMEDIATION, notBefore: Infinity } })).actions,
    ).toHaveLength(1)
    const outside = { gateway: true, beacon: true, at: 10_500, answersSince: 10_400 }
    expect(heal(given({ evidence: { ...LINE_AWAY, uplink: outside } })).watch.health).toMatchObject({
      cause: 'hub-down',
    })
    const unknown = { ...NO_EVIDENCE, unknown: { since: 10_600, answers: 2 } }
    expect(heal(given({ evidence: unknown })).watch.health).toMatchObject({ kind: 'offline', cause: 'home-unknown' })
  })

  test('of a machine whose session another one takes is the other machine, and no remedy', () => {
    const { watch, actions } = heal(given({ isShared: true }))
    expect(actions).toEqual([
      { kind: 'tell-health', from: DOUBTFUL, to: { kind: 'offline', since: 12_000, cause: 'identity-twice' } },
    ])
    expect(heal(watch, 13_000).watch).toBe(watch)
    // Once the hub says that there is no other, the cause is what it looks like.
    expect(heal({ ...watch, isShared: false }, 13_000).actions.at(-1)).toMatchObject({ kind: 'remedy' })
    // What the line itself does is no other machine's doing.
    expect(heal(given({ isShared: true, evidence: LINE_AWAY })).watch.health).toMatchObject({ cause: 'home-offline' })
  })

  test('of a tunnel whose interface is gone, and cannot be made again yet, is that, and no remedy of the path', () => {
    const { watch, actions } = heal(given({ isGone: true }))
    expect(actions).toEqual([
      { kind: 'tell-health', from: DOUBTFUL, to: { kind: 'offline', since: 12_000, cause: 'drift' } },
    ])
    expect(heal(watch, 13_000).watch).toBe(watch)
    expect(heal({ ...watch, isGone: false }, 13_000).actions.at(-1)).toMatchObject({ kind: 'remedy' })
    expect(heal(given({ isGone: true, evidence: LINE_AWAY })).watch.health).toMatchObject({ cause: 'home-offline' })
  })

  test('with every remedy tried pauses, and wants fresh evidence', () => {
    const tried = ['new-source-port', 'set-endpoint 203.0.113.10:4500', 'new-session']
    const { watch, actions } = heal(given({ remediation: { ...NO_REMEDIATION, tried }, health: HEALING }))
    expect(actions).toEqual([])
    expect(watch.remediation).toEqual({ underWay: null, tried: [], rounds: 1, notBefore: 17_000 })
    expect(watch.evidence).toBe(NO_EVIDENCE)
    expect(watch.registration.due).toEqual({ at: 12_000, reason: 'doubt' })
    expect(watch.health).toBe(HEALING)
  })

  test('tries what the registrar, the router, the line and what helped before allow', () => {
    const first = (more: Partial<Watch>, tried: readonly string[] = []) =>
      heal(given({ remediation: { ...NO_REMEDIATION, tried }, ...more })).actions.at(-1)
    const gone = ['new-source-port', 'set-endpoint 203.0.113.10:4500', 'new-session']
    expect(first({ helped: { 'flow-dead': 'new-session' } })).toMatchObject({ remedy: { kind: 'new-session' } })
    expect(first({ helped: { 'return-dead': 'new-session' } })).toMatchObject({ remedy: { kind: 'new-source-port' } })
    expect(first({ canForgetFlow: true }, ['new-source-port'])).toMatchObject({ remedy: { kind: 'forget-flow' } })
    const reachable = { ...given().registration, registrar: 'reachable' as const }
    expect(first({ registration: reachable }, gone)).toMatchObject({ remedy: { kind: 'carrier' } })
    const refusing = { ...given().registration, registrar: 'refusing' as const }
    expect(first({ registration: refusing }, gone)).toMatchObject({ remedy: { kind: 'carrier' } })
    const settings = { ...given().settings, lifeSeconds: 100 }
    const rounds = { ...NO_REMEDIATION, tried: [...gone, 'rebuild'], rounds: 1 }
    expect(heal(given({ settings, remediation: rounds })).actions.at(-1)).toMatchObject({
      remedy: { kind: 'silence', seconds: 110 },
    })
  })

  test('goes by the ways of this silence, else by those of the last round at all', () => {
    const tried = ['new-source-port']
    const known = given({ remediation: { ...NO_REMEDIATION, tried } })
    const other = { ...ROUND, answered: [{ ...FIRST, port: 443 }] }
    const asking = { ...known.asking, round: other }
    expect(heal({ ...known, asking }).actions.at(-1)).toMatchObject({ remedy: { endpoint: SECOND } })
    const unproven = { ...asking, echoTrust: 'unproven' as const }
    const blind = { ...known, asking: unproven, evidence: { ...FLOW_DEAD, round: null } }
    expect(heal(blind).actions.at(-1)).toMatchObject({ remedy: { endpoint: { port: 443 } } })
  })

  test('waits for a look at the machine that was begun in it, three seconds at most', () => {
    const asked = (reconciledAt: number, lookedAt: number) => {
      const before = given()
      return { ...before, asking: { ...before.asking, reconciledAt, lookedAt } }
    }
    expect(heal(asked(9_001, 9_000), 12_000).actions).toEqual([])
    expect(heal(asked(9_001, 9_000), 12_001).actions).not.toEqual([])
    // It ended, or was asked before this silence.
    expect(heal(asked(11_000, 11_000)).actions).not.toEqual([])
    expect(heal(asked(5_000, 4_000), 7_000).actions).not.toEqual([])
    const never = asked(11_000, 0)
    expect(heal({ ...never, heartbeats: { ...never.heartbeats, answeredAt: null } }).actions).toEqual([])
  })
})

describe('a way back', () => {
  const ready = given({
    health: UP,
    fallback: DETOUR,
    evidence: NO_EVIDENCE,
    heartbeats: { ...given().heartbeats, missesInARow: 0 },
  })
  const back = (watch: Watch) => made((actions) => returned(watch, 12_000, actions))

  test('is begun when the better way is sure, and remembers the detour', () => {
    const { watch, actions } = back(ready)
    expect(actions).toEqual([{ kind: 'remedy', remedy: { kind: 'set-endpoint', endpoint: FIRST } }])
    expect(watch.remediation.underWay).toMatchObject({
      cause: 'udp-blocked',
      since: 12_000,
      failbackFrom: DETOUR,
      proving: null,
    })
    expect(watch.fallback).toBe(DETOUR)
  })

  test('is not begun without a detour, in trouble, amid a remedy, while a heartbeat is missing or before it is sure', () => {
    for (const more of [
      { fallback: null },
      { health: DOUBTFUL },
      { remediation: carriedOutSince(11_000) },
      { heartbeats: { ...ready.heartbeats, missesInARow: 1 } },
      { fallback: { ...DETOUR, goodRounds: 2 } },
    ]) {
      const before = { ...ready, ...more }
      expect(back(before)).toEqual({ watch: before, actions: [] })
    }
  })
})

describe('a machine that was mended', () => {
  const mend = (watch: Watch) => made((actions) => driftRepaired(watch, 12_000, actions))

  test('while the tunnel is up is told', () => {
    const before = given({ health: UP })
    expect(mend(before)).toEqual({
      // A new mapping is that of the interface that was put back.
      watch: { ...before, remediedAt: 12_000 },
      actions: [
        { kind: 'tell-cause', cause: 'drift' },
        { kind: 'tell-remedy', report: { remedy: 'apply', cause: 'drift', helped: true, seconds: 0 } },
      ],
    })
  })

  test('in a silence is proven by the next heartbeat', () => {
    const { watch, actions } = mend(given())
    const to: Health = { kind: 'healing', since: 12_000, cause: 'drift' }
    expect(actions).toEqual([{ kind: 'tell-health', from: DOUBTFUL, to }])
    expect(watch).toMatchObject({
      health: to,
      remediedAt: 12_000,
      remediation: {
        underWay: { remedy: { kind: 'apply' }, cause: 'drift', since: 12_000, proving: { until: 16_000 } },
      },
      heartbeats: { lastSentAt: null, missesInARow: 2 },
    })
    expect(watch.evidence).toBe(NO_EVIDENCE)
  })

  test('amid a remedy, or while the hub does not know this home, is nothing more', () => {
    for (const before of [
      given({ remediation: carriedOutSince(11_000) }),
      given({ health: { ...OFFLINE, cause: 'home-unknown' } }),
    ])
      expect(mend(before)).toEqual({ watch: before, actions: [] })
  })
})

describe('a state', () => {
  test('of a home that the hub knows again has no cause any more', () => {
    const from: Health = { ...OFFLINE, cause: 'home-unknown' }
    const { watch, actions } = made((actions) => knownAgain(given({ health: from }), 12_000, actions))
    expect(watch.health).toEqual({ kind: 'offline', since: 12_000, cause: null })
    expect(actions).toEqual([])
    const other = given({ health: { ...OFFLINE, cause: 'hub-down' } })
    expect(made((actions) => knownAgain(other, 12_000, actions)).watch).toBe(other)
  })

  test('is told when it is another one; another cause of the same is told as that', () => {
    const told = (from: Health, to: Health) => made((actions) => enter(given({ health: from }), to, actions))
    expect(told(DOUBTFUL, OFFLINE)).toMatchObject({ watch: { health: OFFLINE }, actions: [{ kind: 'tell-health' }] })
    expect(told(OFFLINE, { ...OFFLINE, cause: 'hub-down' }).actions).toEqual([
      { kind: 'tell-cause', cause: 'hub-down' },
    ])
    expect(told({ ...OFFLINE, cause: 'hub-down' }, { ...OFFLINE, cause: 'hub-down' }).actions).toEqual([])
    expect(told({ ...OFFLINE, cause: 'hub-down' }, OFFLINE).actions).toEqual([])
  })

  test('with a remedy that begins keeps what was tried', () => {
    const before = given({ remediation: { ...NO_REMEDIATION, tried: ['reset'], rounds: 2 } })
    const { watch, actions } = made((actions) => begun(before, { kind: 'rebuild' }, 'flow-dead', 12_000, actions))
    expect(actions).toEqual([{ kind: 'remedy', remedy: { kind: 'rebuild' } }])
    expect(watch.remediation).toMatchObject({ tried: ['reset'], rounds: 2, underWay: { since: 12_000 } })
  })
})
