import { readEvents } from '../agent/event-log.ts'
import type { HomeEvent } from '../agent/events.ts'
import type { Context } from './context.ts'
import { durationIn } from './duration.ts'
import { eventText } from './event-text.ts'
import { orNoRoot } from './or-no-root.ts'
import { printFacts } from './output.ts'

export interface EventsOptions {
  readonly since?: string
}

/** `homeward events`: what this home remembers, oldest first. */
export async function events(context: Context, { since }: EventsOptions): Promise<void> {
  const from = since === undefined ? '' : new Date(Date.now() - durationIn(since, '--since')).toISOString()
  const all = await orNoRoot(() => readEvents(context.stateDir))
  // ISO 8601 in UTC sorts as text.
  const wanted: readonly HomeEvent[] = all.filter((event) => event.at >= from)
  printFacts(context, { events: wanted }, () => wanted.map(eventText).join('\n') || 'nothing happened')
}
