import { answered, counterpart, merged } from './merge.ts'
import { type Incident, lastedMs, named, newIncident, noteTried, type Tried, troubleOf } from './incident.ts'
import { laidToRest, silencedWhenUnheard } from './silence.ts'
import { type End, HIDES, type Scope, type Trouble } from './trouble.ts'

/**
 * The rules by which outages become messages. Pure; every moment is monotonic milliseconds.
 *
 * One incident, one "down" and one "recovered", whichever end can speak. The hub is the arbiter where both could: the home
 * asks it for the word (a claim, in a registration) before it says anything, and the hub remembers who has it. A home that
 * cannot reach the hub speaks by itself when it has proof that its own line works, and else waits until it meets the hub.
 */
export interface Desk {
  readonly settings: DeskSettings
  /** Since when somebody would hear it: -Infinity, ever since this end runs; Infinity: nobody would. */
  readonly speaksSince: number
  /** Those that last, and those that are over but not yet told or compared; on the hub also those of the last day. */
  readonly incidents: readonly Incident[]
  /** When the last ones began, by home and scope: what comes again and again is one. */
  readonly begun: Readonly<Record<string, readonly number[]>>
  /** At home: what is asked of the hub. */
  readonly exchange: Exchange
  /** At home: what the hub knows, by incident: when it was told, and how many causes there were. */
  readonly told: Readonly<Record<string, { readonly at: number; readonly causes: number }>>
  /** On the hub: when each home last reported, and whether it can speak. */
  readonly reports: Readonly<Record<string, { readonly at: number; readonly canSpeak: boolean }>>
}

export interface DeskSettings {
  readonly end: End
  /** Somebody would hear it: there is a channel. */
  readonly canSpeak: boolean
  /** How long each trouble lasts before anybody is told. */
  readonly showAfterMs: Readonly<Record<Trouble, number>>
  readonly unstable: {
    /** The how-manieth outage within the window makes it unstable. */
    readonly outages: number
    readonly withinMs: number
    /** It is over when nothing happened for so long. */
    readonly calmMs: number
  }
}

interface Exchange {
  readonly isUnderWay: boolean
  /** The hub was asked once for what was missed while no agent ran. */
  readonly hasAsked: boolean
  readonly failures: number
  readonly notBefore: number
  /** The last question was for the word, not only for news. */
  readonly hasClaimed: boolean
}

export type DeskEvent =
  | { readonly kind: 'tick' }
  /** Something is wrong, since then. The same may be said again and again. */
  | {
      readonly kind: 'sign'
      /** For a new incident. */
      readonly id: string
      readonly home: string
      readonly scope: Scope
      readonly trouble: Trouble
      readonly since: number
    }
  /** It was wrong, and was well again before anybody could act. */
  | { readonly kind: 'passing'; readonly id: string; readonly home: string; readonly trouble: Trouble }
  | { readonly kind: 'well'; readonly home: string; readonly scope: Scope; readonly since: number }
  | { readonly kind: 'tried'; readonly home: string; readonly tried: Tried }
  | { readonly kind: 'moved'; readonly home: string; readonly before: string | null; readonly after: string }
  /** At home: what came of asking the hub for these; null when it was not reached. */
  | { readonly kind: 'exchanged'; readonly asked: readonly string[]; readonly answer: Answer | null }
  /** On the hub: a home reports, and claims the word for some. */
  | {
      readonly kind: 'reported'
      readonly home: string
      readonly incidents: readonly Incident[]
      readonly claims: readonly string[]
      readonly canSpeak: boolean
    }
  | { readonly kind: 'configured'; readonly settings: DeskSettings }
  /** On the hub: there are no other homes any more. */
  | { readonly kind: 'homes'; readonly homes: readonly string[] }

/** What the hub says to a home's report. */
export interface Answer {
  /** `was` is what the home called it. */
  readonly incidents: readonly { readonly was: string; readonly incident: Incident }[]
  /** What only the hub saw, since nobody was awake at home. */
  readonly others: readonly Incident[]
}

export type DeskAct =
  | { readonly kind: 'say'; readonly what: Word; readonly incident: Incident }
  | { readonly kind: 'write'; readonly incident: Incident }
  /** It is over, as far as this end knows. Once for each. */
  | { readonly kind: 'over'; readonly incident: Incident }
  /** Ends with one `exchanged`. */
  | { readonly kind: 'exchange'; readonly incidents: readonly Incident[]; readonly claims: readonly string[] }

/** `unstable` and `steady` are "down" and "recovered" of what comes again and again. */
export type Word = 'down' | 'recovered' | 'unstable' | 'steady' | 'reminder'

/** An answer that is followed by the next silence was no recovery. */
const SETTLE_MS = 5_000
/** When the next outage would make it unstable, a recovery must last longer to be told. */
const SETTLE_AGAIN_MS = 60_000
/** What lasts so long is written down at once, whoever is reached: a Pi may lose its power in the midst of it. */
const LASTING_MS = 10_000
const TELL_AGAIN_MS = 300_000
/** A home that lies dark to both for a while has its word on the hub for so long before the hub speaks for it. */
const HOME_SPEAKS_FIRST_MS = 20_000
const REPORT_FRESH_MS = 60_000
/** How long the hub waits for what the home has to say of an outage that is over. */
const HOME_EXPLAINS_MS = 15_000
/** Hearing a home that does not say that it is well, the hub believes what it hears. */
const REPORT_STALE_MS = 900_000
const REMIND_FIRST_MS = 6 * 3_600_000
const REMIND_AGAIN_MS = 24 * 3_600_000
const EXCHANGE_EVERY_MS = 3_000
/** By then the hub has noticed that this home is back. */
const FIRST_EXCHANGE_MS = 20_000
const EXCHANGE_AGAIN_MS = { claim: 10_000, most: 600_000 } as const
const KEPT_MS = 24 * 3_600_000
/** However long the ends do not meet. */
const MOST_KEPT = 100
/** What a registration carries. */
const MOST_REPORTED = 8

/** Troubles of the tunnel in which the hub tells nobody. */
const ALONE: readonly Trouble[] = ['hub-down', 'home-unknown']

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
      hasAsked: false,
      failures: 0,
      notBefore: now + FIRST_EXCHANGE_MS,
      hasClaimed: false,
    },
    told: {},
    reports: {},
  }
}

/** Decides, never acts. */
export function nextDesk(desk: Desk, event: DeskEvent, now: number): readonly [Desk, readonly DeskAct[]] {
  // What is said of every home each second, and changes nothing.
  if (event.kind === 'well' && openIncident(desk, event.home, event.scope) === null) return [desk, []]
  const acts: DeskAct[] = []
  let after = taken(desk, event, now, acts)
  after = { ...after, incidents: after.incidents.map((incident) => remembered(incident, after, acts)) }
  after = { ...after, incidents: after.incidents.map((incident) => settled(incident, after, now, acts)) }
  after = { ...after, incidents: after.incidents.map((incident) => spoken(incident, after, now, acts)) }
  after = asked(after, now, acts)
  return [{ ...after, incidents: kept(after, now) }, acts]
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
function settled(before: Incident, desk: Desk, now: number, acts: DeskAct[]): Incident {
  const isLasting = !before.isWritten && before.ended === null && lastedMs(before, now) >= LASTING_MS
  const incident = isLasting ? { ...before, isWritten: true } : before
  if (isLasting) acts.push({ kind: 'write', incident })
  const { wellSince } = incident
  if (incident.ended !== null || wellSince === null || now - wellSince < settleMs(incident, desk)) return incident
  const { end } = desk.settings
  const own = incident.views[end]
  const ofOther = incident.views[end === 'hub' ? 'home' : 'hub']
  const views = own === null ? incident.views : { ...incident.views, [end]: { ...own, ended: wellSince } }
  // The home has not said that it is over, and may know better than what the hub hears.
  const report = desk.reports[incident.home]
  if (end === 'hub' && ofOther !== null && ofOther.ended === null && now - (report?.at ?? -Infinity) < REPORT_STALE_MS)
    return { ...incident, views }
  const ended = silencedWhenUnheard({ ...incident, views, ended: wellSince }, desk.speaksSince)
  acts.push({ kind: 'write', incident: ended }, { kind: 'over', incident: ended })
  return ended
}

function settleMs(incident: Incident, { settings, begun }: Desk): number {
  if (incident.isUnstable) return settings.unstable.calmMs
  const recent = begun[`${incident.home}/${incident.scope}`] ?? []
  return recent.length >= settings.unstable.outages - 1 && recent.length > 1 ? SETTLE_AGAIN_MS : SETTLE_MS
}

/** Says what is to be said of it by this end, without asking. */
function spoken(incident: Incident, desk: Desk, now: number, acts: DeskAct[]): Incident {
  const { end } = desk.settings
  let after = incident
  if (end === 'hub' && isDue(incident, desk, now) && !homeGoesFirst(incident, desk, now))
    after = say(after, desk, now, acts)
  const { down, recovered, remindedAt } = after.said
  if (down?.by !== end || recovered !== null || after.silenced) return after
  if (after.ended !== null) {
    const homeSaw = after.views.home?.ended ?? null
    const explained = end === 'home' || homeSaw !== null || now - after.ended >= HOME_EXPLAINS_MS
    if (!explained) return after
    after = { ...after, said: { ...after.said, recovered: { by: end, at: now } } }
    acts.push({ kind: 'say', what: after.isUnstable ? 'steady' : 'recovered', incident: after })
    acts.push({ kind: 'write', incident: after })
    return after
  }
  if (now - (remindedAt ?? down.at) < (remindedAt === null ? REMIND_FIRST_MS : REMIND_AGAIN_MS)) return after
  after = { ...after, said: { ...after.said, remindedAt: now } }
  acts.push({ kind: 'say', what: 'reminder', incident: after }, { kind: 'write', incident: after })
  return after
}

function say(incident: Incident, { settings }: Desk, now: number, acts: DeskAct[]): Incident {
  const said = { ...incident, isWritten: true, said: { ...incident.said, down: { by: settings.end, at: now } } }
  acts.push({ kind: 'say', what: said.isUnstable ? 'unstable' : 'down', incident: said })
  acts.push({ kind: 'write', incident: said })
  return said
}

/** It has lasted long enough for people to be told, nobody has, and it is nobody's shadow. */
function isDue(incident: Incident, desk: Desk, now: number): boolean {
  const { settings, incidents, speaksSince } = desk
  const { said, silenced, ended, wellSince } = incident
  if (!settings.canSpeak || said.down !== null || silenced) return false
  if ((ended ?? wellSince ?? Infinity) < speaksSince) return false
  // What only the home saw is the home's to tell.
  if (settings.end === 'hub' && incident.views.hub === null) return false
  const isShadow = incidents.some(
    (other) =>
      other.home === incident.home && other.ended === null && (HIDES[troubleOf(other)] ?? []).includes(incident.scope),
  )
  if (isShadow) return false
  return (
    incident.isUnstable || lastedMs(incident, incident.wellSince ?? now) >= settings.showAfterMs[troubleOf(incident)]
  )
}

/** A home that reported this outage while it lasts, and has somebody to tell, has the first word. */
function homeGoesFirst(incident: Incident, desk: Desk, now: number): boolean {
  const report = desk.reports[incident.home]
  if (incident.views.home === null || report === undefined || !report.canSpeak) return false
  const dueAt = incident.began + desk.settings.showAfterMs[troubleOf(incident)]
  return now - report.at < REPORT_FRESH_MS && now < dueAt + HOME_SPEAKS_FIRST_MS
}

/** At home: asks the hub for the word, and tells it what there is to tell. */
function asked(desk: Desk, now: number, acts: DeskAct[]): Desk {
  const { settings, exchange, incidents } = desk
  if (settings.end === 'hub' || exchange.isUnderWay) return desk
  const due = incidents.filter((incident) => isDue(incident, desk, now))
  const news = incidents.filter((incident) => isNews(incident, desk, now))
  const all = [...new Set([...due, ...news])].slice(0, MOST_REPORTED)
  // The first one, and the first for the word, waits for no pause.
  const isFirst = (all.length > 0 && !exchange.hasAsked) || (due.length > 0 && !exchange.hasClaimed)
  const isEarly = now < exchange.notBefore && !isFirst
  if (isEarly || (all.length === 0 && exchange.hasAsked)) return desk
  const claims = due.filter((incident) => all.includes(incident)).map(({ id }) => id)
  acts.push({ kind: 'exchange', incidents: all, claims })
  return { ...desk, exchange: { ...exchange, isUnderWay: true, hasClaimed: claims.length > 0 } }
}

function isNews(incident: Incident, { told }: Desk, now: number): boolean {
  const { ended, met, causes, id } = incident
  if (ended !== null) return !met
  if (lastedMs(incident, now) < LASTING_MS) return false
  const known = told[id]
  return known === undefined || known.causes !== causes.length || now - known.at >= TELL_AGAIN_MS
}

function exchanged(
  desk: Desk,
  { answer, asked }: Extract<DeskEvent, { kind: 'exchanged' }>,
  now: number,
  acts: DeskAct[],
): Desk {
  const failures = answer === null ? desk.exchange.failures + 1 : 0
  const isClaim = desk.incidents.some((incident) => isDue(incident, desk, now))
  const pause = Math.min(EXCHANGE_AGAIN_MS.claim * 2 ** Math.min(8, failures - 1), EXCHANGE_AGAIN_MS.most)
  const waitMs = answer !== null ? EXCHANGE_EVERY_MS : isClaim ? EXCHANGE_AGAIN_MS.claim : pause
  const { hasClaimed } = desk.exchange
  const exchange = { isUnderWay: false, hasAsked: true, failures, notBefore: now + waitMs, hasClaimed }
  const after: Desk = { ...desk, exchange }
  if (answer === null) {
    const alone = (one: Incident) => asked.includes(one.id) && isDue(one, after, now) && maySpeakAlone(one)
    return { ...after, incidents: after.incidents.map((one) => (alone(one) ? say(one, after, now, acts) : one)) }
  }
  for (const incident of answer.others) acts.push({ kind: 'write', incident: { ...incident, met: true } })
  const told = { ...after.told }
  const incidents = after.incidents.map((one) => {
    if (!asked.includes(one.id)) return one
    const fromHub = answer.incidents.find(({ was }) => was === one.id)?.incident
    // A hub that has nothing to say of it has no word to give either.
    const both = fromHub === undefined ? one : answered(one, fromHub)
    const known = { ...both, met: one.ended !== null }
    delete told[one.id]
    told[known.id] = { at: now, causes: known.causes.length }
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

function ofThose(told: Desk['told'], incidents: readonly Incident[]): Desk['told'] {
  const ids = new Set(incidents.map(({ id }) => id))
  return Object.fromEntries(Object.entries(told).filter(([id]) => ids.has(id)))
}

/**
 * Without the hub's word: only with proof that this home's own line works and the hub does not, or does not know this home and
 * tells nobody of it, or of what the hub cannot see. Else the hub hears nothing from here, and tells it itself: both would. The
 * other causes were proven by the hub's answers, so they say nothing of a hub that does not answer any more.
 */
function maySpeakAlone(incident: Incident): boolean {
  return incident.scope !== 'tunnel' || ALONE.includes(troubleOf(incident))
}

/** On the hub: what it saw of a home by itself, and that home has not heard of. */
export function untold({ incidents }: Desk, home: string): readonly Incident[] {
  return incidents
    .filter((one) => one.home === home && one.ended !== null && one.views.home === null && !one.met)
    .slice(0, MOST_REPORTED)
}

/** On the hub. */
function reported(
  desk: Desk,
  { home, incidents, claims, canSpeak }: Extract<DeskEvent, { kind: 'reported' }>,
  now: number,
  acts: DeskAct[],
): Desk {
  const handed = new Set(untold(desk, home))
  let after: Desk = {
    ...desk,
    reports: { ...desk.reports, [home]: { at: now, canSpeak } },
    incidents: desk.incidents.map((one) => (handed.has(one) ? { ...one, met: true } : one)),
  }
  for (const report of incidents) {
    const own = counterpart(after.incidents, report)
    let both = merged(own, report)
    if (claims.includes(report.id) && both.said.down === null)
      both = { ...both, said: { ...both.said, down: { by: 'home', at: now } } }
    // The home has seen the hub's view with this answer.
    both = silencedWhenUnheard({ ...both, met: report.ended !== null }, after.speaksSince)
    acts.push({ kind: 'write', incident: both })
    if (both.ended !== null && (own?.ended ?? null) === null) acts.push({ kind: 'over', incident: both })
    after = own === null ? { ...after, incidents: [...after.incidents, both] } : replaced(after, own, both)
  }
  return after
}

function replaced(desk: Desk, before: Incident, after: Incident): Desk {
  if (before === after) return desk
  return { ...desk, incidents: desk.incidents.map((one) => (one === before ? after : one)) }
}

/** Without those of which nothing more is to be said. */
function kept(desk: Desk, now: number): readonly Incident[] {
  const { end } = desk.settings
  const left = desk.incidents.filter((incident) => {
    const { ended, met, said } = incident
    // Of what only a home could see, and that home says nothing any more.
    const lastWord = Math.max(incident.began, desk.reports[incident.home]?.at ?? -Infinity)
    const isOrphan = end === 'hub' && incident.views.hub === null && now - lastWord >= KEPT_MS
    if (ended === null) return !isOrphan
    if (end === 'hub') return now - ended < KEPT_MS
    const isSaid = said.down === null ? !isDue(incident, desk, now) : said.down.by !== 'home' || said.recovered !== null
    return !(met && isSaid)
  })
  if (left.length <= MOST_KEPT * (end === 'hub' ? 10 : 1))
    return left.length === desk.incidents.length ? desk.incidents : left
  const oldest = left.find(({ ended }) => ended !== null) ?? left[0]
  return left.filter((incident) => incident !== oldest)
}
