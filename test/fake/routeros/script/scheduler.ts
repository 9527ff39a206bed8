import { sleep } from '../../../../system/time/sleep.ts'
import { isEnabled, type Model } from '../model.ts'
import { ALL_RIGHTS, type Rights } from '../api/rights.ts'
import type { Item } from '../tables/tables.ts'
import { secondsIn } from '../tables/values.ts'

const PATH = '/system/scheduler'

/** Scripts that run by the clock. They are settings: a loss of power does not end them. */
export interface Scheduler {
  /** Entries may have come, gone or changed. */
  readonly follow: () => void
  /** The power came: what waits for that runs, and all the others count from now. */
  readonly start: () => void
}

/** @param run never rejects. @param lifetime ends when the power goes. */
export function makeScheduler(
  { tables }: Model,
  run: (source: string, rights: Rights, signal: AbortSignal) => Promise<void>,
  lifetime: () => AbortSignal,
): Scheduler {
  const armed = new Map<number, { readonly what: string; readonly ending: AbortController }>()

  function follow(): void {
    const entries = tables.rows(PATH).filter(isEnabled)
    for (const [id, { what, ending }] of armed)
      if (!entries.some((entry) => entry.id === id && timesOf(entry) === what)) {
        ending.abort()
        armed.delete(id)
      }
    for (const entry of entries) if (!armed.has(entry.id)) arm(entry)
  }

  function arm(entry: Item): void {
    const ending = new AbortController()
    armed.set(entry.id, { what: timesOf(entry), ending })
    void wait(entry, AbortSignal.any([ending.signal, lifetime()]))
  }

  /** The first time one interval from now; without an interval at once, or with the next power where it says so. */
  async function wait(entry: Item, signal: AbortSignal): Promise<void> {
    const seconds = secondsIn(entry.values.get('interval') ?? '0s') ?? 0
    if (seconds === 0 && entry.values.get('start-time') === 'startup') return
    for (;;) {
      await sleep(seconds * 1_000, signal)
      // By now it may be another entry of that number: safe mode took it back and forth.
      const now = tables.rows(PATH).find(({ id }) => id === entry.id)
      if (signal.aborted || now === undefined || !isEnabled(now)) return
      await fire(now)
      if (seconds === 0) return
    }
  }

  /** Goes on to its end, though it take its own entry away. */
  async function fire({ values }: Item): Promise<void> {
    const policy = values.get('policy')
    const rights = policy === undefined ? ALL_RIGHTS : { user: '*sys', policies: new Set(policy.split(',')) }
    await run(values.get('on-event') ?? '', rights, lifetime())
  }

  return {
    follow,
    start: () => {
      for (const { ending } of armed.values()) ending.abort()
      armed.clear()
      for (const entry of tables.rows(PATH).filter(isEnabled))
        if (entry.values.get('start-time') === 'startup') void fire(entry)
      follow()
    },
  }
}

function timesOf({ values }: Item): string {
  return ['interval', 'start-date', 'start-time'].map((name) => values.get(name) ?? '').join(' ')
}
