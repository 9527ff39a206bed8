import type { Alerting } from '../../alerts/alerting.ts'
import { reasonOf } from '../../problems/problem.ts'
import {
  MOST_TOLD,
  type ProofLink,
  type Publication,
  type PublicationStanding,
  type PublishedStandings,
  rangeText,
} from '../../protocol/publications.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { StoreDocument } from '../core/store-document.ts'
import { type Book, darkened, due, dueWithin, type Entry, followed, keyOf, type Named, taken } from './book.ts'
import type { KeptStandings } from './kept-standings.ts'
import { failingGroups, listedStanding, outcomeOf, worstFirst } from './tellings.ts'
import { type Verdict, verdictOf } from './verdict.ts'

/** Checks publications by itself now and then, and tells people when one that worked does so no longer. */
export interface Proving {
  /** What is known of a publication; null: the hub does not check by itself. */
  readonly of: (publication: Named) => PublicationStanding | null
  /** What a home hears of its publications. */
  readonly toldTo: (home: string) => PublishedStandings
  /** Takes the links of a check that somebody asked for. */
  readonly take: (publication: Publication, checked: Checked) => void
  /** Begins the checks that are due, and tells the alarm what is known. Never throws. */
  readonly look: () => Promise<void>
  readonly run: (signal: AbortSignal) => Promise<void>
}

/** One check of a publication. `answeredPort`: the port of the hub that answered; null: none did. */
export interface Checked {
  readonly links: readonly ProofLink[]
  readonly answeredPort: number | null
}

export interface ProvingDeps {
  readonly document: () => StoreDocument
  /** Seconds between two checks of a publication that works; 0: none is made. */
  readonly everySeconds: () => number
  /** Follows a visitor's path, quickly and with few packets. */
  readonly check: (publication: Publication, answeredPort: number | null) => Promise<Checked>
  /** Seconds since a home was heard inside the tunnel; null: it is not there, or nobody knows. */
  readonly heardSeconds: (home: string) => number | null
  /** The silence of a home after which it is no longer certain that its tunnel carries. */
  readonly certainSeconds: (home: string) => number
  /** Whether a home is known not to be there. */
  readonly isDark: (home: string) => boolean
  readonly alerting: Pick<Alerting, 'sign' | 'note' | 'openOf'>
  /** Something that these homes are told of has changed. */
  readonly onNews: (homes: readonly string[]) => void
  readonly kept: KeptStandings
  readonly clock: Clock
  readonly log: Log
  /** From 0 to below 1. */
  readonly random?: () => number
}

const TICK_MS = 1_000
/** How soon a check that said nothing is made again. */
const POSTPONED_MS = 15_000
const NONE: readonly Publication[] = []
/** How many checks run at once: one of a host that says nothing takes four seconds. */
const MOST_AT_ONCE = 4

export function makeProving(deps: ProvingDeps): Proving {
  const { clock, log, alerting, kept, random = Math.random } = deps
  let book: Book = new Map()
  let followedOf: readonly Publication[] | null = null
  let everySeconds = deps.everySeconds()
  const running = new Set<string>()

  const moment = () => ({ now: clock.now(), at: clock.wall().toISOString(), random: random() })
  const isOn = (): boolean => deps.everySeconds() > 0

  function follow(): void {
    if (everySeconds !== deps.everySeconds()) {
      everySeconds = deps.everySeconds()
      book = dueWithin(book, clock.now(), everySeconds * 1_000)
      followedOf = null
    }
    const publications = isOn() ? deps.document().publications : NONE
    if (publications === followedOf) return
    followedOf = publications
    book = followed(book, publications, clock.now(), random, kept.remembered)
  }

  /** Takes a verdict, and says in the log what it changes. */
  function judge(key: string, verdict: Verdict, answeredPort: number | null): void {
    const before = book.get(key)
    book = taken(book, key, verdict, answeredPort, moment(), deps.everySeconds() * 1_000)
    const after = book.get(key)
    if (before === undefined || after === undefined) return
    const [was, is] = [before.standing.verdict, after.standing.verdict]
    if (was?.kind === is?.kind) return
    deps.onNews([after.publication.home])
    const facts = { port: rangeText(after.publication), home: after.publication.home }
    if (is?.kind === 'failing') log.warn({ ...facts, link: is.link, why: is.why }, 'a published port fails')
    else if (was?.kind === 'failing') log.info(facts, 'a published port works again')
  }

  async function check(key: string, { publication, standing }: Entry): Promise<void> {
    const { links, answeredPort } = await deps.check(publication, standing.answeredPort)
    const verdict = verdictOf(links)
    const { home } = publication
    // A home that went silent meanwhile is no reason to suspect its services.
    const isCertain = (deps.heardSeconds(home) ?? Infinity) <= deps.certainSeconds(home)
    if (verdict !== null && (isCertain || verdict.kind === 'proven')) return judge(key, verdict, answeredPort)
    postpone(key)
  }

  function postpone(key: string): void {
    const entry = book.get(key)
    if (entry === undefined) return
    const standing = { ...entry.standing, dueAt: clock.now() + POSTPONED_MS }
    book = new Map(book).set(key, { ...entry, standing })
  }

  function begin(): void {
    const isHeard = (home: string): boolean => deps.heardSeconds(home) !== null
    for (const key of due(book, isHeard, clock.now())) {
      if (running.size >= MOST_AT_ONCE) return
      const entry = book.get(key)
      if (entry === undefined || running.has(key)) continue
      running.add(key)
      void check(key, entry)
        .catch((thrown: unknown) => {
          log.warn({ port: rangeText(entry.publication), why: reasonOf(thrown) }, 'a published port was not checked')
          postpone(key)
        })
        .finally(() => running.delete(key))
    }
  }

  function noteDark(): void {
    const homes = new Set([...book.values()].map(({ publication }) => publication.home))
    for (const home of homes) {
      if (!deps.isDark(home)) continue
      const before = book
      book = darkened(book, home, `nothing is heard of ${home}: its tunnel is down`, moment())
      if (book !== before) deps.onNews([home])
    }
  }

  /** Tells the alarm which groups fail, and what became of the others. */
  function tell(): void {
    const groups = failingGroups(book)
    for (const { home, subject, since, failing } of groups)
      alerting.sign(home, 'publication', 'publication-failing', clock.now() - ageMs(since), { subject, failing })
    for (const { home, subject, failing } of alerting.openOf('publication')) {
      if (groups.some((group) => group.home === home && group.subject === subject)) continue
      const published = failing.map((one) => one.published)
      const outcome = outcomeOf(book, home, published)
      if (outcome === 'well') alerting.note({ kind: 'well', home, scope: 'publication', subject, since: clock.now() })
      if (outcome === 'gone') alerting.note({ kind: 'dropped', home, scope: 'publication', subject })
    }
  }

  function ageMs(since: string): number {
    return Math.max(0, clock.wall().getTime() - Date.parse(since))
  }

  async function look(): Promise<void> {
    follow()
    noteDark()
    begin()
    tell()
    await kept.save(book, 'seldom')
  }

  return {
    look,
    of: (publication) => {
      if (!isOn()) return null
      const entry = book.get(keyOf(publication))
      return entry === undefined ? null : listedStanding(entry.standing)
    },
    toldTo: (home) => {
      const own = [...book.values()].filter(({ publication }) => publication.home === home).toSorted(worstFirst)
      return {
        count: own.length,
        told: own.slice(0, MOST_TOLD).map(({ publication, standing }) => {
          const { protocol, port, lastPort, address, targetPort } = publication
          return { protocol, port, lastPort, address, targetPort, ...listedStanding(standing) }
        }),
      }
    },
    take: (publication, { links, answeredPort }) => {
      follow()
      const verdict = verdictOf(links)
      // Of a range one port was tried, which may be none that has a service.
      const isWhole = publication.port === publication.lastPort || verdict?.kind === 'proven'
      if (verdict !== null && isWhole && isOn()) judge(keyOf(publication), verdict, answeredPort)
    },
    run: async (signal) => {
      while (!signal.aborted) {
        await look()
        await sleep(TICK_MS, signal)
      }
      await kept.save(book, 'now')
    },
  }
}
