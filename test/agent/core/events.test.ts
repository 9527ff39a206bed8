import { describe, expect, test } from 'vitest'
import { type Away, wentAway } from '../../../agent/core/away.ts'
import { NO_CURE, noteBegun, noteCarriedOut } from '../../../agent/core/cure.ts'
import { type EchoRound, type EchoTrust, type HubWord, NO_EVIDENCE } from '../../../agent/core/evidence.ts'
import type { Health } from '../../../agent/core/health.ts'
import type { Action, Watch, WatchEvent } from '../../../agent/core/state.ts'
import { calmGapMs, next, startWatch, wakeAt } from '../../../agent/core/watch.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { CARRIER, mapping, settings, start, WAYS, wellWord } from './simulation.ts'

const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]
const MOVED: Endpoint = { address: '198.51.100.12', port: 41_000 }
const UP: Health = { kind: 'up', since: 20, provenAt: 99_000 }
const DOUBTFUL: Health = { kind: 'doubtful', since: 98_000 }
const OFFLINE: Health = { kind: 'offline', since: 98_000, cause: null }
const UNKNOWN: Health = { ...OFFLINE, cause: 'home-unknown' }
const HEALING: Health = { kind: 'healing', since: 98_000, cause: 'flow-dead' }

/** At 100000, with nothing due: a heartbeat was sent a second ago, and answered. */
const NOW = 100_000
function given(more: Partial<Watch> = {}, asking: Partial<Watch['asking']> = {}): Watch {
  const watch = start()
  return {
    ...watch,
    health: UP,
    heartbeats: { ...watch.heartbeats, nextSequence: 8, lastSentAt: 99_000, answeredAt: 99_020 },
    ledger: { current: { endpoint: mapping, since: 20 }, changes: 0 },
    registration: { ...watch.registration, due: { at: 600_000, reason: 'periodic' }, succeededAt: 50 },
    pathMtu: { ...watch.pathMtu, checkedAt: 50_000 },
    asking: {
      ...watch.asking,
      echoTrust: 'trusted',
      echoedAt: 99_900,
      restoredAt: 99_900,
      lookedAt: 99_950,
      ...asking,
    },
    ...more,
  }
}

/** With a heartbeat under way that was sent then. */
function awaiting(sentAt: number, watch: Watch): Watch {
  const underWay = [{ sequence: 7, sentAt, overdue: false }]
  return { ...watch, heartbeats: { ...watch.heartbeats, underWay, lastSentAt: sentAt } }
}

const answer = (more: Partial<Extract<WatchEvent, { kind: 'answer' }>> = {}): WatchEvent => ({
  kind: 'answer',
  sequence: 7,
  mapping,
  inUse: false,
  asks: false,
  ...more,
})
const registered = (more: Partial<Extract<WatchEvent, { kind: 'registration-ended' }>> = {}): WatchEvent => ({
  kind: 'registration-ended',
  outcome: 'done',
  mapping: null,
  word: null,
  ...more,
})
const roundOf = (more: Partial<EchoRound> = {}): EchoRound => ({
  askedAt: 99_500,
  current: FIRST,
  isCarrier: false,
  preferred: FIRST,
  answered: WAYS,
  silent: [],
  named: null,
  ...more,
})
const echoed = (round: EchoRound, word: HubWord | null = null): WatchEvent => ({ kind: 'echoed', round, word })

function fed(watch: Watch, event: WatchEvent, now = NOW) {
  const [after, actions] = next(watch, event, now)
  return { watch: after, actions, kinds: actions.map(({ kind }) => kind) }
}
const tick = (watch: Watch, now = NOW) => fed(watch, { kind: 'tick' }, now)

/** A registration that was begun then. */
const pendingSince = (since: number, watch: Watch): Watch => ({
  ...watch,
  registration: {
    ...watch.registration,
    pending: { since, reason: 'doubt' },
    due: { at: Infinity, reason: 'periodic' },
  },
})
const remedy = (since: number) => noteBegun(NO_CURE, { kind: 'new-source-port' }, 'flow-dead', since)
const told = (actions: readonly Action[]) => actions.filter(({ kind }) => kind.startsWith('tell-'))

describe('the judge begins', () => {
  const began = startWatch(
    { ...settings, mtu: 1_400 },
    { ledger: { current: null, changes: 3 }, firstSequence: 77, mtu: 1_280, helped: { 'flow-dead': 'reset' } },
    5_000,
  )

  test('with a heartbeat and a registration, and with what is remembered', () => {
    const { watch, actions } = tick(began, 5_000)
    expect(actions).toEqual([
      { kind: 'send-heartbeat', sequence: 77 },
      { kind: 'register', reason: 'start' },
    ])
    expect(watch).toMatchObject({
      health: { kind: 'starting', since: 5_000 },
      ledger: { changes: 3 },
      helped: { 'flow-dead': 'reset' },
      pathMtu: { configured: 1_400, mtu: 1_280 },
      away: null,
      canForgetFlow: false,
      isDaemonSilent: false,
    })
  })

  test('looks at the machine eight seconds later, and asks for echoes after one', () => {
    expect(tick(began, 5_999).kinds).not.toContain('ask-echoes')
    expect(tick(began, 6_000).kinds).toContain('ask-echoes')
    expect(tick(began, 12_999).kinds).not.toContain('restore')
    expect(tick(began, 13_000).kinds).toContain('restore')
  })

  test('and takes a mapping that moved while it was away for the carrier’s doing', () => {
    const ledger = { current: { endpoint: mapping, since: null }, changes: 3 }
    const { watch } = tick(startWatch(settings, { ...settings, ledger, firstSequence: 7, helped: {} }, 5_000), 5_000)
    expect(told(fed(watch, answer({ mapping: MOVED }), 5_020).actions)).toContainEqual({
      kind: 'tell-cause',
      cause: 'mapping-changed',
    })
  })
})

describe('an answer', () => {
  test('to what is not under way is nothing', () => {
    const before = awaiting(99_500, given())
    expect(fed(before, answer({ sequence: 6, inUse: true, asks: true, mapping: MOVED }))).toMatchObject({
      watch: before,
      actions: [],
    })
  })

  test('takes the misses of a tunnel that was up for the line’s everyday loss, and those of an outage for none', () => {
    const missed = awaiting(99_900, given())
    const heartbeats = { ...missed.heartbeats, missesInARow: 2 }
    expect(fed({ ...missed, heartbeats }, answer()).watch.heartbeats.outcomes).toEqual(['missed', 'missed', 'answered'])
    for (const health of [DOUBTFUL, OFFLINE, HEALING])
      expect(fed({ ...missed, heartbeats, health }, answer()).watch.heartbeats.outcomes).toEqual(['answered'])
  })

  test('that says the tunnel is used counts for ten seconds', () => {
    const before = awaiting(99_900, given({ inUseUntil: 100_500 }))
    expect(fed(before, answer({ inUse: true })).watch.inUseUntil).toBe(110_000)
    expect(fed(before, answer()).watch.inUseUntil).toBe(100_500)
  })

  test('of a hub that wants to be asked registers, but not beside one that is under way', () => {
    const before = awaiting(99_900, given())
    expect(fed(before, answer({ asks: true })).actions).toEqual([{ kind: 'register', reason: 'asked' }])
    const pending = pendingSince(99_990, before)
    expect(fed(pending, answer({ asks: true })).watch.registration).toEqual(pending.registration)
    expect(fed(before, answer()).watch.registration).toEqual(before.registration)
  })

  test('ends that the hub’s daemon is silent; a refusal by its machine begins it', () => {
    const silent = fed(given({ health: DOUBTFUL }), { kind: 'refused' })
    expect(silent.watch).toMatchObject({
      health: { kind: 'up', since: NOW },
      heartbeats: { answeredAt: NOW },
      isDaemonSilent: true,
    })
    expect(fed(awaiting(99_900, silent.watch), answer()).watch.isDaemonSilent).toBe(false)
  })

  test('a refusal amid a remedy cannot tell whether it helped', () => {
    const { watch } = fed(given({ health: HEALING, cure: remedy(99_000) }), { kind: 'refused' })
    expect(watch.cure.underWay?.hasHelped).toBe(false)
  })

  test('to a heartbeat from before the remedy says nothing of it; to one from since then it does', () => {
    const amid = given({ health: HEALING, cure: remedy(99_500) })
    expect(fed(awaiting(99_499, amid), answer()).watch.cure.underWay?.hasHelped).toBe(false)
    expect(fed(awaiting(99_500, amid), answer()).watch.cure.underWay?.hasHelped).toBe(true)
  })
})

describe('a mapping that changed', () => {
  const seen = (more: Partial<Watch>, to: Endpoint | null = MOVED, now = NOW) =>
    fed(awaiting(now - 20, given(more)), answer({ mapping: to }), now)

  test('is told as the carrier’s doing, registered, and the path looked at again', () => {
    const { watch, actions } = seen({})
    expect(actions).toMatchObject([
      { kind: 'tell-mapping', change: { ended: 'address', changes: 1, to: { endpoint: MOVED, since: NOW } } },
      { kind: 'tell-cause', cause: 'mapping-changed' },
      { kind: 'register', reason: 'mapping-changed' },
      { kind: 'ask-sizes' },
    ])
    expect(watch.ledger.current?.endpoint).toEqual(MOVED)
  })

  test('is not told again when it is seen again, nor when the hub has not looked yet', () => {
    const { watch } = seen({})
    expect(fed(awaiting(100_100, watch), answer({ mapping: { ...MOVED } }), 100_120).actions).toEqual([])
    expect(seen({}, null)).toMatchObject({ actions: [], watch: { ledger: { current: { endpoint: mapping } } } })
  })

  test('in its port alone leaves the path as it is', () => {
    const { watch, kinds } = seen({}, { ...mapping, port: 1 })
    expect(kinds).toEqual(['tell-mapping', 'tell-cause', 'register'])
    expect(watch.pathMtu.checkedAt).toBe(50_000)
  })

  test('within twelve seconds of a remedy is its doing, and not a moment later', () => {
    expect(seen({ remediedAt: 88_000 }).kinds).not.toContain('tell-cause')
    expect(seen({ remediedAt: 87_999 }).kinds).toContain('tell-cause')
  })

  test('and is told by an answer that a later one overtook is none', () => {
    const before = given()
    const underWay = [6, 7].map((sequence) => ({ sequence, sentAt: 99_900 + sequence, overdue: false }))
    const both = { ...before, heartbeats: { ...before.heartbeats, underWay } }
    const { watch } = fed(both, answer({ mapping: MOVED }))
    const late = fed(watch, answer({ sequence: 6, mapping }), NOW + 100)
    expect(late.actions).toEqual([])
    expect(late.watch.ledger.current?.endpoint).toEqual(MOVED)
    // In order each of them is news.
    const first = fed(both, answer({ sequence: 6, mapping: MOVED }))
    expect(fed(first.watch, answer({ mapping }), NOW + 100).watch.ledger).toMatchObject({ changes: 2 })
  })

  test('amid a remedy is its doing', () => {
    expect(seen({ health: HEALING, cure: remedy(50_000) }).kinds).not.toContain('tell-cause')
  })

  test('is explained by a remedy once', () => {
    const { watch } = seen({ remediedAt: 99_000 })
    const again = fed(awaiting(100_500, watch), answer({ mapping }), 100_520)
    expect(again.actions).toContainEqual({ kind: 'tell-cause', cause: 'mapping-changed' })
    // On a machine that has just booted too.
    const early = seen({ remediedAt: 4_000 }, MOVED, 5_000)
    expect(early.kinds).not.toContain('tell-cause')
    const twice = fed(awaiting(5_100, early.watch), answer({ mapping }), 5_120)
    expect(twice.kinds).toContain('tell-cause')
  })

  test('and is the first one is no change: nothing more is registered, and it is nobody’s doing', () => {
    const ledger = { current: null, changes: 0 }
    const { watch, kinds } = seen({ ledger, remediedAt: 99_000 })
    expect(kinds).toEqual(['tell-mapping'])
    expect(watch).toMatchObject({ remediedAt: 99_000, ledger: { current: { endpoint: MOVED } } })
  })

  test('after more than a minute of silence was forgotten', () => {
    const ended = (answeredAt: number | null) => {
      const before = awaiting(99_980, given())
      const { actions } = fed(
        { ...before, heartbeats: { ...before.heartbeats, answeredAt } },
        answer({ mapping: MOVED }),
      )
      return actions.flatMap((action) => (action.kind === 'tell-mapping' ? [action.change.ended] : []))
    }
    expect(ended(39_999)).toEqual(['silence'])
    expect(ended(40_000)).toEqual(['address'])
    expect(ended(null)).toEqual(['address'])
  })
})

describe('a registration that ended', () => {
  const silent = (more: Partial<Watch> = {}, echoTrust: EchoTrust = 'trusted') =>
    pendingSince(99_500, given({ health: DOUBTFUL, ...more }, { echoTrust }))

  test('tells of the mapping and is evidence, when nothing was answered since it was asked', () => {
    const { watch, kinds } = fed(silent(), registered({ mapping: MOVED, word: wellWord(9_000) }))
    expect(kinds).toContain('tell-mapping')
    expect(watch.evidence).toMatchObject({
      registrar: { askedAt: 99_500, at: NOW, reachable: true },
      word: { at: 99_500 },
      reachedAt: NOW,
    })
  })

  test('is of before, when a heartbeat was answered since it was asked: neither its mapping nor its word counts', () => {
    for (const [answeredAt, isOlder] of [
      [99_500, true],
      [99_499, false],
    ] as const) {
      const before = silent()
      const heard = { ...before, heartbeats: { ...before.heartbeats, answeredAt } }
      const { watch } = fed(heard, registered({ mapping: MOVED, word: wellWord(9_000) }))
      expect(watch.evidence === NO_EVIDENCE).toBe(isOlder)
      expect(watch.ledger.current?.endpoint).toEqual(isOlder ? mapping : MOVED)
      expect(watch.registration.registrar).toBe('reachable')
    }
  })

  test('is evidence where no heartbeat was ever answered', () => {
    const before = pendingSince(0, given({ health: { kind: 'starting', since: 0 } }))
    const heartbeats = { ...before.heartbeats, answeredAt: null }
    const { watch } = fed({ ...before, heartbeats }, registered({ mapping: MOVED, word: wellWord(9_000) }), 3_000)
    expect(watch).toMatchObject({ ledger: { current: { endpoint: MOVED } }, evidence: { registrar: { askedAt: 0 } } })
  })

  test('is no evidence while the tunnel is well, and is as soon as one heartbeat is missing', () => {
    const well = pendingSince(99_500, given())
    expect(fed(well, registered({ word: wellWord(0) })).watch.evidence).toBe(NO_EVIDENCE)
    const missing = { ...well, heartbeats: { ...well.heartbeats, missesInARow: 1 } }
    expect(fed(missing, registered({ word: wellWord(0) })).watch.evidence.word).not.toBeNull()
  })

  test('with a word is asked again after half a minute of the same silence; without one after its own pause', () => {
    expect(fed(silent(), registered({ word: wellWord(9_000) })).watch.registration.due).toEqual({
      at: 130_000,
      reason: 'doubt',
    })
    expect(fed(silent(), registered()).watch.registration.due).toEqual({ at: 700_000, reason: 'periodic' })
    expect(fed(silent(), registered({ outcome: 'unreachable' })).watch.registration.due.at).toBe(101_000)
  })

  test('without an answer makes a tunnel that is being healed offline, but not amid a remedy', () => {
    const lost = registered({ outcome: 'unreachable' })
    const { watch, actions } = fed(silent({ health: HEALING }), lost)
    expect(watch.health).toEqual({ kind: 'offline', since: NOW, cause: null })
    expect(told(actions)).toHaveLength(1)
    expect(fed(silent({ health: HEALING, cure: remedy(99_000) }), lost).watch.health).toEqual(HEALING)
    expect(fed(silent({ health: HEALING }), registered({ outcome: 'refused' })).watch.health).toEqual(HEALING)
    expect(fed(silent(), lost).watch.health).toEqual(DOUBTFUL)
  })

  test('without an answer, where the heartbeat missed at that moment proves another cause, tells of that one alone', () => {
    const lost = registered({ outcome: 'unreachable' })
    const word = { ...wellWord(0), peerKnown: false, at: 90_000 }
    const before = silent({ health: HEALING, evidence: { ...NO_EVIDENCE, word, reachedAt: 90_000 } }, 'unproven')
    const beats = (sentAt: number) => ({
      ...before.heartbeats,
      underWay: [
        { sequence: 6, sentAt: 98_000, overdue: true },
        { sequence: 7, sentAt, overdue: false },
      ],
    })
    const proven = fed({ ...before, heartbeats: beats(99_000) }, lost)
    expect(proven.watch.health).toEqual({ kind: 'healing', since: 98_000, cause: 'peer-unknown' })
    expect(told(proven.actions)).toEqual([{ kind: 'tell-cause', cause: 'peer-unknown' }])
    const waiting = fed({ ...before, heartbeats: beats(99_001) }, lost)
    expect(waiting.watch.health).toEqual({ kind: 'offline', since: NOW, cause: null })
    expect(told(waiting.actions)).toHaveLength(1)
  })

  test('in which the hub knows us ends that it did not', () => {
    const unknown = { ...NO_EVIDENCE, unknown: { since: 90_000, answers: 5 } }
    const { watch } = fed(silent({ health: UNKNOWN, evidence: unknown }), registered({ word: wellWord(9_000) }))
    expect(watch).toMatchObject({ health: { kind: 'offline', cause: null }, evidence: { unknown: null } })
    const still = fed(silent({ health: UNKNOWN, evidence: unknown }), registered({ outcome: 'unknown' }))
    expect(still.watch).toMatchObject({ health: UNKNOWN, evidence: { unknown: { since: 90_000 } } })
  })
})

describe('a round of echoes that ended', () => {
  test('is remembered, and makes echoes trusted once one was answered', () => {
    const before = given({}, { isEchoPending: true, echoTrust: 'unproven' })
    const { watch } = fed(before, echoed(roundOf(), wellWord(0)))
    expect(watch.asking).toMatchObject({
      isEchoPending: false,
      echoedAt: NOW,
      echoTrust: 'trusted',
      round: roundOf(),
    })
    expect(watch.evidence).toBe(NO_EVIDENCE)
    expect(fed(before, echoed(roundOf({ answered: [] }))).watch.asking.echoTrust).toBe('unproven')
    expect(fed(before, echoed(roundOf({ answered: [FIRST] }))).watch.asking.echoTrust).toBe('trusted')
    expect(fed(given(), echoed(roundOf({ answered: [] }))).watch.asking.echoTrust).toBe('trusted')
  })

  test('is evidence of the silence that it was asked in, and of none before', () => {
    for (const [askedAt, silentRounds] of [
      [99_020, 0],
      [99_021, 1],
    ] as const) {
      const { watch } = fed(given({ health: DOUBTFUL }), echoed(roundOf({ askedAt, answered: [] })))
      expect(watch.evidence.silentRounds).toBe(silentRounds)
      expect(watch.asking.round?.askedAt).toBe(askedAt)
    }
    const never = given({ health: { kind: 'starting', since: 90_000 } })
    const heartbeats = { ...never.heartbeats, answeredAt: null }
    for (const askedAt of [99_500, 0])
      expect(
        fed({ ...never, heartbeats }, echoed(roundOf({ askedAt, answered: [] }))).watch.evidence.silentRounds,
      ).toBe(1)
  })

  test('that was answered is from a hub that knows us', () => {
    const evidence = { ...NO_EVIDENCE, unknown: { since: 99_400, answers: 5 } }
    const before = given({ health: UNKNOWN, evidence })
    const one = fed(before, echoed(roundOf({ answered: [SECOND] }), wellWord(0)))
    expect(one.watch.health).toMatchObject({ kind: 'offline', cause: null })
    expect(fed(before, echoed(roundOf(), wellWord(0))).watch.health).toMatchObject({ kind: 'offline', cause: null })
    expect(fed(before, echoed(roundOf({ answered: [] }))).watch.health).toEqual(UNKNOWN)
    // Asked before the registrar said so.
    expect(fed(before, echoed(roundOf({ askedAt: 99_399 }), wellWord(0))).watch.health).toEqual(UNKNOWN)
    const silent = given({ health: UNKNOWN })
    expect(fed(silent, echoed(roundOf({ answered: [] }))).watch.health).toEqual(UNKNOWN)
  })

  test('on a detour counts for the way back while the tunnel is well, and not in a silence', () => {
    const away: Away = { ...wentAway('carrier', CARRIER, 'udp-blocked', 1_000), goodRounds: 1 }
    const { watch } = fed(given({ away }, { isEchoPending: true }), echoed(roundOf()))
    expect(watch).toMatchObject({ away: { goodRounds: 2 }, asking: { isEchoPending: false, echoedAt: NOW } })
    expect(fed(given({ away, health: DOUBTFUL }), echoed(roundOf())).watch.away?.goodRounds).toBe(1)
  })

  test('and was asked before the tunnel was led elsewhere speaks of where it was', () => {
    for (const [ledElsewhereAt, isOfNow] of [
      [99_500, false],
      [99_499, true],
    ] as const) {
      const elsewhere = echoed(roundOf({ current: SECOND }), wellWord(0))
      expect(fed(given({ ledElsewhereAt }), elsewhere).watch.away !== null).toBe(isOfNow)
      const silent = fed(given({ ledElsewhereAt, health: DOUBTFUL }), elsewhere)
      expect(silent.watch.evidence !== NO_EVIDENCE).toBe(isOfNow)
    }
  })

  test('finds the tunnel on a detour that an agent before left it on', () => {
    const found = (more: Partial<EchoRound>, watch = given()) => fed(watch, echoed(roundOf(more))).watch.away
    const { asking } = fed(given({}, { isEchoPending: true }), echoed(roundOf({ current: SECOND }))).watch
    expect(asking).toMatchObject({ isEchoPending: false, echoedAt: NOW })
    expect(found({ current: SECOND })).toEqual(wentAway('way', SECOND, 'port-blocked', NOW))
    expect(found({ current: CARRIER, isCarrier: true })).toEqual(wentAway('carrier', CARRIER, 'port-blocked', NOW))
    expect(found({ current: FIRST })).toBeNull()
    expect(found({ current: null })).toBeNull()
    expect(found({ current: SECOND }, given({ health: DOUBTFUL }))).toBeNull()
  })
})

describe('other news', () => {
  test('of the uplink is evidence of a silence alone', () => {
    const event: WatchEvent = { kind: 'uplink', uplink: { gateway: true, beacon: true } }
    const well = fed(given({}, { isUplinkPending: true }), event).watch
    expect(well.asking.isUplinkPending).toBe(false)
    expect(well.evidence).toBe(NO_EVIDENCE)
    const { watch } = fed(given({ health: OFFLINE }, { isUplinkPending: true }), event)
    expect(watch.asking.isUplinkPending).toBe(false)
    expect(watch.evidence.uplink).toMatchObject({ at: NOW, answersSince: NOW })
  })

  test('of the machine: when it was looked at, and what it can', () => {
    const looked = fed(given(), { kind: 'looked', mended: false })
    expect(looked.watch.asking.lookedAt).toBe(NOW)
    expect(told(looked.actions)).toEqual([])
    expect(told(fed(given(), { kind: 'looked', mended: true }).actions)).toHaveLength(2)
    expect(fed(given(), { kind: 'described', canForgetFlow: true }).watch.canForgetFlow).toBe(true)
  })

  test('of a lost carrier is that of the detour over it: the machine is looked at, at once', () => {
    const away = wentAway('carrier', CARRIER, 'udp-blocked', 99_999)
    const lost = fed(given({ away }), { kind: 'carrier-lost' })
    expect(lost.watch).toMatchObject({ away: null, ledElsewhereAt: NOW })
    expect(lost.kinds).toEqual(['restore'])
    const young = given({ away }, { restoredAt: 2_900 })
    expect(fed(young, { kind: 'carrier-lost' }, 3_000).kinds).toContain('restore')
    const onWay = given({ away: wentAway('way', SECOND, 'port-blocked', 99_999) })
    expect(fed(onWay, { kind: 'carrier-lost' })).toMatchObject({ watch: onWay, actions: [] })
  })

  test('of a remedy: the heartbeat that proves it goes out at once', () => {
    const { watch, kinds } = fed(given({ health: HEALING, cure: remedy(99_000) }), {
      kind: 'remedy-ended',
      carriedOut: true,
      way: null,
    })
    expect(watch.cure.underWay?.proving?.since).toBe(NOW)
    expect(kinds).toContain('send-heartbeat')
  })

  test('is no answer, whatever it is', () => {
    for (const event of [
      registered(),
      echoed(roundOf()),
      { kind: 'sized', round: { passed: [1_420], smallPassed: true } },
      { kind: 'uplink', uplink: { gateway: true, beacon: true } },
      { kind: 'remedy-ended', carriedOut: true, way: null },
      { kind: 'looked', mended: false },
      { kind: 'described', canForgetFlow: true },
      { kind: 'carrier-lost' },
      { kind: 'configured', settings },
    ] satisfies readonly WatchEvent[]) {
      const away = wentAway('carrier', CARRIER, 'udp-blocked', 99_999)
      expect(fed(pendingSince(99_500, given({ health: DOUBTFUL, away })), event).watch.health).toEqual(DOUBTFUL)
    }
  })

  test('of other settings registers, and forgets what was learned of the MTU only if that is another one', () => {
    const known = given({ pathMtu: { ...given().pathMtu, mtu: 1_280 } })
    const same = fed(known, { kind: 'configured', settings: { ...settings, heartbeatMs: 9_000 } })
    expect(same.watch).toMatchObject({ settings: { heartbeatMs: 9_000 }, pathMtu: { mtu: 1_280, configured: 1_420 } })
    expect(same.actions).toEqual([{ kind: 'register', reason: 'configuration' }])
    const other = fed(known, { kind: 'configured', settings: { ...settings, mtu: 1_380 } })
    expect(other.watch.pathMtu).toMatchObject({ mtu: 1_380, configured: 1_380 })
  })
})

describe('sizes that came back', () => {
  const lost: WatchEvent = { kind: 'sized', round: { passed: [1_280], smallPassed: true } }
  const nearly = { ...given().pathMtu, lostRounds: 2 }

  test('lower the MTU when it is proven', () => {
    const { watch, actions } = fed(given({ pathMtu: nearly }), lost)
    expect(actions).toEqual([
      { kind: 'tell-cause', cause: 'mtu-black-hole' },
      { kind: 'remedy', remedy: { kind: 'set-mtu', mtu: 1_280 } },
    ])
    expect(watch.cure.underWay).toMatchObject({ cause: 'mtu-black-hole', since: NOW })
    const early = fed(given(), lost)
    expect(early).toMatchObject({ actions: [], watch: { pathMtu: { lostRounds: 1 } } })
  })

  test('raise it again without calling that a fault', () => {
    const pathMtu = { ...nearly, mtu: 1_280, lostRounds: 0, goodRounds: 2 }
    const passed: WatchEvent = { kind: 'sized', round: { passed: [1_280, 1_420], smallPassed: true } }
    expect(fed(given({ pathMtu }), passed).actions).toEqual([
      { kind: 'remedy', remedy: { kind: 'set-mtu', mtu: 1_420 } },
    ])
  })

  test('change nothing in a silence, or beside another remedy', () => {
    const doubtful = fed(given({ pathMtu: nearly, health: DOUBTFUL }), lost)
    expect(doubtful.kinds).not.toContain('remedy')
    const missing = given({ pathMtu: nearly })
    const heartbeats = { ...missing.heartbeats, missesInARow: 1 }
    expect(fed({ ...missing, heartbeats }, lost).kinds).not.toContain('remedy')
    expect(fed(given({ pathMtu: nearly, cure: remedy(99_000) }), lost).kinds).not.toContain('remedy')
  })
})

describe('time', () => {
  const sentAt = (lastSentAt: number | null, more: Partial<Watch> = {}) => {
    const before = given(more)
    return { ...before, heartbeats: { ...before.heartbeats, lastSentAt } }
  }

  test('sends heartbeats a fifth of a second early, within the interval; within a shorter one while the tunnel is used', () => {
    expect(tick(sentAt(95_201)).actions).toEqual([])
    expect(tick(sentAt(95_200)).actions).toEqual([{ kind: 'send-heartbeat', sequence: 8 }])
    expect(tick(sentAt(99_201, { inUseUntil: NOW })).kinds).not.toContain('send-heartbeat')
    expect(tick(sentAt(99_200, { inUseUntil: NOW })).kinds).toContain('send-heartbeat')
    for (const now of [0, NOW]) expect(tick(sentAt(null), now).kinds).toContain('send-heartbeat')
    expect(wakeAt(sentAt(96_000))).toBe(100_800)
  })

  test('the calm interval is the shorter one while the tunnel was used when the last heartbeat went out', () => {
    expect(calmGapMs(sentAt(99_000, { inUseUntil: 99_000 }))).toBe(5_000)
    expect(calmGapMs(sentAt(99_000, { inUseUntil: 99_001 }))).toBe(1_000)
    const quick = { ...settings, heartbeatMs: 700 }
    expect(calmGapMs(sentAt(99_000, { inUseUntil: 99_001, settings: quick }))).toBe(700)
    expect(calmGapMs(sentAt(null, { inUseUntil: 1 }))).toBe(1_000)
    expect(calmGapMs(sentAt(null, { inUseUntil: 0 }))).toBe(5_000)
  })

  test('asks each second for the first mapping, in the first five seconds of being up', () => {
    const curious = (lastedMs: number, health: Health = { ...UP, since: 99_000 - lastedMs }, now = NOW) =>
      tick(given({ health, ledger: { current: null, changes: 0 } }), now).kinds.includes('send-heartbeat')
    expect(curious(4_999)).toBe(true)
    expect(curious(4_999, undefined, NOW - 1)).toBe(false)
    expect(curious(5_000)).toBe(false)
    expect(tick(given({ health: { ...UP, since: 98_000 } })).kinds).not.toContain('send-heartbeat')
    // That is for when it comes up: nothing is hurried before.
    expect(curious(0, UNKNOWN)).toBe(false)
  })

  test('asks four times a second for the proof of a remedy, but not while that is carried out', () => {
    const after15s: Health = { ...HEALING, since: 80_000 }
    const cure = noteCarriedOut(remedy(99_000), start().heartbeats, 99_500)
    const healing = (more: Partial<Watch>) =>
      given({ health: after15s, heartbeats: sentAt(99_750).heartbeats, ...more })
    expect(tick(healing({ cure })).kinds).toContain('send-heartbeat')
    expect(tick(healing({ cure }), NOW - 1).kinds).not.toContain('send-heartbeat')
    expect(tick(healing({ cure: remedy(99_000) })).kinds).not.toContain('send-heartbeat')
    expect(tick(healing({})).kinds).not.toContain('send-heartbeat')
  })

  test('doubts with the third heartbeat that is overdue: the registrar is asked, and the machine looked at, at once', () => {
    const before = given({}, { restoredAt: 99_500, lookedAt: 99_600 })
    const underWay = [{ sequence: 7, sentAt: 99_000, overdue: false }]
    const heartbeats = { ...before.heartbeats, missesInARow: 2, underWay }
    const { watch, actions } = tick({ ...before, heartbeats })
    expect(actions).toContainEqual({ kind: 'tell-health', from: UP, to: { kind: 'doubtful', since: NOW } })
    expect(actions).toContainEqual({ kind: 'register', reason: 'doubt' })
    expect(actions).toContainEqual({ kind: 'restore' })
    expect(watch.asking.restoredAt).toBe(NOW)
    expect(tick({ ...before, heartbeats: { ...heartbeats, missesInARow: 1 } }).kinds).not.toContain('restore')
  })

  test('ends doubt as offline, which asks the registrar and looks at the machine too', () => {
    const { actions } = tick(given({ health: { ...DOUBTFUL, since: 80_000 } }, { restoredAt: 99_500 }))
    expect(actions).toContainEqual({ kind: 'register', reason: 'doubt' })
    expect(actions).toContainEqual({ kind: 'restore' })
    const young = given({ health: { kind: 'starting', since: -27_000 } }, { restoredAt: 2_900 })
    expect(tick(young, 3_000).kinds).toContain('restore')
  })

  test('does not doubt while a way back is tried; an answer meanwhile is one', () => {
    const away = wentAway('carrier', CARRIER, 'udp-blocked', 1_000)
    const cure = { ...remedy(99_000), underWay: { ...remedy(99_000).underWay!, backFrom: away } }
    const trying = awaiting(99_990, given({ cure, away }))
    const lost = { ...trying, heartbeats: { ...trying.heartbeats, missesInARow: 9 } }
    expect(tick(lost).watch.health).toEqual(UP)
    expect(fed(lost, answer()).watch.health).toEqual({ ...UP, provenAt: NOW })
    expect(tick({ ...lost, cure: remedy(99_000) }).watch.health.kind).toBe('doubtful')
  })

  test('comes back to up without asking anybody anything', () => {
    const { watch, kinds } = fed(awaiting(99_990, given({ health: OFFLINE })), answer())
    expect(watch.health).toEqual({ kind: 'up', since: NOW, provenAt: NOW })
    expect(kinds).toEqual(['tell-health'])
  })

  test('asks what is due, and remembers that it did', () => {
    const due = given({}, { echoedAt: -600_000, restoredAt: 0 })
    const pathMtu = { ...due.pathMtu, checkedAt: null }
    const { watch, actions } = tick({ ...due, pathMtu })
    expect(actions).toEqual([{ kind: 'ask-echoes' }, { kind: 'restore' }, { kind: 'ask-sizes', sizes: [1_420] }])
    expect(watch.asking).toMatchObject({ isEchoPending: true, restoredAt: NOW, isUplinkPending: false })
    expect(watch.pathMtu.pending).toBe(true)
    expect(tick(watch).actions).toEqual([])
    // On the moment.
    expect(tick({ ...given(), pathMtu: { ...pathMtu, checkedAt: NOW - 3_600_000 } }).kinds).toEqual(['ask-sizes'])
  })

  test('looks at the uplink once', () => {
    const registration = { ...given().registration, registrar: 'unreachable' as const }
    const evidence = { ...NO_EVIDENCE, silentRounds: 1, round: roundOf({ answered: [] }) }
    const { watch, kinds } = tick(given({ health: OFFLINE, registration, evidence }))
    expect(kinds).toContain('test-uplink')
    expect(watch.asking.isUplinkPending).toBe(true)
    expect(tick(watch, NOW + 1).kinds).not.toContain('test-uplink')
    const uplink = { gateway: true, beacon: null, at: NOW - 10_000, answersSince: null }
    const again = given({ health: OFFLINE, registration, evidence: { ...evidence, uplink } })
    expect(tick(again).kinds).toContain('test-uplink')
    expect(tick(again, NOW - 1).kinds).not.toContain('test-uplink')
  })

  test('changes nothing where nothing is due', () => {
    const before = given()
    expect(tick(before)).toMatchObject({ watch: before, actions: [] })
  })

  test('wakes for whatever is due first', () => {
    const later = given({}, { echoedAt: 99_900, restoredAt: 99_900 })
    expect(wakeAt(later)).toBe(103_800)
    expect(wakeAt(awaiting(99_000, later))).toBe(100_000)
    expect(wakeAt({ ...later, registration: { ...later.registration, due: { at: 100_100, reason: 'doubt' } } })).toBe(
      100_100,
    )
    const pending = pendingSince(99_000, later)
    expect(
      wakeAt({ ...pending, registration: { ...pending.registration, due: { at: 100_100, reason: 'doubt' } } }),
    ).toBe(103_800)
    const cure = noteCarriedOut(remedy(90_000), start().heartbeats, 96_050)
    const heartbeats = { ...later.heartbeats, lastSentAt: 99_990 }
    expect(wakeAt({ ...later, health: HEALING, cure, heartbeats })).toBe(100_050)
    expect(wakeAt({ ...later, health: { ...DOUBTFUL, since: 80_001 }, heartbeats })).toBe(100_001)
  })
})
