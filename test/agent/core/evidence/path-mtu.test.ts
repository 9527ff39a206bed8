import { describe, expect, test } from 'vitest'
import {
  newPathMtu,
  noteMtuSet,
  noteSizes,
  type PathMtu,
  recheckSizes,
  sizesDueAt,
  sizesToAsk,
} from '../../../../agent/core/evidence/path-mtu.ts'

const fresh = newPathMtu(1_420, 1_420)
const lowered = newPathMtu(1_420, 1_280)
const checked = (state: PathMtu): PathMtu => ({ ...state, checkedAt: 50_000 })

/** These rounds one after the other, and what the last one says. */
function after(state: PathMtu, ...rounds: readonly (readonly number[] | 'nothing')[]) {
  let mtu: number | null = null
  for (const passed of rounds) [state, mtu] = noteSizes(state, roundOf(passed), 0, 9)
  return { state, mtu }
}

const roundOf = (passed: readonly number[] | 'nothing') => ({
  passed: passed === 'nothing' ? [] : passed,
  smallPassed: passed !== 'nothing',
})

describe('sizes are asked', () => {
  test('five seconds after the tunnel came up, each hour, and each ten seconds while it is used', () => {
    expect(sizesDueAt(fresh, 1_000, false)).toBe(6_000)
    expect(sizesDueAt(checked(fresh), 1_000, false)).toBe(3_650_000)
    expect(sizesDueAt(checked(fresh), 1_000, true)).toBe(60_000)
  })

  test('again half a second after a round that lost the full size, used or not', () => {
    const lost = checked(after(fresh, []).state)
    expect(sizesDueAt(lost, 1_000, false)).toBe(50_500)
    expect(sizesDueAt(lost, 1_000, true)).toBe(50_500)
  })

  test('not while a round is under way', () => {
    expect(sizesDueAt({ ...fresh, pending: true }, 1_000, true)).toBe(Infinity)
  })

  test('from the start when the path may be another one', () => {
    const lost = checked({ ...after(lowered, []).state, goodRounds: 2 })
    expect(recheckSizes(lost)).toEqual({ ...lost, checkedAt: null, lostRounds: 0 })
  })

  test('with the size that is set alone; with the configured one too where that is larger', () => {
    expect(sizesToAsk(fresh)).toEqual([1_420])
    expect(sizesToAsk(lowered)).toEqual([1_280, 1_420])
  })

  test('with every smaller one once the full size was lost', () => {
    const lost = after(fresh, []).state
    expect(sizesToAsk(lost)).toEqual([1_420, 1_412, 1_400, 1_380, 1_340, 1_280, 1_220, 1_180, 1_100, 1_000])
    expect(sizesToAsk(after(lowered, []).state)).toEqual([1_280, 1_220, 1_180, 1_100, 1_000])
  })
})

describe('an MTU', () => {
  test('is lowered after more lost rounds where the line loses much', () => {
    const lost = { ...fresh, lostRounds: 3 }
    expect(noteSizes(lost, roundOf([1_280]), 5, 9)[1]).toBe(null)
    expect(noteSizes({ ...lost, lostRounds: 4 }, roundOf([1_280]), 5, 9)[1]).toBe(1_280)
  })

  test('is lowered to the largest that passed after three lost rounds in a row, and not after two', () => {
    expect(after(fresh, [], [1_280, 1_220])).toMatchObject({ mtu: null, state: { lostRounds: 2, mtu: 1_420 } })
    expect(after(fresh, [], [], [1_220, 1_280])).toMatchObject({ mtu: 1_280, state: { lostRounds: 3 } })
  })

  test('is not lowered while none of the sizes passed', () => {
    expect(after(fresh, [], [], [], []).mtu).toBeNull()
  })

  test('is not lowered by rounds with one in between that passed, or in which nothing came back', () => {
    expect(after(fresh, [], [], [1_420], [1_280], [1_280]).mtu).toBeNull()
    expect(after(fresh, [], [], 'nothing', [1_280], [1_280]).mtu).toBeNull()
  })

  test('is raised to the configured one after three rounds in a row in which that passed', () => {
    const both = [1_280, 1_420]
    expect(after(lowered, both, both)).toMatchObject({ mtu: null, state: { goodRounds: 2 } })
    expect(after(lowered, both, both, both)).toMatchObject({ mtu: 1_420, state: { goodRounds: 3 } })
    expect(after(lowered, both, both, [1_280], both, both).mtu).toBeNull()
    expect(after(lowered, both, both, [], both, both).mtu).toBeNull()
  })

  test('that is as configured is never raised', () => {
    expect(after(fresh, [1_420], [1_420], [1_420], [1_420])).toMatchObject({ mtu: null, state: { goodRounds: 0 } })
  })

  test('that was set is looked at anew', () => {
    const lost = checked({ ...after(fresh, [], []).state, goodRounds: 1 })
    expect(noteMtuSet(lost, 1_280)).toEqual({ ...lowered })
  })

  test('is left as it is by a round that passed, or that says nothing, with nothing counted', () => {
    const lost = after(fresh, []).state
    for (const round of [[1_420], 'nothing'] as const)
      expect(after(lost, round)).toEqual({ state: { ...fresh, checkedAt: 9 }, mtu: null })
    expect(after(lost, []).state).toMatchObject({ lostRounds: 2, goodRounds: 0 })
  })

  test('each round that ended makes room for the next, and is remembered', () => {
    for (const round of [[1_420], [], 'nothing'] as const)
      expect(after({ ...fresh, pending: true }, round).state).toMatchObject({ pending: false, checkedAt: 9 })
  })
})
