import type { ShownRow } from '../tables/shown.ts'

/** Who wants to know of each change. */
export interface Changes {
  readonly tell: () => void
  /** Resolves with the next change, or when the signal aborts. */
  readonly next: (signal: AbortSignal) => Promise<void>
}

export function makeChanges(): Changes {
  const waiting = new Set<() => void>()
  return {
    tell: () => {
      for (const wake of waiting) wake()
      waiting.clear()
    },
    next: (signal) =>
      new Promise((resolve) => {
        if (signal.aborted) return resolve()
        waiting.add(resolve)
        signal.addEventListener('abort', () => resolve(), { once: true })
      }),
  }
}

/** `listen`: rows as they come or change, and of those that go the number with `.dead`; until it is cancelled. */
export async function listen(
  rows: () => Promise<readonly ShownRow[]>,
  emit: (row: ShownRow) => void,
  changes: Changes,
  signal: AbortSignal,
): Promise<void> {
  let before = await byId(rows)
  while (!signal.aborted) {
    await changes.next(signal)
    if (signal.aborted) return
    const now = await byId(rows)
    for (const [id, row] of now) if (JSON.stringify(before.get(id)) !== JSON.stringify(row)) emit(row)
    // `yes` in the manual, `true` of routers that were asked (tikoci/centrs).
    for (const id of before.keys()) if (!now.has(id)) emit({ '.id': id, '.dead': 'true' })
    before = now
  }
}

async function byId(rows: () => Promise<readonly ShownRow[]>): Promise<ReadonlyMap<string, ShownRow>> {
  return new Map((await rows()).map((row) => [row['.id'] ?? '', row]))
}
