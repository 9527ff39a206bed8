import type { Clock } from '../../system/time/clock.ts'
import { summaryMessage } from '../record/compose.ts'
import { readIncidents } from '../record/incident-log.ts'
import type { Message } from '../record/message.ts'

export interface SummariesDeps {
  readonly stateDir: string
  /** The name of the machine that a summary is about. */
  readonly name: () => string
  readonly send: (message: Message) => void
  readonly clock: Clock
}

/** Sends what was recorded since the summary before, at the moments of this cron expression; null: never. */
export async function sendSummaries(
  summary: string | null,
  { stateDir, name, send, clock }: SummariesDeps,
  signal: AbortSignal,
): Promise<void> {
  if (summary === null) return
  // The reader of cron expressions costs memory: loaded only for one.
  const { schedule } = await import('../../system/time/schedule.ts')
  let since = clock.wall()
  await schedule(
    summary,
    async () => {
      const at = clock.wall()
      const all = await readIncidents(stateDir).catch(() => [])
      const recent = all.filter(({ began }) => began >= since.toISOString())
      send(summaryMessage(`summary.${at.toISOString()}`, name(), recent, since, at))
      since = at
    },
    clock,
    signal,
  )
}
