import { Refused } from '../refused.ts'

/** Scripts that run in the background (`/execute`, the scheduler). Gone after a reboot. */
export interface Jobs {
  /** @returns the job's id, at once. */
  readonly start: (source: string, owner: string, run: (signal: AbortSignal) => Promise<void>) => string
  readonly rows: () => readonly Readonly<Record<string, string>>[]
  /** @throws {Refused} `no such item`. */
  readonly remove: (id: string) => void
  readonly endAll: () => void
  readonly count: () => number
}

export function makeJobs(): Jobs {
  let last = 0
  const running = new Map<
    string,
    { readonly ending: AbortController; readonly source: string; readonly owner: string }
  >()
  return {
    start: (source, owner, run) => {
      const id = `*${(last += 1).toString(16).toUpperCase()}`
      const ending = new AbortController()
      running.set(id, { ending, source, owner })
      // What a script fails with goes to the router's log, which nobody reads here.
      void run(ending.signal)
        .catch(() => undefined)
        .finally(() => running.delete(id))
      return id
    },
    rows: () =>
      [...running].map(([id, { owner }]) => ({ '.id': id, owner, script: '', started: '2026-11-23 08:00:00' })),
    remove: (id) => {
      const job = running.get(id)
      if (job === undefined) throw new Refused('no such item')
      job.ending.abort()
      running.delete(id)
    },
    endAll: () => {
      for (const { ending } of running.values()) ending.abort()
      running.clear()
    },
    count: () => running.size,
  }
}
