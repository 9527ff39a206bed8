import { asked, exchanged, reported } from './exchange.ts'
import { type Incident, lastedMs, named, newIncident, noteTried, troubleOf, withFailing } from './incident.ts'
import { withinLimit } from './intake.ts'
import { POLICIES } from './policy.ts'
import { laidToRest, silencedWhenUnheard } from './silence.ts'
import { spoken } from './speaking.ts'
import {
  type IncidentState,
  type IncidentAction,
  type IncidentEvent,
  type IncidentSettings,
  LASTING_MS,
  type Policy,
  replaced,
} from './state.ts'
import type { Scope, Trouble } from './trouble.ts'

/** When to ask the hub first: by then it has noticed that this home is back. */
const FIRST_EXCHANGE_MS = 20_000
/** How long a recovery must last: an answer that is followed by the next silence was none. */
const SETTLE_MS = 5_000
/** How long it must last when the next outage would make the incident unstable. */
const SETTLE_AGAIN_MS = 60_000

/** Troubles in which nothing is lost: they do not make a line unstable. */
const HARMLESS: readonly Trouble[] = ['mapping-changed', 'mtu-black-hole', 'drift']

/** @param incidents those remembered from before. */
export function openIncidents(settings: IncidentSettings, incidents: readonly Incident[], now: number): IncidentState {
  return {
    settings,
    speaksSince: settings.canSpeak ? -Infinity : Infinity,
    incidents,
    begun: {},
    drills: {},
    exchange: {
      isUnderWay: false,
      given: {},
      hasAsked: false,
      failures: 0,
      notBefore: now + FIRST_EXCHANGE_MS,
      hasClaimed: false,
    },
    told: {},
    reports: {},
  }
}

/**
 * The rules by which outages become messages. Pure; every moment is monotonic milliseconds.
 *
 * One incident, one "down" and one "recovered", whichever end can speak. The hub is the arbiter where both could: the
 * home claims the right to notify (in a registration) before it says anything, and the hub remembers who has it. A home
 * that cannot reach the hub speaks without it when it has proof that its own line works, and else waits until it
 * reaches the hub. Decides, never acts.
 */
export function nextIncidents(
  state: IncidentState,
  event: IncidentEvent,
  now: number,
): readonly [IncidentState, readonly IncidentAction[]] {
  // An event of every home each second, which changes nothing.
  if (event.kind === 'well' && openIncident(state, event.home, event.scope, event.subject) === null) return [state, []]
  const acts: IncidentAction[] = []
  const policy = POLICIES[state.settings.end]
  let after = taken(state, event, now, acts)
  after = { ...after, incidents: after.incidents.map((incident) => outlasting(incident, now)) }
  after = { ...after, incidents: after.incidents.map((incident) => remembered(incident, after, acts)) }
  after = { ...after, incidents: after.incidents.map((incident) => settled(incident, after, policy, now, acts)) }
  after = { ...after, incidents: after.incidents.map((incident) => spoken(incident, after, policy, now, acts)) }
  if (policy.asks) after = asked(after, now, acts)
  return [{ ...after, incidents: kept(after, policy, now) }, acts]
}

/** The open incident of this home, scope and subject. */
function openIncident(
  { incidents }: IncidentState,
  home: string,
  scope: Scope,
  subject: string | null = null,
): Incident | null {
  return (
    incidents.find(
      (one) => one.home === home && one.scope === scope && one.subject === subject && one.ended === null,
    ) ?? null
  )
}

function taken(state: IncidentState, event: IncidentEvent, now: number, acts: IncidentAction[]): IncidentState {
  switch (event.kind) {
    case 'tick':
      return state
    case 'sign':
      return signed(state, event, now)
    case 'passing': {
      const { home, trouble, id } = event
      const open = openIncident(state, home, 'tunnel')
      if (open === null) return begin(state, { id, home, scope: 'tunnel', began: now, trouble }, now, now)
      // A sign explains an unexplained incident, and adds nothing to another cause.
      return troubleOf(open) === 'unknown' ? replaced(state, open, named(open, trouble, now)) : state
    }
    case 'well': {
      const open = openIncident(state, event.home, event.scope, event.subject)
      if (open === null || open.wellSince !== null) return state
      return replaced(state, open, { ...open, wellSince: Math.max(event.since, open.began) })
    }
    case 'dropped': {
      const open = openIncident(state, event.home, event.scope, event.subject)
      if (open === null) return state
      const incident = laidToRest(open, now)
      acts.push({ kind: 'write', incident }, { kind: 'over', incident })
      return replaced(state, open, incident)
    }
    case 'tried': {
      const open = openIncident(state, event.home, 'tunnel')
      return open === null ? state : replaced(state, open, noteTried(open, event.tried))
    }
    case 'moved': {
      const open = openIncident(state, event.home, 'tunnel')
      if (open === null) return state
      const before = open.mapping.before ?? event.before
      return replaced(state, open, { ...open, mapping: { before, after: event.after } })
    }
    case 'exchanged':
      return exchanged(state, event, now, acts)
    case 'reported':
      return reported(state, event, now, acts)
    case 'drill':
      return { ...state, drills: { ...state.drills, [event.home]: event.until } }
    case 'configured':
      return configured(state, event.settings, now)
    case 'homes':
      return without(state, event.homes, now, acts)
    default:
      return event satisfies never
  }
}

function signed(state: IncidentState, event: Extract<IncidentEvent, { kind: 'sign' }>, now: number): IncidentState {
  const { id, home, scope, trouble, since, subject = null, failing = [] } = event
  const open = openIncident(state, home, scope, subject)
  if (open === null) return begin(state, { id, home, scope, subject, failing, began: since, trouble }, null, now)
  const { end } = state.settings
  const views = open.views[end] === null ? { ...open.views, [end]: { began: since, ended: null } } : open.views
  const flaps = open.wellSince === null ? open.flaps : open.flaps + 1
  const after = { ...named(open, trouble, now), views, wellSince: null, flaps }
  return replaced(state, open, withFailing(after, failing))
}

function begin(
  state: IncidentState,
  of: Pick<Incident, 'id' | 'home' | 'scope' | 'began'> &
    Partial<Pick<Incident, 'subject' | 'failing'>> & { readonly trouble: Trouble },
  wellSince: number | null,
  now: number,
): IncidentState {
  const { end, unstable } = state.settings
  const until = state.drills[of.home] ?? -Infinity
  const drillUntil = now < until ? until : null
  const key = keyOf(of)
  const recent = (state.begun[key] ?? []).filter((at) => now - at <= unstable.withinMs)
  const isCounted = drillUntil === null && !HARMLESS.includes(of.trouble)
  const begun = isCounted ? [...recent, now] : recent
  const isFlapping = begun.length >= unstable.outages && begun.length > recent.length
  const incident: Incident = { ...newIncident({ ...of, drillUntil, seenBy: end }), wellSince, isFlapping }
  return { ...state, begun: { ...state.begun, [key]: begun }, incidents: [...state.incidents, incident] }
}

function configured(state: IncidentState, settings: IncidentSettings, now: number): IncidentState {
  const speaksSince = !settings.canSpeak ? Infinity : state.settings.canSpeak ? state.speaksSince : now
  return { ...state, settings, speaksSince }
}

/** Ends the outages of homes that are gone, without a message. */
function without(state: IncidentState, homes: readonly string[], now: number, acts: IncidentAction[]): IncidentState {
  const isThere = (home: string): boolean => homes.includes(home)
  // The hub's own are of no home.
  const isKept = ({ home, scope }: Incident): boolean => scope === 'hub-files' || isThere(home)
  for (const one of state.incidents.filter((incident) => !isKept(incident))) {
    const incident = laidToRest(one, now)
    if (incident !== one) acts.push({ kind: 'write', incident })
    if (one.ended === null) acts.push({ kind: 'over', incident })
  }
  return {
    ...state,
    incidents: state.incidents.filter(isKept),
    begun: Object.fromEntries(Object.entries(state.begun).filter(([key]) => isThere(key.split('/')[0] ?? ''))),
    drills: Object.fromEntries(Object.entries(state.drills).filter(([home]) => isThere(home))),
    reports: Object.fromEntries(Object.entries(state.reports).filter(([home]) => isThere(home))),
  }
}

/** Makes an incident of a drill a real one when the drill is over and the trouble lasts. */
function outlasting(incident: Incident, now: number): Incident {
  const { drillUntil, ended, wellSince } = incident
  const lasts = drillUntil !== null && ended === null && wellSince === null && now >= drillUntil
  return lasts ? { ...incident, drillUntil: null } : incident
}

/** Silences what was over before anybody could be told, also for the next run. */
function remembered(incident: Incident, state: IncidentState, acts: IncidentAction[]): Incident {
  const after = silencedWhenUnheard(incident, state.speaksSince)
  if (after !== incident) acts.push({ kind: 'write', incident: after })
  return after
}

/** Ends an incident that was well for long enough, and has one that lasts written down. */
function settled(
  before: Incident,
  state: IncidentState,
  policy: Policy,
  now: number,
  acts: IncidentAction[],
): Incident {
  const isLasting = !before.isWritten && before.ended === null && lastedMs(before, now) >= LASTING_MS
  const incident = isLasting ? { ...before, isWritten: true } : before
  if (isLasting) acts.push({ kind: 'write', incident })
  const { wellSince } = incident
  if (incident.ended !== null || wellSince === null || now - wellSince < settleMs(incident, state)) return incident
  const { end } = state.settings
  const own = incident.views[end]
  const views = own === null ? incident.views : { ...incident.views, [end]: { ...own, ended: wellSince } }
  if (policy.awaitsOther(incident, state, now)) return { ...incident, views }
  const ended = silencedWhenUnheard({ ...incident, views, ended: wellSince }, state.speaksSince)
  acts.push({ kind: 'write', incident: ended }, { kind: 'over', incident: ended })
  return ended
}

/** The part of a home whose incidents are counted together. */
function keyOf({ home, scope, subject = null }: Pick<Incident, 'home' | 'scope'> & Partial<Incident>): string {
  return subject === null ? `${home}/${scope}` : `${home}/${scope}/${subject}`
}

function settleMs(incident: Incident, { settings, begun }: IncidentState): number {
  if (incident.isFlapping) return settings.unstable.calmMs
  const recent = begun[keyOf(incident)] ?? []
  return recent.length >= settings.unstable.outages - 1 && recent.length > 1 ? SETTLE_AGAIN_MS : SETTLE_MS
}

/** The incidents without those of which nothing more is to be said. */
function kept(state: IncidentState, policy: Policy, now: number): readonly Incident[] {
  const left = state.incidents.filter((incident) => !policy.isDone(incident, state, now))
  return withinLimit(left, policy.mostKept)
}
