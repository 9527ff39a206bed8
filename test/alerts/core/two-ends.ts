import { nextIncidents, openIncidents } from '../../../alerts/core/rules.ts'
import { untold } from '../../../alerts/core/exchange.ts'
import type { Incident } from '../../../alerts/core/incident.ts'
import { counterpart } from '../../../alerts/core/merge.ts'
import type {
  Answer,
  IncidentState,
  IncidentAction,
  IncidentEvent,
  IncidentSettings,
} from '../../../alerts/core/state.ts'
import type { End, Trouble } from '../../../alerts/core/trouble.ts'
import { ALL_TROUBLES, pendingSecondsOf } from '../../../alerts/record/troubles.ts'

interface Saying {
  readonly at: number
  readonly end: End
  readonly what: string
  readonly id: string
  readonly cause: Trouble
}

export function settingsOf(
  end: End,
  more: Partial<IncidentSettings> & { readonly showAfterSeconds?: number } = {},
): IncidentSettings {
  const { showAfterSeconds, ...rest } = more
  return {
    end,
    canSpeak: true,
    pendingMs: Object.fromEntries(
      ALL_TROUBLES.map((one) => [one, (showAfterSeconds ?? pendingSecondsOf(one)) * 1_000]),
    ) as Record<Trouble, number>,
    unstable: { outages: 3, withinMs: 1_800_000, calmMs: 900_000 },
    ...rest,
  }
}

/** The desks of a home and its hub, on one clock that is turned by hand, with a line between them that can be cut. */
export function twoEnds(home = settingsOf('home'), hub = settingsOf('hub')) {
  let now = 0
  let isReachable = true
  let answerAfterMs = 0
  let late: { readonly at: number; readonly event: IncidentEvent }[] = []
  const desks: Record<End, IncidentState> = { home: openIncidents(home, [], 0), hub: openIncidents(hub, [], 0) }
  const said: Saying[] = []
  const written: { readonly end: End; readonly id: string; readonly incident: Incident }[] = []
  const over: { readonly end: End; readonly id: string }[] = []
  let count = 0

  function take(end: End, event: IncidentEvent): void {
    const [after, acts] = nextIncidents(desks[end], event, now)
    desks[end] = after
    for (const act of acts) execute(end, act)
  }

  function execute(end: End, act: IncidentAction): void {
    switch (act.kind) {
      case 'say': {
        const { incident, what } = act
        const cause = incident.causes.findLast(({ trouble }) => trouble !== 'unknown' && trouble !== 'home-dark')
        said.push({ at: now, end, what, id: incident.id, cause: (cause ?? incident.causes.at(-1)!).trouble })
        return
      }
      case 'write':
        written.push({ end, id: act.incident.id, incident: act.incident })
        return
      case 'over':
        over.push({ end, id: act.incident.id })
        return
      case 'exchange': {
        const { incidents, claims } = act
        let answer: Answer | null = null
        if (isReachable) {
          const others = untold(desks.hub, 'cabin')
          take('hub', { kind: 'reported', home: 'cabin', incidents, claims, canSpeak: desks.home.settings.canSpeak })
          const found = incidents.flatMap((one) => {
            const incident = counterpart(desks.hub.incidents, one)
            return incident === null ? [] : [{ was: one.id, incident }]
          })
          answer = { incidents: found, others }
        }
        const event = { kind: 'exchanged', asked: incidents.map(({ id }) => id), answer } as const
        if (answerAfterMs === 0) return take('home', event)
        late.push({ at: now + answerAfterMs, event })
        return
      }
      default:
        act satisfies never
    }
  }

  return {
    get now() {
      return now
    },
    desks,
    said,
    written,
    over,
    cutLine: (isCut: boolean) => {
      isReachable = !isCut
    },
    /** The hub hears a question at once, and its answer takes so long. */
    slowDown: (seconds: number) => {
      answerAfterMs = seconds * 1_000
    },
    sign: (end: End, trouble: Trouble, since = now) =>
      take(end, { kind: 'sign', id: `${end}-${(count += 1)}`, home: 'cabin', scope: 'tunnel', trouble, since }),
    passing: (trouble: Trouble) =>
      take('home', { kind: 'passing', id: `home-${(count += 1)}`, home: 'cabin', trouble }),
    well: (end: End) => take(end, { kind: 'well', home: 'cabin', scope: 'tunnel', since: now }),
    take,
    /** Turns the clock second by second, as the shell does, or in longer steps where nothing but time happens. */
    wait: (seconds: number, stepSeconds = 1) => {
      for (let waited = 0; waited < seconds; waited += stepSeconds) {
        now += stepSeconds * 1_000
        const arrived = late.filter(({ at }) => at <= now)
        late = late.filter(({ at }) => at > now)
        for (const { event } of arrived) take('home', event)
        take('home', { kind: 'tick' })
        take('hub', { kind: 'tick' })
      }
    },
  }
}
