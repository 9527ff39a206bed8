import { backoffMs } from '../../system/time/backoff.ts'
import { type Incident, lastedMs, troubleOf } from './incident.ts'
import { added } from './intake.ts'
import { answered, counterpart, merged } from './merge.ts'
import { silencedWhenUnheard } from './silence.ts'
import { isDue, say } from './speaking.ts'
import { type IncidentState, type IncidentAction, type IncidentEvent, LASTING_MS, replaced } from './state.ts'
import { HUBS_OWN, type Trouble } from './trouble.ts'

const TELL_AGAIN_MS = 300_000
const EXCHANGE_EVERY_MS = 3_000
/** How soon a claim that was not answered is made again. */
const CLAIM_AGAIN_MS = 10_000
const EXCHANGE_AGAIN = { firstMs: 10_000, ceilingMs: 600_000 } as const
/** The most incidents that one registration carries. */
const MOST_REPORTED = 8

/** Troubles of the tunnel of which the hub tells nobody. */
const ALONE: readonly Trouble[] = ['hub-down', 'home-unknown']

/** At home: claims the right to notify, and tells the hub what there is to tell. */
export function asked(state: IncidentState, now: number, acts: IncidentAction[]): IncidentState {
  const { exchange, incidents } = state
  if (exchange.isUnderWay) return state
  const due = incidents.filter((incident) => isDue(incident, state, now))
  const news = incidents.filter((incident) => isNews(incident, state, now))
  const all = [...new Set([...due, ...news])].slice(0, MOST_REPORTED)
  // The first question, and the first claim, waits for no pause.
  const isFirst = (all.length > 0 && !exchange.hasAsked) || (due.length > 0 && !exchange.hasClaimed)
  const isEarly = now < exchange.notBefore && !isFirst
  if (isEarly || (all.length === 0 && exchange.hasAsked)) return state
  const claims = due.filter((incident) => all.includes(incident)).map(({ id }) => id)
  acts.push({ kind: 'exchange', incidents: all, claims })
  const given = Object.fromEntries(
    all.map(({ id, causes, ended }) => [id, { causes: causes.length, isOver: ended !== null }]),
  )
  return { ...state, exchange: { ...exchange, isUnderWay: true, given, hasClaimed: claims.length > 0 } }
}

function isNews(incident: Incident, { told }: IncidentState, now: number): boolean {
  const { ended, met, causes, id } = incident
  if (ended !== null) return !met
  if (lastedMs(incident, now) < LASTING_MS) return false
  const known = told[id]
  return known === undefined || known.causes !== causes.length || now - known.at >= TELL_AGAIN_MS
}

/** At home: takes the hub's answer, or that there was none. */
export function exchanged(
  state: IncidentState,
  { answer, asked }: Extract<IncidentEvent, { kind: 'exchanged' }>,
  now: number,
  acts: IncidentAction[],
): IncidentState {
  const failures = answer === null ? state.exchange.failures + 1 : 0
  const isClaim = state.incidents.some((incident) => isDue(incident, state, now))
  const waitMs = answer !== null ? EXCHANGE_EVERY_MS : isClaim ? CLAIM_AGAIN_MS : backoffMs(EXCHANGE_AGAIN, failures)
  const { given, hasClaimed } = state.exchange
  const exchange = { isUnderWay: false, given: {}, hasAsked: true, failures, notBefore: now + waitMs, hasClaimed }
  const after: IncidentState = { ...state, exchange }
  if (answer === null) {
    const alone = (one: Incident) => asked.includes(one.id) && isDue(one, after, now) && maySpeakAlone(one)
    return { ...after, incidents: after.incidents.map((one) => (alone(one) ? say(one, after, now, acts) : one)) }
  }
  for (const incident of answer.others) acts.push({ kind: 'write', incident: { ...incident, met: true } })
  const told = { ...after.told }
  const incidents = after.incidents.map((one) => {
    const then = given[one.id]
    if (then === undefined) return one
    const fromHub = answer.incidents.find(({ was }) => was === one.id)?.incident
    // A hub that knows nothing of the incident has no right to give either.
    const both = fromHub === undefined ? one : answered(one, fromHub)
    // The hub knows what it was told, and nothing of what has happened since.
    const known = { ...both, met: then.isOver }
    told[known.id] = { at: now, causes: then.causes }
    const isGranted = fromHub === undefined ? isDue(one, after, now) : isMine(one, known)
    if (isGranted) return say(known, after, now, acts)
    acts.push({ kind: 'write', incident: known })
    return known
  })
  return { ...after, incidents, told: ofThose(told, incidents) }
}

function isMine(before: Incident, known: Incident): boolean {
  return before.said.down === null && known.said.down?.by === 'home'
}

function ofThose(told: IncidentState['told'], incidents: readonly Incident[]): IncidentState['told'] {
  const ids = new Set(incidents.map(({ id }) => id))
  return Object.fromEntries(Object.entries(told).filter(([id]) => ids.has(id)))
}

/**
 * Whether the home may speak without the hub's word: only with proof that its own line works and the hub does not, or
 * that the hub does not know this home and tells nobody, or of what the hub cannot see. Otherwise the hub hears nothing
 * from here and speaks itself, and both would. The other causes were proven by the hub's answers, so they say nothing
 * of a hub that does not answer any more.
 */
function maySpeakAlone(incident: Incident): boolean {
  return incident.scope !== 'tunnel' || ALONE.includes(troubleOf(incident))
}

/**
 * On the hub: incidents that it saw of a home by itself, and of which that home has not heard. Not of publications: a home
 * of an older version would refuse the answer for a scope that it does not know, and the hub tells people of them.
 */
export function untold({ incidents }: IncidentState, home: string): readonly Incident[] {
  return incidents
    .filter(
      (one) =>
        one.home === home && !HUBS_OWN.includes(one.scope) && one.ended !== null && one.views.home === null && !one.met,
    )
    .slice(0, MOST_REPORTED)
}

/** Until when a reported incident is a drill's: no home has drills but those that the hub knows of. */
function drillOf({ began, drillUntil }: Incident, until: number): number | null {
  return drillUntil !== null && began <= until ? Math.min(drillUntil, until) : null
}

/**
 * On the hub: takes a home's report of its outages, and grants the right to notify for some of them. What goes beyond
 * what a home may add is left out: the home hears nothing of it, as of a hub that does not know it, and tells people itself.
 */
export function reported(
  state: IncidentState,
  { home, incidents, claims, canSpeak }: Extract<IncidentEvent, { kind: 'reported' }>,
  now: number,
  acts: IncidentAction[],
): IncidentState {
  const handed = new Set(untold(state, home))
  let after: IncidentState = {
    ...state,
    reports: { ...state.reports, [home]: { ...state.reports[home], at: now, canSpeak } },
    incidents: state.incidents.map((one) => (handed.has(one) ? { ...one, met: true } : one)),
  }
  for (const one of incidents) {
    // Whatever the report says, a home speaks only of itself.
    if (one.scope === 'hub-files') continue
    const report = {
      ...one,
      home,
      ended: one.ended === null ? null : Math.min(one.ended, now),
      drillUntil: drillOf(one, state.drills[home] ?? -Infinity),
    }
    const own = counterpart(after.incidents, report)
    const known = after.incidents.filter((other) => other.home === home)
    const room = own === null ? added(after.reports[home]?.added, report, known, now) : null
    if (own === null && room === null) continue
    if (room !== null) after = { ...after, reports: { ...after.reports, [home]: { at: now, canSpeak, added: room } } }
    let both = merged(own, report)
    if (claims.includes(report.id) && both.said.down === null)
      both = { ...both, said: { ...both.said, down: { by: 'home', at: now } } }
    // The home sees the hub's view with this answer.
    both = silencedWhenUnheard({ ...both, met: report.ended !== null }, after.speaksSince)
    acts.push({ kind: 'write', incident: both })
    if (both.ended !== null && (own?.ended ?? null) === null) acts.push({ kind: 'over', incident: both })
    after = own === null ? { ...after, incidents: [...after.incidents, both] } : replaced(after, own, both)
  }
  return after
}
