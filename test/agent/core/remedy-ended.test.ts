import { describe, expect, test } from 'vitest'
import { wentAway } from '../../../agent/core/away.ts'
import { NO_CURE } from '../../../agent/core/cure.ts'
import { proven, remedyEnded } from '../../../agent/core/curing.ts'
import { NO_EVIDENCE } from '../../../agent/core/evidence.ts'
import type { Watch } from '../../../agent/core/state.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { CARRIER } from './simulation.ts'
import { UP, given, carriedOutSince, proving, back, made, DETOUR, FIRST, SECOND } from './given-cure.ts'

describe('the proof of a remedy', () => {
  test('is an answer within its time: told, and remembered for this cause', () => {
    const before = given({ cure: proving(), helped: { 'udp-blocked': 'carrier' } })
    const { watch, actions } = made((actions) => proven(before, { sentAt: 12_100 }, 12_200, actions))
    expect(actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'new-source-port', cause: 'flow-dead', helped: true, seconds: 1.2 } },
    ])
    expect(watch).toMatchObject({ helped: { 'udp-blocked': 'carrier', 'flow-dead': 'new-source-port' } })
    expect(watch.cure).toBe(NO_CURE)
    expect(watch.evidence).toBe(NO_EVIDENCE)
  })

  test('by another way leaves the carrier', () => {
    const before = given({ cure: proving({ kind: 'set-endpoint', way: SECOND }, 'port-blocked') })
    const { actions } = made((actions) => proven(before, { sentAt: 12_100 }, 12_200, actions))
    expect(actions.map(({ kind }) => kind)).toEqual(['tell-remedy', 'close-carrier'])
  })

  test('is waited for until its time is over, and then it failed: told, and the hub is asked again', () => {
    const before = given({ cure: proving() })
    expect(made((actions) => proven(before, null, 15_999, actions))).toEqual({ watch: before, actions: [] })
    const { watch, actions } = made((actions) => proven(before, null, 16_000, actions))
    expect(actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'new-source-port', cause: 'flow-dead', helped: false, seconds: 5 } },
    ])
    expect(watch.cure).toMatchObject({ underWay: null, tried: ['reset', 'new-source-port'] })
    expect(watch.evidence).toBe(NO_EVIDENCE)
    expect(watch.registration.due).toEqual({ at: 16_000, reason: 'doubt' })
  })

  test('is not waited for before it was carried out, however long that takes', () => {
    const before = given({ cure: carriedOutSince(11_000) })
    expect(made((actions) => proven(before, null, 900_000, actions))).toEqual({ watch: before, actions: [] })
  })

  test('an answer while it is still carried out is no proof yet, and is remembered', () => {
    const before = given({ cure: carriedOutSince(11_000) })
    const { watch, actions } = made((actions) => proven(before, { sentAt: 11_000 }, 11_050, actions))
    expect(actions).toEqual([])
    expect(watch.cure).toMatchObject({ underWay: { hasHelped: true }, tried: [] })
    expect(watch.evidence).toBe(NO_EVIDENCE)
    const older = made((actions) => proven(before, { sentAt: 10_999 }, 11_050, actions))
    expect(older.watch.cure.underWay?.hasHelped).toBe(false)
  })

  test('an answer ends what was tried and found out in this silence, without a remedy too', () => {
    const tried = given({ cure: { ...NO_CURE, tried: ['reset'], turns: 2, notBefore: 9 }, evidence: NO_EVIDENCE })
    expect(made((actions) => proven(tried, { sentAt: 1 }, 2, actions))).toMatchObject({ watch: { cure: NO_CURE } })
    const known = given({ cure: NO_CURE })
    expect(made((actions) => proven(known, { sentAt: 1 }, 2, actions)).watch.evidence).toBe(NO_EVIDENCE)
    const calm = given({ cure: NO_CURE, evidence: NO_EVIDENCE })
    expect(made((actions) => proven(calm, { sentAt: 1 }, 2, actions)).watch).toBe(calm)
    expect(made((actions) => proven(calm, null, 2, actions)).watch).toBe(calm)
  })

  test('of a way back is an answer to what was sent after it, and nothing else', () => {
    const during = given({ cure: back(carriedOutSince(11_000), DETOUR), away: DETOUR })
    expect(made((actions) => proven(during, { sentAt: 11_500 }, 11_600, actions))).toEqual({
      watch: during,
      actions: [],
    })
    const before = given({
      cure: back(proving({ kind: 'set-endpoint', way: FIRST }, 'udp-blocked'), DETOUR),
      away: DETOUR,
    })
    const old = made((actions) => proven(before, { sentAt: 11_999 }, 12_100, actions))
    expect(old).toEqual({ watch: before, actions: [] })
    const { watch, actions } = made((actions) => proven(before, { sentAt: 12_000 }, 12_500, actions))
    expect(actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'way-back', cause: 'udp-blocked', helped: true, seconds: 1.5 } },
      { kind: 'close-carrier' },
    ])
    expect(watch).toMatchObject({ away: null, helped: {} })
    expect(watch.cure).toBe(NO_CURE)
    // The hub's machine refuses now: that came the new way, whatever it refuses.
    expect(made((actions) => proven(before, { sentAt: null }, 12_100, actions)).watch.away).toBeNull()
  })

  test('that a way back lacks turns it back at once, to where it was well', () => {
    const cure = back(proving({ kind: 'set-endpoint', way: FIRST }, 'udp-blocked'), DETOUR)
    const { watch, actions } = made((actions) => proven(given({ cure, health: UP }), null, 16_000, actions))
    expect(actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'way-back', cause: 'udp-blocked', helped: false, seconds: 5 } },
      { kind: 'remedy', remedy: { kind: 'carrier' } },
    ])
    expect(watch).toMatchObject({
      away: { on: 'carrier', failures: 1, goodRounds: 0, notBefore: 76_000 },
      cure: {
        underWay: { remedy: { kind: 'carrier' }, cause: 'udp-blocked', since: 16_000, backFrom: null },
        tried: [],
      },
    })
    const detour = wentAway('way', SECOND, 'port-blocked', 1_000)
    const onWay = given({
      cure: back(proving({ kind: 'set-endpoint', way: FIRST }, 'port-blocked'), detour),
      health: UP,
    })
    expect(made((actions) => proven(onWay, null, 16_000, actions)).actions.at(-1)).toEqual({
      kind: 'remedy',
      remedy: { kind: 'set-endpoint', way: SECOND },
    })
  })
})

describe('a remedy that ended', () => {
  const ended = (watch: Watch, carriedOut = true, way: Endpoint | null = null, now = 12_000) =>
    made((actions) => remedyEnded(watch, { kind: 'remedy-ended', carriedOut, way }, now, actions))

  test('and was not under way changes nothing', () => {
    const before = given()
    expect(ended(before)).toEqual({ watch: before, actions: [] })
  })

  test('is followed by the heartbeat that proves it, at once', () => {
    const { watch, actions } = ended(given({ cure: carriedOutSince(11_000) }))
    expect(actions).toEqual([])
    expect(watch.cure.underWay?.proving).toEqual({ since: 12_000, until: 16_000 })
    expect(watch.heartbeats.lastSentAt).toBeNull()
    expect(watch.heartbeats.missesInARow).toBe(2)
    expect(watch).toMatchObject({ remediedAt: 12_000, away: null })
  })

  test('and could not be carried out failed', () => {
    const { watch, actions } = ended(given({ cure: carriedOutSince(11_000) }), false)
    expect(actions).toMatchObject([{ kind: 'tell-remedy', report: { helped: false, seconds: 1 } }])
    expect(watch).toMatchObject({
      remediedAt: -Infinity,
      cure: { underWay: null, tried: ['reset', 'new-source-port'] },
    })
  })

  test('with another way leaves the tunnel there, until it comes back', () => {
    const cure = carriedOutSince(11_000, { kind: 'set-endpoint', way: SECOND }, 'port-blocked')
    expect(ended(given({ cure }), true, SECOND).watch.away).toEqual(wentAway('way', SECOND, 'port-blocked', 12_000))
    expect(ended(given({ cure, away: DETOUR }), true, FIRST).watch.away).toBeNull()
    expect(ended(given({ cure, away: DETOUR }), true, null).watch).toMatchObject({
      away: DETOUR,
      ledElsewhereAt: -Infinity,
    })
    expect(ended(given({ cure }), true, SECOND).watch.ledElsewhereAt).toBe(12_000)
    const carrier = carriedOutSince(11_000, { kind: 'carrier' }, 'udp-blocked')
    expect(ended(given({ cure: carrier }), true, CARRIER).watch.away).toEqual(
      wentAway('carrier', CARRIER, 'udp-blocked', 12_000),
    )
  })

  test('with a detour taken again remembers how often its way back failed; with another one it does not', () => {
    const cure = carriedOutSince(11_000, { kind: 'carrier' }, 'udp-blocked')
    const failed = { ...DETOUR, failures: 3, notBefore: 400_000 }
    expect(ended(given({ cure, away: failed }), true, CARRIER).watch.away).toMatchObject({
      failures: 3,
      notBefore: 400_000,
      goodRounds: 0,
      since: 12_000,
    })
    const over = { ...failed, notBefore: 5 }
    expect(ended(given({ cure, away: over }), true, CARRIER).watch.away).toMatchObject({
      failures: 3,
      notBefore: 12_000,
    })
    const onWay = { ...wentAway('way', SECOND, 'port-blocked', 0), failures: 3, notBefore: 400_000 }
    expect(ended(given({ cure, away: onWay }), true, CARRIER).watch.away).toMatchObject({
      failures: 0,
      notBefore: 12_000,
    })
  })

  test('while answers come helped only if one answered what was sent since it began', () => {
    const cure = carriedOutSince(11_000)
    const helped = { ...cure, underWay: { ...cure.underWay!, hasHelped: true } }
    const yes = ended(given({ cure: helped, health: UP }))
    expect(yes.actions).toMatchObject([{ kind: 'tell-remedy', report: { helped: true } }])
    expect(yes.watch.helped).toEqual({ 'flow-dead': 'new-source-port' })
    expect(yes.watch.cure).toBe(NO_CURE)
    const no = ended(given({ cure, health: UP }))
    expect(no.actions).toEqual([])
    expect(no.watch).toMatchObject({ helped: {}, remediedAt: 12_000 })
    expect(no.watch.cure).toBe(NO_CURE)
  })

  test('and is a way back is still to be proven, and until then no way back', () => {
    const { watch } = ended(
      given({ cure: back(carriedOutSince(11_000), DETOUR), health: UP, away: DETOUR }),
      true,
      FIRST,
    )
    expect(watch.away).toBe(DETOUR)
    expect(watch.cure.underWay?.proving).toEqual({ since: 12_000, until: 16_000 })
  })

  test('with another MTU needs no proof, and the hub is told', () => {
    const cure = carriedOutSince(11_000, { kind: 'set-mtu', mtu: 1_280 }, 'mtu-black-hole')
    const done = ended(given({ cure, health: UP }))
    expect(done.actions).toEqual([
      { kind: 'tell-remedy', report: { remedy: 'set-mtu', cause: 'mtu-black-hole', helped: true, seconds: 1 } },
    ])
    expect(done.watch).toMatchObject({
      remediedAt: 12_000,
      cure: { underWay: null, tried: ['reset'] },
      pathMtu: { mtu: 1_280 },
      registration: { due: { at: 12_000, reason: 'mtu' } },
      helped: {},
    })
    const failed = ended(given({ cure, health: UP }), false)
    expect(failed.actions).toMatchObject([{ report: { helped: false } }])
    expect(failed.watch).toMatchObject({
      cure: { underWay: null },
      pathMtu: { mtu: 1_420 },
      registration: { due: { reason: 'periodic' } },
    })
  })
})
