import { describe, expect, test } from 'vitest'
import { fellBack, onTrial } from '../../../agent/core/fallback.ts'
import { taken } from '../../../agent/core/events.ts'
import { reconcileDueAt } from '../../../agent/core/asking.ts'
import { hintDueAt, NO_HINTS, noteFollowed, noteLooking, noteTrue } from '../../../agent/core/hints.ts'
import type { Watch, WatchEvent } from '../../../agent/core/state.ts'
import { DOUBTFUL, fed, given, NOW, remedy, SECOND, UP } from './given-watch.ts'

const FOLLOWED = { ...NO_HINTS, isFollowed: true }
const HINTED = { ...FOLLOWED, hintedAt: NOW }
const looked = (driftRepaired = false): WatchEvent => ({ kind: 'looked', driftRepaired })
const reconciles = ({ kinds }: { kinds: readonly string[] }): boolean => kinds.includes('reconcile')

/** Hears of a change at once after each look, and looks whenever that is due, until so many looks were made. */
function flooded(watch: Watch, looks: number, finds: (look: number) => boolean): readonly number[] {
  const at: number[] = []
  let now = NOW
  let after = watch
  for (let look = 0; look < looks; look += 1) {
    after = fed(after, { kind: 'hinted' }, now).watch
    // Heartbeats are answered all the while: what is measured is how often the machine is looked at.
    const calm = { ...after.heartbeats, lastSentAt: now, answeredAt: now }
    now = reconcileDueAt({ ...after, heartbeats: calm })
    const done = fed({ ...after, heartbeats: calm }, { kind: 'tick' }, now)
    expect(reconciles(done)).toBe(true)
    at.push(now)
    after = fed(done.watch, looked(finds(look)), now).watch
  }
  return at
}

describe('a machine that tells of its changes', () => {
  test('is looked at when it begins to: what changed before was not told', () => {
    const { watch } = fed(given(), { kind: 'followed', isFollowed: true })
    expect(reconcileDueAt(watch)).toBe(NOW + 30)
  })

  test('answers no heartbeat by it', () => {
    for (const event of [{ kind: 'followed', isFollowed: true }, { kind: 'hinted' }] as const)
      expect(taken(given(), event, NOW, [])[1]).toBeNull()
  })

  test('is looked at once a minute, while all has been well for a while', () => {
    expect(reconcileDueAt(given({}, { hints: FOLLOWED }))).toBe(99_900 + 60_000)
    expect(reconcileDueAt(given({ inUseUntil: Infinity }, { hints: FOLLOWED }))).toBe(99_900 + 60_000)
    expect(reconcileDueAt(given({}))).toBe(99_900 + 8_000)
  })

  test('and as often as ever soon after it came up, in doubt, and while a failback is on trial', () => {
    const often = 99_900 + 8_000
    expect(reconcileDueAt(given({ health: { ...UP, since: 85_000 } }, { hints: FOLLOWED }))).toBe(often)
    expect(reconcileDueAt(given({ health: DOUBTFUL }, { hints: FOLLOWED }))).toBe(often)
    const watch = given({}, { hints: FOLLOWED })
    const missed = { ...watch, heartbeats: { ...watch.heartbeats, missesInARow: 1 } }
    expect(reconcileDueAt(missed)).toBe(often)
    const fallback = fellBack('endpoint', SECOND, 'port-blocked', 50_000)
    expect(reconcileDueAt({ ...watch, fallback: onTrial(fallback, 90_000) })).toBe(often)
    expect(reconcileDueAt({ ...watch, fallback })).toBe(99_900 + 60_000)
    expect(reconcileDueAt(given({ health: { ...DOUBTFUL, since: 0 } }, { hints: FOLLOWED }))).toBe(often)
  })

  test('has been well for a while after twenty seconds in which it was looked at', () => {
    const upSince = (since: number): number =>
      reconcileDueAt(given({ health: { ...UP, since } }, { hints: FOLLOWED })) - 99_900
    expect([upSince(79_900), upSince(79_901)]).toEqual([60_000, 8_000])
  })

  test('is looked at as often as ever when it tells no more', () => {
    const { watch } = fed(given({}, { hints: FOLLOWED }), { kind: 'followed', isFollowed: false })
    expect(reconcileDueAt(watch)).toBe(99_900 + 8_000)
  })

  test('is looked at when a handshake is due, and each eight seconds until it is seen', () => {
    const due = (since: number): number =>
      reconcileDueAt(given({ handshake: { stamp: 7, since } }, { hints: FOLLOWED }))
    expect(due(0)).toBe(123_000)
    expect(due(-20_000)).toBe(99_900 + 8_000)
    expect(due(99_000)).toBe(99_900 + 60_000)
  })

  test('is not looked at twice within ten seconds for a minute that is over and a handshake that is due', () => {
    const due = (rekeyedAt: number): number =>
      reconcileDueAt(given({ handshake: { stamp: 7, since: rekeyedAt - 123_000 } }, { hints: FOLLOWED })) - 99_900
    expect(due(99_900 + 60_001)).toBe(60_001)
    expect(due(99_900 + 70_000)).toBe(70_000)
    expect(due(99_900 + 70_001)).toBe(60_000)
  })
})

describe('a hint', () => {
  test('leads to a look at once, with what belongs to it', () => {
    const { watch } = fed(given({}, { hints: FOLLOWED }), { kind: 'hinted' })
    expect(reconcileDueAt(watch)).toBe(NOW + 30)
    const later = fed(watch, { kind: 'hinted' }, NOW + 20)
    expect(reconciles(later)).toBe(false)
    expect(reconciles(fed(later.watch, { kind: 'tick' }, NOW + 30))).toBe(true)
  })

  test('during a look waits for its end, which may have read past it', () => {
    const watch = given({}, { hints: HINTED, reconciledAt: NOW - 10, lookedAt: NOW - 20_000 })
    expect(reconcileDueAt(watch)).toBe(NOW - 10 + 60_000)
    expect(reconciles(fed(watch, { kind: 'tick' }, NOW + 499))).toBe(false)
    expect(reconciles(fed(watch, looked(), NOW + 500))).toBe(true)
  })

  test('is followed where not all is told, too, and not amid a remedy', () => {
    expect(reconcileDueAt(given({}, { hints: { ...NO_HINTS, hintedAt: NOW } }))).toBe(NOW + 30)
    expect(reconcileDueAt(given({ remediation: remedy(NOW) }, { hints: HINTED }))).toBe(Infinity)
  })

  test('comes in floods, and those that lead to nothing make a machine be looked at no more often than one that tells nothing', () => {
    const at = flooded(given({}, { hints: FOLLOWED }), 30, () => false)
    const gaps = at.slice(1).map((moment, index) => moment - at[index]!)
    expect(gaps.slice(0, 5)).toEqual([250, 500, 1_000, 2_000, 4_000])
    expect(gaps.slice(6).every((gap) => gap === 8_000)).toBe(true)
  })

  test('in a flood of true ones each is followed', () => {
    const at = flooded(given({}, { hints: FOLLOWED }), 20, () => true)
    expect(at.at(-1)! - at[0]!).toBeLessThan(19 * 300)
  })

  test('is one with those before it until a look, and begins anew after it', () => {
    expect(noteFollowed({ ...NO_HINTS, hintedAt: 5 }, true, 50).hintedAt).toBe(5)
    expect(noteLooking({ ...HINTED, gapMs: 1_000 })).toEqual({ ...FOLLOWED, gapMs: 2_000 })
    expect(noteTrue({ ...FOLLOWED, gapMs: 1_000 }).gapMs).toBe(0)
    expect(hintDueAt({ ...NO_HINTS, hintedAt: 0 }, 50, 100)).toBe(100)
  })

  test('after a calm minute is followed at once again', () => {
    const flood = { ...FOLLOWED, gapMs: 8_000 }
    const calm = fed(given({}, { hints: flood }), { kind: 'tick' }, 99_900 + 60_000)
    expect(reconciles(calm)).toBe(true)
    expect(calm.watch.asking.hints.gapMs).toBe(0)
  })
})
