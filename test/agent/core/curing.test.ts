import { describe, expect, test } from 'vitest'
import { type Away, wentAway } from '../../../agent/core/away.ts'
import type { Cause } from '../../../agent/core/cause.ts'
import { type Cure, NO_CURE, noteBegun, noteCarriedOut } from '../../../agent/core/cure.ts'
import { begun, enter, healed, knownAgain, mended, proven, remedyEnded, returned } from '../../../agent/core/curing.ts'
import { type Evidence, type EchoRound, NO_EVIDENCE } from '../../../agent/core/evidence.ts'
import type { Health } from '../../../agent/core/health.ts'
import type { Remedy } from '../../../agent/core/ladder.ts'
import type { Action, Watch } from '../../../agent/core/state.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { CARRIER, start, WAYS } from './simulation.ts'

const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
const UP: Health = { kind: 'up', since: 100, provenAt: 100 }
const DOUBTFUL: Health = { kind: 'doubtful', since: 10_000 }
const HEALING: Health = { kind: 'healing', since: 11_000, cause: 'flow-dead' }
const OFFLINE: Health = { kind: 'offline', since: 11_000, cause: null }

const ROUND: EchoRound = {
  askedAt: 10_500,
  current: FIRST,
  isCarrier: false,
  preferred: FIRST,
  answered: [FIRST, SECOND],
  silent: [],
  named: null,
}

/** Echoes are answered, the hub says that it hears nothing of the tunnel, and two heartbeats were missed since. */
const FLOW_DEAD: Evidence = {
  ...NO_EVIDENCE,
  round: ROUND,
  word: { peerKnown: true, handshakeSeconds: 60, heardSeconds: 60, initiatedSeconds: null, at: 10_600 },
  reachedAt: 10_600,
}
const LINE_AWAY: Evidence = {
  ...NO_EVIDENCE,
  round: { ...ROUND, answered: [] },
  silentRounds: 1,
  registrar: { askedAt: 10_000, at: 10_500, reachable: false },
  uplink: { gateway: true, beacon: false, at: 10_500, answersSince: null },
}

function given(more: Partial<Watch> = {}): Watch {
  const watch = start()
  const overdue = (sequence: number, sentAt: number) => ({ sequence, sentAt, overdue: true })
  return {
    ...watch,
    health: DOUBTFUL,
    heartbeats: {
      ...watch.heartbeats,
      lastSentAt: 11_000,
      answeredAt: 5_000,
      missesInARow: 2,
      underWay: [overdue(1, 10_700), overdue(2, 11_000)],
    },
    evidence: FLOW_DEAD,
    asking: { ...watch.asking, echoTrust: 'trusted', round: ROUND, restoredAt: 9_000, lookedAt: 9_100 },
    // The first registration was done long ago.
    registration: { ...watch.registration, due: { at: 600_000, reason: 'periodic' }, succeededAt: 20 },
    ...more,
  }
}

const carriedOutSince = (
  since: number,
  remedy: Remedy = { kind: 'new-source-port' },
  cause: Cause = 'flow-dead',
): Cure => noteBegun({ ...NO_CURE, tried: ['reset'] }, remedy, cause, since)
/** Until 16000: nothing of this line's round trip is known. */
const proving = (remedy?: Remedy, cause?: Cause): Cure =>
  noteCarriedOut(carriedOutSince(11_000, remedy, cause), start().heartbeats, 12_000)
const back = (cure: Cure, backFrom: Away): Cure => ({ ...cure, underWay: { ...cure.underWay!, backFrom } })

/** What the state becomes, and what shall be done. */
function made(step: (actions: Action[]) => Watch): { readonly watch: Watch; readonly actions: readonly Action[] } {
  const actions: Action[] = []
  return { watch: step(actions), actions }
}

const DETOUR: Away = { ...wentAway('carrier', CARRIER, 'udp-blocked', 1_000), goodRounds: 3 }

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

describe('a silence', () => {
  const heal = (watch: Watch, now = 12_000) => made((actions) => healed(watch, now, actions))

  test('whose cause is proven is healing, with the first remedy and nothing left of the evidence', () => {
    const { watch, actions } = heal(given())
    expect(actions).toEqual([
      { kind: 'tell-health', from: DOUBTFUL, to: { kind: 'healing', since: 12_000, cause: 'flow-dead' } },
      { kind: 'remedy', remedy: { kind: 'new-source-port' } },
    ])
    expect(watch).toMatchObject({
      health: { kind: 'healing', since: 12_000, cause: 'flow-dead' },
      cure: { underWay: { remedy: { kind: 'new-source-port' }, cause: 'flow-dead', since: 12_000 } },
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
      given({ cure: carriedOutSince(11_000) }),
      given({ evidence: NO_EVIDENCE }),
    ])
      expect(heal(before)).toEqual({ watch: before, actions: [] })
  })

  test('waits out the pause after the ladder ended', () => {
    const before = given({ cure: { ...NO_CURE, notBefore: 12_001 } })
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
    expect(heal(given({ evidence: LINE_AWAY, cure: { ...NO_CURE, notBefore: Infinity } })).actions).toHaveLength(1)
    const outside = { gateway: true, beacon: true, at: 10_500, answersSince: 10_400 }
    expect(heal(given({ evidence: { ...LINE_AWAY, uplink: outside } })).watch.health).toMatchObject({
      cause: 'hub-down',
    })
    const unknown = { ...NO_EVIDENCE, unknown: { since: 10_600, answers: 2 } }
    expect(heal(given({ evidence: unknown })).watch.health).toMatchObject({ kind: 'offline', cause: 'home-unknown' })
  })

  test('with every remedy tried pauses, and wants fresh evidence', () => {
    const tried = ['new-source-port', 'set-endpoint 203.0.113.10:4500', 'new-session']
    const { watch, actions } = heal(given({ cure: { ...NO_CURE, tried }, health: HEALING }))
    expect(actions).toEqual([])
    expect(watch.cure).toEqual({ underWay: null, tried: [], turns: 1, notBefore: 17_000 })
    expect(watch.evidence).toBe(NO_EVIDENCE)
    expect(watch.registration.due).toEqual({ at: 12_000, reason: 'doubt' })
    expect(watch.health).toBe(HEALING)
  })

  test('tries what the registrar, the router, the line and what helped before allow', () => {
    const first = (more: Partial<Watch>, tried: readonly string[] = []) =>
      heal(given({ cure: { ...NO_CURE, tried }, ...more })).actions.at(-1)
    const gone = ['new-source-port', 'set-endpoint 203.0.113.10:4500', 'new-session']
    expect(first({ helped: { 'flow-dead': 'new-session' } })).toMatchObject({ remedy: { kind: 'new-session' } })
    expect(first({ helped: { 'return-dead': 'new-session' } })).toMatchObject({ remedy: { kind: 'new-source-port' } })
    expect(first({ canForgetFlow: true }, ['new-source-port'])).toMatchObject({ remedy: { kind: 'forget-flow' } })
    const reachable = { ...given().registration, registrar: 'reachable' as const }
    expect(first({ registration: reachable }, gone)).toMatchObject({ remedy: { kind: 'carrier' } })
    const settings = { ...given().settings, lifeSeconds: 100 }
    const turns = { ...NO_CURE, tried: [...gone, 'rebuild'], turns: 1 }
    expect(heal(given({ settings, cure: turns })).actions.at(-1)).toMatchObject({
      remedy: { kind: 'silence', seconds: 110 },
    })
  })

  test('goes by the ways of this silence, else by those of the last round at all', () => {
    const tried = ['new-source-port']
    const known = given({ cure: { ...NO_CURE, tried } })
    const other = { ...ROUND, answered: [{ ...FIRST, port: 443 }] }
    const asking = { ...known.asking, round: other }
    expect(heal({ ...known, asking }).actions.at(-1)).toMatchObject({ remedy: { way: SECOND } })
    const unproven = { ...asking, echoTrust: 'unproven' as const }
    const blind = { ...known, asking: unproven, evidence: { ...FLOW_DEAD, round: null } }
    expect(heal(blind).actions.at(-1)).toMatchObject({ remedy: { way: { port: 443 } } })
  })

  test('waits for a look at the machine that was begun in it, three seconds at most', () => {
    const asked = (restoredAt: number, lookedAt: number) => {
      const before = given()
      return { ...before, asking: { ...before.asking, restoredAt, lookedAt } }
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
    away: DETOUR,
    evidence: NO_EVIDENCE,
    heartbeats: { ...given().heartbeats, missesInARow: 0 },
  })
  const back = (watch: Watch) => made((actions) => returned(watch, 12_000, actions))

  test('is begun when the better way is sure, and remembers the detour', () => {
    const { watch, actions } = back(ready)
    expect(actions).toEqual([{ kind: 'remedy', remedy: { kind: 'set-endpoint', way: FIRST } }])
    expect(watch.cure.underWay).toMatchObject({ cause: 'udp-blocked', since: 12_000, backFrom: DETOUR, proving: null })
    expect(watch.away).toBe(DETOUR)
  })

  test('is not begun without a detour, in trouble, amid a remedy, while a heartbeat is missing or before it is sure', () => {
    for (const more of [
      { away: null },
      { health: DOUBTFUL },
      { cure: carriedOutSince(11_000) },
      { heartbeats: { ...ready.heartbeats, missesInARow: 1 } },
      { away: { ...DETOUR, goodRounds: 2 } },
    ]) {
      const before = { ...ready, ...more }
      expect(back(before)).toEqual({ watch: before, actions: [] })
    }
  })
})

describe('a machine that was mended', () => {
  const mend = (watch: Watch) => made((actions) => mended(watch, 12_000, actions))

  test('while the tunnel is up is told', () => {
    const before = given({ health: UP })
    expect(mend(before)).toEqual({
      watch: before,
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
      cure: { underWay: { remedy: { kind: 'apply' }, cause: 'drift', since: 12_000, proving: { until: 16_000 } } },
      heartbeats: { lastSentAt: null, missesInARow: 2 },
    })
    expect(watch.evidence).toBe(NO_EVIDENCE)
  })

  test('amid a remedy, or while the hub does not know this home, is nothing more', () => {
    for (const before of [
      given({ cure: carriedOutSince(11_000) }),
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
    const before = given({ cure: { ...NO_CURE, tried: ['reset'], turns: 2 } })
    const { watch, actions } = made((actions) => begun(before, { kind: 'rebuild' }, 'flow-dead', 12_000, actions))
    expect(actions).toEqual([{ kind: 'remedy', remedy: { kind: 'rebuild' } }])
    expect(watch.cure).toMatchObject({ tried: ['reset'], turns: 2, underWay: { since: 12_000 } })
  })
})
