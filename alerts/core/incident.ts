import type { End, Scope, Trouble } from './trouble.ts'

/** A published port that fails. `published`: the ports on the hub; `target`: the service. */
export interface FailingPort {
  readonly published: string
  readonly target: string
  readonly link: 'hub' | 'tunnel' | 'home' | 'service'
  /** The reason, for people. */
  readonly why: string
}

/** One outage, from its first sign to the proof of recovery. Every moment is monotonic milliseconds of this machine. */
export interface Incident {
  readonly id: string
  /** The other end's id of the incident before both met. */
  readonly alias: string | null
  readonly home: string
  readonly scope: Scope
  /** What of the scope it is about, where there may be several incidents of it; null: all of it. */
  readonly subject: string | null
  /** Published ports that failed together: all that did since it began. */
  readonly failing: readonly FailingPort[]
  readonly began: number
  /** null: the incident lasts. */
  readonly ended: number | null
  /** Since when all is well again, while it is not yet certain that it stays so. */
  readonly wellSince: number | null
  /** How often the trouble came back before it was over. */
  readonly flaps: number
  /** The trouble came again and again, so that one message stands for all of it. */
  readonly isFlapping: boolean
  /** The causes in the order in which they were named. */
  readonly causes: readonly Named[]
  readonly tried: readonly Tried[]
  /** The home's mapping as the hub saw it. */
  readonly mapping: { readonly before: string | null; readonly after: string | null }
  readonly views: { readonly home: View | null; readonly hub: View | null }
  /** The messages to people, and the end that sent them. */
  readonly said: { readonly down: Said | null; readonly recovered: Said | null; readonly remindedAt: number | null }
  /** This end sends no further message: the incident was over before there was anybody to tell, or its home is gone. */
  readonly silenced: boolean
  /**
   * The incident began during a drill: nobody is told of it, and it is no outage. One that lasts beyond this moment is a
   * real one. null: it is real.
   */
  readonly drillUntil: number | null
  /** A record of the incident is on disk. */
  readonly isWritten: boolean
  /** Both ends have compared what they know of the incident, after its end. */
  readonly met: boolean
}

interface Named {
  readonly trouble: Trouble
  readonly at: number
}

export interface Tried {
  readonly remedy: string
  readonly cause: string
  readonly helped: boolean
  readonly seconds: number
}

interface View {
  readonly began: number
  readonly ended: number | null
}

interface Said {
  readonly by: End
  readonly at: number
}

/** How many causes and remedies are kept: enough for people; an outage of a week tries the same again and again. */
const MOST_CAUSES = 16
const MOST_TRIED = 32

export function newIncident(
  of: Pick<Incident, 'id' | 'home' | 'scope' | 'began'> &
    Partial<Pick<Incident, 'subject' | 'failing' | 'drillUntil'>> & { readonly trouble: Trouble; readonly seenBy: End },
): Incident {
  const { id, home, scope, subject = null, failing = [], drillUntil = null, began, trouble, seenBy } = of
  const view = { began, ended: null }
  return {
    id,
    alias: null,
    home,
    scope,
    subject,
    failing,
    began,
    ended: null,
    wellSince: null,
    flaps: 0,
    isFlapping: false,
    causes: [{ trouble, at: began }],
    tried: [],
    mapping: { before: null, after: null },
    views: { home: seenBy === 'home' ? view : null, hub: seenBy === 'hub' ? view : null },
    said: { down: null, recovered: null, remindedAt: null },
    silenced: false,
    drillUntil,
    isWritten: false,
    met: false,
  }
}

/** The trouble, as far as it is known: what was proven last. */
export function troubleOf({ causes }: Incident): Trouble {
  const named = causes.filter(({ trouble }) => trouble !== 'unknown' && trouble !== 'home-dark')
  return (named.at(-1) ?? causes.at(-1))?.trouble ?? 'unknown'
}

/** Adds a cause. The same cause twice in a row is one, and an unknown cause does not replace a known one. */
export function named(incident: Incident, trouble: Trouble, at: number): Incident {
  const { causes } = incident
  const last = causes.at(-1)
  if (last?.trouble === trouble || (trouble === 'unknown' && causes.length > 0)) return incident
  if (causes.length >= MOST_CAUSES) return { ...incident, causes: [...causes.slice(0, -1), { trouble, at }] }
  return { ...incident, causes: [...causes, { trouble, at }] }
}

/** Adds ports that fail, with the present reason of those that did before. */
export function withFailing(incident: Incident, failing: readonly FailingPort[]): Incident {
  const now = new Set(failing.map(({ published }) => published))
  return { ...incident, failing: [...failing, ...incident.failing.filter((one) => !now.has(one.published))] }
}

export function noteTried(incident: Incident, tried: Tried): Incident {
  return { ...incident, tried: [...incident.tried, tried].slice(-MOST_TRIED) }
}

/** Milliseconds from the first sign to the end, or until now. */
export function lastedMs({ began, ended }: Pick<Incident, 'began' | 'ended'>, now: number): number {
  return (ended ?? now) - began
}
