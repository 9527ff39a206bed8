import { asked, exchanged, reported } from './exchange.ts'
import { type Incident, lastedMs, named, newIncident, noteTried, troubleOf } from './incident.ts'
import { POLICIES } from './policy.ts'
import { laidToRest, silencedWhenUnheard } from './silence.ts'
import { spoken } from './speaking.ts'
import {
  type Desk,
  type DeskAct,
  type DeskEvent,
  type DeskSettings,
  LASTING_MS,
  type Policy,
  replaced,
} from './state.ts'
import type { Scope, Trouble } from './trouble.ts'

/** By then the hub has noticed that this home is back. */
const FIRST_EXCHANGE_MS = 20_000
/** An answer that is followed by the next silence was no recovery. */
const SETTLE_MS = 5_000
/** When the next outage would make it unstable, a recovery must last longer to be told. */
const SETTLE_AGAIN_MS = 60_000

/** Nothing is lost meanwhile: they do not make a line unstable. */
const HARMLESS: readonly Trouble[] = ['mapping-changed', 'mtu-black-hole', 'drift']

/** @param incidents what is remembered from before. */
export function openDesk(settings: DeskSettings, incidents: readonly Incident[], now: number): Desk {
  return {
    settings,
    speaksSince: settings.canSpeak ? -Infinity : Infinity,
    incidents,
    begun: {},
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
 * One incident, one "down" and one "recovered", whichever end can speak. The hub is the arbiter where both could: the home
 * asks it for the word (a claim, in a registration) before it says anything, and the hub remembers who has it. A home that
 * cannot reach the hub speaks by itself when it has proof that its own line works, and else waits until it meets the hub.
 * Decides, never acts.
 */
export function nextDesk(desk: Desk, event: DeskEvent, now: number): readonly [Desk, readonly DeskAct[]] {
  // What is said of every home each second, and changes nothing.
  if (event.kind === 'well' && openIncident(desk, event.home, event.scope) === null) return [desk, []]
  const acts: DeskAct[] = []
  const policy = POLICIES[desk.settings.end]
  let after = taken(desk, event, now, acts)
  after = { ...after, incidents: after.incidents.map((incident) => remembered(incident, after, acts)) }
  after = { ...after, incidents: after.incidents.map((incident) => settled(incident, after, policy, now, acts)) }
  after = { ...after, incidents: after.incidents.map((incident) => spoken(incident, after, policy, now, acts)) }
  if (policy.asks) after = asked(after, now, acts)
  return [{ ...after, incidents: kept(after, policy, now) }, acts]
}

/** The open incident of this home and scope. */
function openIncident({ incidents }: Desk, home: string, scope: Scope): Incident | null {
  return incidents.find((one) => one.home === home && one.scope === scope && one.ended === null) ?? null
}

function taken(desk: Desk, event: DeskEvent, now: number, acts: DeskAct[]): Desk {
  switch (event.kind) {
    case 'tick':
      return desk
    case 'sign':
      return signed(desk, event, now)
    case 'passing': {
      const { home, trouble, id } = event
      const open = openIncident(desk, home, 'tunnel')
      if (open === null) return begin(desk, { id, home, scope: 'tunnel', began: now, trouble }, now, now)
      // It explains what has no explanation, and is nothing besides another cause.
      return troubleOf(open) === 'unknown' ? replaced(desk, open, named(open, trouble, now)) : desk
    }
    case 'well': {
      const open = openIncident(desk, event.home, event.scope)
      if (open === null || open.wellSince !== null) return desk
      return replaced(desk, open, { ...open, wellSince: Math.max(event.since, open.began) })
    }
    case 'tried': {
      const open = openIncident(desk, event.home, 'tunnel')
      return open === null ? desk : replaced(desk, open, noteTried(open, event.tried))
    }
    case 'moved': {
      const open = openIncident(desk, event.home, 'tunnel')
      if (open === null) return desk
      const before = open.mapping.before ?? event.before
      return replaced(desk, open, { ...open, mapping: { before, after: event.after } })
    }
    case 'exchanged':
      return exchanged(desk, event, now, acts)
    case 'reported':
      return reported(desk, event, now, acts)
    case 'configured':
      return configured(desk, event.settings, now)
    case 'homes':
      return without(desk, event.homes, now, acts)
    default:
      return event satisfies never
  }
}

function signed(desk: Desk, event: Extract<DeskEvent, { kind: 'sign' }>, now: number): Desk {
  const { id, home, scope, trouble, since } = event
  const open = openIncident(desk, home, scope)
  if (open === null) return begin(desk, { id, home, scope, began: since, trouble }, null, now)
  const { end } = desk.settings
  const views = open.views[end] === null ? { ...open.views, [end]: { began: since, ended: null } } : open.views
  const flaps = open.wellSince === null ? open.flaps : open.flaps + 1
  return replaced(desk, open, { ...named(open, trouble, now), views, wellSince: null, flaps })
}

function begin(
  desk: Desk,
  of: Pick<Incident, 'id' | 'home' | 'scope' | 'began'> & { readonly trouble: Trouble },
  wellSince: number | null,
  now: number,
): Desk {
  const { end, unstable } = desk.settings
  const key = `${of.home}/${of.scope}`
  const recent = (desk.begun[key] ?? []).filter((at) => now - at <= unstable.withinMs)
  const begun = HARMLESS.includes(of.trouble) ? recent : [...recent, now]
  const isUnstable = begun.length >= unstable.outages && begun.length > recent.length
  const incident: Incident = { ...newIncident({ ...of, seenBy: end }), wellSince, isUnstable }
  return { ...desk, begun: { ...desk.begun, [key]: begun }, incidents: [...desk.incidents, incident] }
}

function configured(desk: Desk, settings: DeskSettings, now: number): Desk {
  const speaksSince = !settings.canSpeak ? Infinity : desk.settings.canSpeak ? desk.speaksSince : now
  return { ...desk, settings, speaksSince }
}

/** The outages of homes that are gone end with them, without a word. */
function without(desk: Desk, homes: readonly string[], now: number, acts: DeskAct[]): Desk {
  const isThere = (home: string): boolean => homes.includes(home)
  for (const one of desk.incidents.filter(({ home }) => !isThere(home))) {
    const incident = laidToRest(one, now)
    if (incident !== one) acts.push({ kind: 'write', incident })
    if (one.ended === null) acts.push({ kind: 'over', incident })
  }
  return {
    ...desk,
    incidents: desk.incidents.filter(({ home }) => isThere(home)),
    begun: Object.fromEntries(Object.entries(desk.begun).filter(([key]) => isThere(key.split('/')[0] ?? ''))),
    reports: Object.fromEntries(Object.entries(desk.reports).filter(([home]) => isThere(home))),
  }
}

/** What was over before is known to be, also by the next run. */
function remembered(incident: Incident, desk: Desk, acts: DeskAct[]): Incident {
  const after = silencedWhenUnheard(incident, desk.speaksSince)
  if (after !== incident) acts.push({ kind: 'write', incident: after })
  return after
}

/** Ends what was well for long enough, and has what lasts written down. */
function settled(before: Incident, desk: Desk, policy: Policy, now: number, acts: DeskAct[]): Incident {
  const isLasting = !before.isWritten && before.ended === null && lastedMs(before, now) >= LASTING_MS
  const incident = isLasting ? { ...before, isWritten: true } : before
  if (isLasting) acts.push({ kind: 'write', incident })
  const { wellSince } = incident
  if (incident.ended !== null || wellSince === null || now - wellSince < settleMs(incident, desk)) return incident
  const { end } = desk.settings
  const own = incident.views[end]
  const views = own === null ? incident.views : { ...incident.views, [end]: { ...own, ended: wellSince } }
  if (policy.awaitsOther(incident, desk, now)) return { ...incident, views }
  const ended = silencedWhenUnheard({ ...incident, views, ended: wellSince }, desk.speaksSince)
  acts.push({ kind: 'write', incident: ended }, { kind: 'over', incident: ended })
  return ended
}

function settleMs(incident: Incident, { settings, begun }: Desk): number {
  if (incident.isUnstable) return settings.unstable.calmMs
  const recent = begun[`${incident.home}/${incident.scope}`] ?? []
  return recent.length >= settings.unstable.outages - 1 && recent.length > 1 ? SETTLE_AGAIN_MS : SETTLE_MS
}

/** Without those of which nothing more is to be said. */
function kept(desk: Desk, policy: Policy, now: number): readonly Incident[] {
  const left = desk.incidents.filter((incident) => !policy.isDone(incident, desk, now))
  if (left.length <= policy.mostKept) return left
  const oldest = left.find(({ ended }) => ended !== null) ?? left[0]
  return left.filter((incident) => incident !== oldest)
}
