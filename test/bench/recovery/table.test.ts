import { describe, expect, test } from 'vitest'
import type { Run } from '../../../bench/recovery/run.ts'
import { type Measured, recoveryTable } from '../../../bench/recovery/table.ts'

const RUN: Run = { seconds: 4, plainSeconds: undefined, afterwardsSeconds: undefined, causes: [], why: '' }

const measured = (runs: readonly Partial<Run>[], more: Partial<Measured> = {}): Measured => ({
  fault: { name: 'a fault', cause: null, breaksBare: true },
  reachSeconds: 5,
  runs: runs.map((run) => ({ ...RUN, ...run })),
  broke: null,
  ...more,
})

const linesOf = (one: Measured) => recoveryTable('recovery', [one]).lines

describe('a row of the table', () => {
  test('tells median, worst, the plain one and the causes, each cause once', () => {
    const runs = [
      { seconds: 1.5, plainSeconds: null, causes: ['flow-dead → new-source-port'] },
      { seconds: 3.04, causes: ['flow-dead → new-source-port'] },
      { seconds: 2 },
    ]
    expect(linesOf(measured(runs))).toEqual([
      { cells: ['a fault', '2.0', '3.0', '≤ 5', '3', '> 40', 'flow-dead → new-source-port'], met: true },
    ])
  })

  test('misses its reach by its worst run, not by its median', () => {
    expect(linesOf(measured([{}, {}, { seconds: 5.1 }]))).toMatchObject([{ met: false }])
  })

  test('is missed by a run that never recovered', () => {
    const [line] = linesOf(measured([{}, { seconds: null }, {}]))
    expect(line?.met).toBe(false)
    expect(line?.cells.slice(1, 3)).toEqual(['4.0', '> 60'])
  })

  test('that could not be measured to its end is missed, whatever its runs say', () => {
    expect(linesOf(measured([{}], { broke: 'the hub did not start' }))).toMatchObject([{ met: false }])
    expect(linesOf(measured([]))).toMatchObject([{ met: false }])
  })

  test('has another below it where something should come after the end', () => {
    const fault = {
      name: 'a fault',
      cause: null,
      breaksBare: true,
      afterwards: { name: 'and then', reachSeconds: 60, isBack: async () => true },
    }
    const lines = linesOf(measured([{ afterwardsSeconds: 30 }, { afterwardsSeconds: 70 }], { fault }))
    expect(lines.map(({ cells }) => cells[0])).toEqual(['a fault', '  and then'])
    expect(lines.map(({ met }) => met)).toEqual([true, false])
  })
})

describe('the cause', () => {
  const fault = { name: 'a fault', cause: 'flow-dead', breaksBare: true } as const

  test('is met when each run named it, tried against or not, and whatever else was thought of', () => {
    const runs = [{ causes: ['return-dead', 'flow-dead → new-source-port'] }, { causes: ['flow-dead'] }]
    expect(linesOf(measured(runs, { fault }))).toMatchObject([{ met: true }])
  })

  test('is missed by a run that named another one or none', () => {
    for (const causes of [['return-dead'], ['flow-dead-ish → x'], []]) {
      const [line] = linesOf(measured([{ causes: ['flow-dead'] }, { causes }], { fault }))
      expect(line?.met).toBe(false)
      expect(line?.cells[6]).toContain('not always flow-dead: flow-dead')
    }
  })
})

test('a fault that plain WireGuard does not suffer is not measured there', () => {
  const [line] = linesOf(measured([{}], { fault: { name: 'our address deleted', cause: 'drift', breaksBare: false } }))
  expect(line?.cells[5]).toBe('nobody puts it back')
})
