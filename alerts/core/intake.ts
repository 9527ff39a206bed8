import type { Incident } from './incident.ts'

/**
 * How many incidents, which the hub has not seen itself, a home's reports add within a day: more than any line has, and
 * few enough that nobody who holds a home's secret fills the hub's memory with them.
 */
const MOST = { finished: 24, unfinished: 8 } as const
const DAY_MS = 24 * 3_600_000

/** When a home's reports added incidents, within the last day. */
export interface Added {
  readonly finished: readonly number[]
  readonly unfinished: readonly number[]
}

const NOTHING: Added = { finished: [], unfinished: [] }

/**
 * The memory with one incident more; null: the home has reported as many as are taken.
 * @param own the home's incidents as the hub has them.
 */
export function added(
  before: Added | undefined,
  { ended }: Pick<Incident, 'ended'>,
  own: readonly Incident[],
  now: number,
): Added | null {
  const kind = ended === null ? 'unfinished' : 'finished'
  const known = before ?? NOTHING
  const recent = known[kind].filter((at) => now - at < DAY_MS)
  const lasting = own.filter((one) => one.ended === null && one.views.hub === null).length
  const isFull = recent.length >= MOST[kind] || (kind === 'unfinished' && lasting >= MOST.unfinished)
  return isFull ? null : { ...known, [kind]: [...recent, now] }
}

/** The incidents of a memory that is full: the oldest of the home that has most goes first, one that is over before one that lasts. */
export function withinLimit(incidents: readonly Incident[], most: number): readonly Incident[] {
  if (incidents.length <= most) return incidents
  const byHome = new Map<string, Incident[]>()
  for (const incident of [...incidents.filter(isOver), ...incidents.filter((one) => !isOver(one))]) {
    const own = byHome.get(incident.home)
    if (own === undefined) byHome.set(incident.home, [incident])
    else own.push(incident)
  }
  const gone = new Set<Incident>()
  while (incidents.length - gone.size > most) {
    const [largest] = [...byHome.values()].sort((a, b) => b.length - a.length)
    const oldest = largest?.shift()
    if (oldest === undefined) break
    gone.add(oldest)
  }
  return incidents.filter((incident) => !gone.has(incident))
}

function isOver({ ended }: Incident): boolean {
  return ended !== null
}
