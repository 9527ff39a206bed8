import type { Fault } from './fault.ts'
import { isNamed, LONGEST_PLAIN_SECONDS, LONGEST_SECONDS, type Run } from './run.ts'
import { median, type Table } from '../report.ts'

/** All runs of one fault. */
export interface Measured {
  readonly fault: Pick<Fault, 'name' | 'cause' | 'breaksBare' | 'afterwards'>
  readonly reachSeconds: number
  readonly runs: readonly Run[]
  /** Why there are fewer runs than were wanted. */
  readonly broke: string | null
}

/** The rows of a fault: one, and another where something should come after its end. */
interface RowOf {
  readonly name: string
  readonly reachSeconds: number
  readonly seconds: readonly (number | null)[]
  readonly longestSeconds: number
  readonly plain: string
  readonly causes: readonly string[]
  /** What some run should have been called and was not. */
  readonly unnamed: string | null
  readonly broke: string | null
}

export function recoveryTable(title: string, measured: readonly Measured[]): Table {
  const rows = measured.flatMap(rowsOf)
  return {
    title,
    headings: ['', 'median', 'worst', 'reach', 'runs', 'plain WireGuard', 'cause named'],
    lines: rows.map((row) => ({ cells: cellsOf(row), met: isMet(row) })),
    facts: { title, rows: rows.map((row) => ({ ...row, met: isMet(row) })) },
  }
}

function rowsOf({ fault, reachSeconds, runs, broke }: Measured): readonly RowOf[] {
  const causes = [...new Set(runs.flatMap((run) => run.causes))]
  const first = {
    name: fault.name,
    reachSeconds,
    seconds: runs.map((run) => run.seconds),
    longestSeconds: LONGEST_SECONDS,
    plain: plainText(fault.breaksBare, runs),
    causes,
    unnamed: runs.every((run) => isNamed(fault.cause, run.causes)) ? null : fault.cause,
    broke,
  }
  if (fault.afterwards === undefined) return [first]
  const { name, reachSeconds: afterReach } = fault.afterwards
  const seconds = runs.map((run) => run.afterwardsSeconds ?? null)
  return [
    first,
    { ...first, name: `  ${name}`, reachSeconds: afterReach, seconds, plain: '', causes: [], unnamed: null },
  ]
}

function isMet({ seconds, reachSeconds, unnamed, broke }: RowOf): boolean {
  return (
    broke === null &&
    unnamed === null &&
    seconds.length > 0 &&
    seconds.every((one) => one !== null && one <= reachSeconds)
  )
}

function cellsOf(row: RowOf): readonly string[] {
  const { seconds, longestSeconds, reachSeconds, causes, unnamed, broke } = row
  const all = seconds.map((one) => one ?? Infinity)
  const text = (value: number) => (value === Infinity ? `> ${longestSeconds}` : value.toFixed(1))
  return [
    row.name,
    all.length === 0 ? '–' : text(median(all)),
    all.length === 0 ? '–' : text(Math.max(...all)),
    `≤ ${reachSeconds}`,
    `${all.length}${broke === null ? '' : ' !'}`,
    row.plain,
    `${unnamed === null ? '' : `not always ${unnamed}: `}${causes.length === 0 ? '–' : causes.join(', ')}`,
  ]
}

function plainText(breaksBare: boolean, runs: readonly Run[]): string {
  if (!breaksBare) return 'nobody puts it back'
  const seconds = runs.map((run) => run.plainSeconds).filter((one) => one !== undefined)
  if (seconds.length === 0) return '–'
  return seconds.map((one) => (one === null ? `> ${LONGEST_PLAIN_SECONDS}` : one.toFixed(1))).join(', ')
}
