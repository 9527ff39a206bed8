import { sleep } from '../../../../system/time/sleep.ts'
import type { ShownRow } from '../tables/shown.ts'
import type { EventOddities } from './event-oddities.ts'
import { fitsQueries } from './query.ts'

/** Who wants to know of each change. */
export interface Changes {
  readonly tell: () => void
  /** How many there were. */
  readonly count: () => number
  /** Resolves with the first change after so many, or when the signal aborts. */
  readonly after: (count: number, signal: AbortSignal) => Promise<void>
  /** Says rows to everybody who listens to the menu, whether they changed and whatever was asked for. */
  readonly pour: (path: string, rows: readonly ShownRow[]) => void
  readonly onPour: (path: string, take: (row: ShownRow) => void) => () => void
}

export function makeChanges(): Changes {
  const waiting = new Set<() => void>()
  const pouring = new Set<{ readonly path: string; readonly take: (row: ShownRow) => void }>()
  let count = 0
  return {
    tell: () => {
      count += 1
      for (const wake of waiting) wake()
      waiting.clear()
    },
    count: () => count,
    after: (known, signal) =>
      new Promise((resolve) => {
        if (signal.aborted || count > known) return resolve()
        const wake = (): void => {
          signal.removeEventListener('abort', wake)
          resolve()
        }
        waiting.add(wake)
        signal.addEventListener('abort', wake)
      }),
    pour: (path, rows) => {
      for (const one of pouring) if (one.path === path) for (const row of rows) one.take(row)
    },
    onPour: (path, take) => {
      const one = { path, take }
      pouring.add(one)
      return () => void pouring.delete(one)
    },
  }
}

/** The command, as far as it matters here. */
interface Listen {
  readonly path: string
  readonly attributes: ReadonlyMap<string, string>
  readonly queries: readonly string[]
}

/**
 * `listen`: rows as they come or change, and of those that go the number with `.dead`; until it is cancelled. Queries are
 * asked of what is said: a row that went has no property any more. Of `/interface/wireguard` it never says what went, as
 * was seen of menus below `/interface`; `/interface` does (forum.mikrotik.com, 126522).
 */
export async function listen(
  rows: () => Promise<readonly ShownRow[]>,
  { path, attributes, queries }: Listen,
  emit: (row: ShownRow) => void,
  changes: Changes,
  oddities: () => EventOddities,
  signal: AbortSignal,
): Promise<void> {
  const wanted = attributes.get('.proplist')?.split(',')
  let told = 0
  const project = (row: ShownRow): ShownRow =>
    wanted === undefined
      ? row
      : Object.fromEntries(Object.entries(row).filter(([name]) => name === '.dead' || wanted.includes(name)))
  const say = (row: ShownRow): void => {
    if (!fitsQueries(queries, row)) return
    const { losesEach, isDoubled, lateMs } = oddities()
    told += 1
    if (losesEach > 0 && told % losesEach === 0) return
    const now = (): void => {
      if (signal.aborted) return
      emit(project(row))
      if (isDoubled) emit(project(row))
    }
    if (lateMs === 0) now()
    else void sleep(lateMs * (told % 3), signal).then(now)
  }
  const stop = changes.onPour(path, (row) => emit(project(row)))
  try {
    let count = changes.count()
    let before = await byId(rows)
    while (!signal.aborted) {
      await changes.after(count, signal)
      if (signal.aborted) return
      count = changes.count()
      const now = await byId(rows)
      for (const [id, row] of now) if (JSON.stringify(before.get(id)) !== JSON.stringify(row)) say(row)
      if (!path.startsWith('/interface/'))
        for (const id of before.keys()) if (!now.has(id)) say({ '.id': id, '.dead': oddities().dead })
      before = now
    }
  } finally {
    stop()
  }
}

async function byId(rows: () => Promise<readonly ShownRow[]>): Promise<ReadonlyMap<string, ShownRow>> {
  return new Map((await rows()).map((row) => [row['.id'] ?? '', row]))
}
