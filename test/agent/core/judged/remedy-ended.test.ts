import { describe, expect, test } from 'vitest'
import { fellBack } from '../../../../agent/core/fallback.ts'
import { NO_REMEDIATION } from '../../../../agent/core/remediation.ts'
import { proven, remedyEnded } from '../../../../agent/core/remediate.ts'
import { NO_EVIDENCE } from '../../../../agent/core/evidence/evidence.ts'
import type { Watch } from '../../../../agent/core/state.ts'
import type { Endpoint } from '../../../../wireguard/spec.ts'
import { CARRIER } from './simulation.ts'
import { UP, given, carriedOutSince, proving, back, made, DETOUR, FIRST, SECOND } from '../given-remediation.ts'

describe('the proof of a remedy', () => {
  test('is an answer within its time: told, and remembered for this cause', () => {
    const before = given({ remediation: proving(), helped: { 'udp-blocked': 'carrier' } })
    const { watch, actions } = made((actions) => proven(before, { sentAt: 12_100 }, 12_200, actions))
    expect(actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'new-source-port', cause: 'flow-dead', helped: true, seconds: 1.2 } },
    ])
    expect(watch).toMatchObject({ helped: { 'udp-blocked': 'carrier', 'flow-dead': 'new-source-port' } })
    expect(watch.remediation).toBe(NO_REMEDIATION)
    expect(watch.evidence).toBe(NO_EVIDENCE)
  })

  test('by another way leaves the carrier', () => {
    const before = given({ remediation: proving({ kind: 'set-endpoint', endpoint: SECOND }, 'port-blocked') })
    const { actions } = made((actions) => proven(before, { sentAt: 12_100 }, 12_200, actions))
    expect(actions.map(({ kind }) => kind)).toEqual(['tell-remedy', 'close-transport'])
  })

  test('is waited for until its time is over, and then it failed: told, and the hub is asked again', () => {
    const before = given({ remediation: proving() })
    expect(made((actions) => proven(before, null, 15_999, actions))).toEqual({ watch: before, actions: [] })
    const { watch, actions } = made((actions) => proven(before, null, 16_000, actions))
    expect(actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'new-source-port', cause: 'flow-dead', helped: false, seconds: 5 } },
    ])
    expect(watch.remediation).toMatchObject({ underWay: null, tried: ['reset', 'new-source-port'] })
    expect(watch.evidence).toBe(NO_EVIDENCE)
    expect(watch.registration.due).toEqual({ at: 16_000, reason: 'doubt' })
  })

  test('is not waited for before it was carried out, however long that takes', () => {
    const before = given({ remediation: carriedOutSince(11_000) })
    expect(made((actions) => proven(before, null, 900_000, actions))).toEqual({ watch: before, actions: [] })
  })

  test('an answer while it is still carried out is no proof yet, and is remembered', () => {
    const before = given({ remediation: carriedOutSince(11_000) })
    const { watch, actions } = made((actions) => proven(before, { sentAt: 11_000 }, 11_050, actions))
    expect(actions).toEqual([])
    expect(watch.remediation).toMatchObject({ underWay: { hasHelped: true }, tried: [] })
    expect(watch.evidence).toBe(NO_EVIDENCE)
    const older = made((actions) => proven(before, { sentAt: 10_999 }, 11_050, actions))
    expect(older.watch.remediation.underWay?.hasHelped).toBe(false)
  })

  test('an answer ends what was tried and found out in this silence, without a remedy too', () => {
    const tried = given({
      remediation: { ...NO_REMEDIATION, tried: ['reset'], rounds: 2, notBefore: 9 },
      evidence: NO_EVIDENCE,
    })
    expect(made((actions) => proven(tried, { sentAt: 1 }, 2, actions))).toMatchObject({
      watch: { remediation: NO_REMEDIATION },
    })
    const known = given({ remediation: NO_REMEDIATION })
    expect(made((actions) => proven(known, { sentAt: 1 }, 2, actions)).watch.evidence).toBe(NO_EVIDENCE)
    const calm = given({ remediation: NO_REMEDIATION, evidence: NO_EVIDENCE })
    expect(made((actions) => proven(calm, { sentAt: 1 }, 2, actions)).watch).toBe(calm)
    expect(made((actions) => proven(calm, null, 2, actions)).watch).toBe(calm)
  })

  test('of a way back is an answer to what was sent after it, and nothing else', () => {
    const during = given({ remediation: back(carriedOutSince(11_000), DETOUR), fallback: DETOUR })
    expect(made((actions) => proven(during, { sentAt: 11_500 }, 11_600, actions))).toEqual({
      watch: during,
      actions: [],
    })
    const before = given({
      remediation: back(proving({ kind: 'set-endpoint', endpoint: FIRST }, 'udp-blocked'), DETOUR),
      fallback: DETOUR,
    })
    const old = made((actions) => proven(before, { sentAt: 11_999 }, 12_100, actions))
    expect(old).toEqual({ watch: before, actions: [] })
    const { watch, actions } = made((actions) => proven(before, { sentAt: 12_000 }, 12_500, actions))
    expect(actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'way-back', cause: 'udp-blocked', helped: true, seconds: 1.5 } },
      { kind: 'close-transport' },
    ])
    expect(watch).toMatchObject({ fallback: null, helped: {} })
    expect(watch.remediation).toBe(NO_REMEDIATION)
    // The hub's machine refuses now: that came the new way, whatever it refuses.
    expect(made((actions) => proven(before, { sentAt: null }, 12_100, actions)).watch.fallback).toBeNull()
  })

  test('that a way back lacks turns it back at once, to where it was well', () => {
    const remediation = back(proving({ kind: 'set-endpoint', endpoint: FIRST }, 'udp-blocked'), DETOUR)
    const { watch, actions } = made((actions) => proven(given({ remediation, health: UP }), null, 16_000, actions))
    expect(actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'way-back', cause: 'udp-blocked', helped: false, seconds: 5 } },
      { kind: 'remedy', remedy: { kind: 'carrier' } },
    ])
    expect(watch).toMatchObject({
      fallback: { on: 'transport', failures: 1, goodRounds: 0, notBefore: 76_000 },
      remediation: {
        underWay: { remedy: { kind: 'carrier' }, cause: 'udp-blocked', since: 16_000, failbackFrom: null },
        tried: [],
      },
    })
    const detour = fellBack('endpoint', SECOND, 'port-blocked', 1_000)
    const onWay = given({
      remediation: back(proving({ kind: 'set-endpoint', endpoint: FIRST }, 'port-blocked'), detour),
      health: UP,
    })
    expect(made((actions) => proven(onWay, null, 16_000, actions)).actions.at(-1)).toEqual({
      kind: 'remedy',
      remedy: { kind: 'set-endpoint', endpoint: SECOND },
    })
  })
})

describe('a remedy that ended', () => {
  const ended = (watch: Watch, executed = true, endpoint: Endpoint | null = null, now = 12_000) =>
    made((actions) => remedyEnded(watch, { kind: 'remedy-ended', executed, endpoint }, now, actions))

  test('and was not under way changes nothing', () => {
    const before = given()
    expect(ended(before)).toEqual({ watch: before, actions: [] })
  })

  test('is followed by the heartbeat that proves it, at once', () => {
    const { watch, actions } = ended(given({ remediation: carriedOutSince(11_000) }))
    expect(actions).toEqual([])
    expect(watch.remediation.underWay?.proving).toEqual({ since: 12_000, until: 16_000 })
    expect(watch.heartbeats.lastSentAt).toBeNull()
    expect(watch.heartbeats.missesInARow).toBe(2)
    expect(watch).toMatchObject({ remediedAt: 12_000, fallback: null })
  })

  test('and could not be carried out failed', () => {
    const { watch, actions } = ended(given({ remediation: carriedOutSince(11_000) }), false)
    expect(actions).toMatchObject([{ kind: 'tell-remedy', report: { helped: false, seconds: 1 } }])
    expect(watch).toMatchObject({
      remediedAt: -Infinity,
      remediation: { underWay: null, tried: ['reset', 'new-source-port'] },
    })
  })

  test('with another way leaves the tunnel there, until it comes back', () => {
    const remediation = carriedOutSince(11_000, { kind: 'set-endpoint', endpoint: SECOND }, 'port-blocked')
    expect(ended(given({ remediation }), true, SECOND).watch.fallback).toEqual(
      fellBack('endpoint', SECOND, 'port-blocked', 12_000),
    )
    expect(ended(given({ remediation, fallback: DETOUR }), true, FIRST).watch.fallback).toBeNull()
    expect(ended(given({ remediation, fallback: DETOUR }), true, null).watch).toMatchObject({
      fallback: DETOUR,
      redirectedAt: -Infinity,
    })
    expect(ended(given({ remediation }), true, SECOND).watch.redirectedAt).toBe(12_000)
    const transport = carriedOutSince(11_000, { kind: 'carrier' }, 'udp-blocked')
    expect(ended(given({ remediation: transport }), true, CARRIER).watch.fallback).toEqual(
      fellBack('transport', CARRIER, 'udp-blocked', 12_000),
    )
  })

  test('with a detour remembers how often ways back failed on this line, and when the next may come of the same', () => {
    const remediation = carriedOutSince(11_000, { kind: 'carrier' }, 'udp-blocked')
    const failed = { ...DETOUR, failures: 3, notBefore: 600_000 }
    const failbackFailures = 3
    expect(
      ended(given({ remediation, fallback: failed, failbackFailures }), true, CARRIER).watch.fallback,
    ).toMatchObject({
      failures: 3,
      notBefore: 600_000,
      goodRounds: 0,
      since: 12_000,
    })
    const over = { ...failed, notBefore: 5 }
    expect(ended(given({ remediation, fallback: over, failbackFailures }), true, CARRIER).watch.fallback).toMatchObject(
      {
        failures: 3,
        notBefore: 252_000,
      },
    )
    const onWay = { ...fellBack('endpoint', SECOND, 'port-blocked', 0), failures: 3, notBefore: 600_000 }
    expect(
      ended(given({ remediation, fallback: onWay, failbackFailures }), true, CARRIER).watch.fallback,
    ).toMatchObject({
      failures: 3,
      notBefore: 252_000,
    })
    expect(ended(given({ remediation, fallback: onWay }), true, CARRIER).watch.fallback).toMatchObject({ failures: 0 })
  })

  /** The first answer came while the remedy was being carried out. */
  const WELL_AGAIN = { ...UP, since: 11_001 }

  test('while answers come helped only if one answered what was sent since it began', () => {
    const remediation = carriedOutSince(11_000)
    const helped = { ...remediation, underWay: { ...remediation.underWay!, hasHelped: true } }
    const yes = ended(given({ remediation: helped, health: WELL_AGAIN }))
    expect(yes.actions).toMatchObject([{ kind: 'tell-remedy', report: { helped: true } }])
    expect(yes.watch.helped).toEqual({ 'flow-dead': 'new-source-port' })
    expect(yes.watch.remediation).toBe(NO_REMEDIATION)
    const no = ended(given({ remediation, health: WELL_AGAIN }))
    expect(no.actions).toEqual([])
    expect(no.watch).toMatchObject({ helped: {}, remediedAt: 12_000 })
    expect(no.watch.remediation).toBe(NO_REMEDIATION)
  })

  test('and was begun while all was well is proven by an answer to what was sent after it', () => {
    const remediation = carriedOutSince(11_000, { kind: 'carrier' }, 'handshake-blocked')
    const before = given({ remediation, health: { ...UP, since: 11_000 }, evidence: NO_EVIDENCE })
    const { watch, actions } = ended(before, true, CARRIER)
    expect(actions).toEqual([])
    expect(watch.remediation.underWay?.proving?.since).toBe(12_000)
    expect(watch.fallback).toMatchObject({ on: 'transport', cause: 'handshake-blocked' })
    const old = made((actions) => proven(watch, { sentAt: 11_999 }, 12_100, actions))
    expect(old).toEqual({ watch, actions: [] })
    const after = made((actions) => proven(watch, { sentAt: 12_000 }, 12_100, actions))
    expect(after.actions).toMatchObject([{ kind: 'tell-remedy', report: { remedy: 'carrier', helped: true } }])
    expect(after.watch).toMatchObject({ helped: { 'handshake-blocked': 'carrier' } })
    // Nothing that is still being carried out is proven.
    expect(made((actions) => proven(before, { sentAt: 11_500 }, 11_600, actions))).toEqual({
      watch: before,
      actions: [],
    })
  })

  test('and is a way back is still to be proven, and until then no way back', () => {
    const { watch } = ended(
      given({ remediation: back(carriedOutSince(11_000), DETOUR), health: UP, fallback: DETOUR }),
      true,
      FIRST,
    )
    expect(watch.fallback).toBe(DETOUR)
    expect(watch.remediation.underWay?.proving).toEqual({ since: 12_000, until: 16_000 })
  })

  test('with another MTU needs no proof, and the hub is told', () => {
    const remediation = carriedOutSince(11_000, { kind: 'set-mtu', mtu: 1_280 }, 'mtu-black-hole')
    const done = ended(given({ remediation, health: UP }))
    expect(done.actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'set-mtu', cause: 'mtu-black-hole', helped: true, seconds: 1 } },
    ])
    expect(done.watch).toMatchObject({
      remediedAt: 12_000,
      remediation: { underWay: null, tried: ['reset'] },
      pathMtu: { mtu: 1_280 },
      registration: { due: { at: 12_000, reason: 'mtu' } },
      helped: {},
    })
    const failed = ended(given({ remediation, health: UP }), false)
    expect(failed.actions).toMatchObject([{ report: { helped: false } }])
    expect(failed.watch).toMatchObject({
      remediation: { underWay: null },
      pathMtu: { mtu: 1_420 },
      registration: { due: { reason: 'periodic' } },
    })
  })
})
