import { type Publication, rangeText } from '../../protocol/publications.ts'
import { interrupted, isNews, isTurn, judged, type Moment, newStanding, type Standing } from './standing.ts'
import type { Verdict } from './verdict.ts'

/** The standings of all publications. Pure. */
export type Book = ReadonlyMap<string, Entry>

export interface Entry {
  readonly publication: Publication
  readonly standing: Standing
}

/** How soon after others people are told of a publication together with them. */
export const GROUP_MS = 30_000
/** Within which time the other publications of a host are checked, when one of them changed. */
export const NEIGHBOURS_WITHIN_MS = 5_000

/** What tells publications apart. */
export type Named = Pick<Publication, 'home' | 'addedAt' | 'protocol' | 'port' | 'lastPort'>

/** A publication that moves with its host name stays the same one. */
export function keyOf({ home, addedAt, ...range }: Named): string {
  return `${home} ${rangeText(range)} ${addedAt}`
}

/** The book with these publications and no others. @param random from 0 to below 1, another one each time. */
export function followed(
  book: Book,
  publications: readonly Publication[],
  now: number,
  random: () => number,
  remembered: (key: string) => Standing | null = () => null,
): Book {
  return new Map(
    publications.map((publication) => {
      const key = keyOf(publication)
      const before = book.get(key)
      if (before === undefined) {
        const fresh = newStanding({ now, random: random() })
        const known = remembered(key)
        return [key, { publication, standing: known === null ? fresh : { ...known, dueAt: fresh.dueAt } }]
      }
      if (before.publication === publication) return [key, before]
      const { address, targetPort } = before.publication
      const hasMoved = address !== publication.address || targetPort !== publication.targetPort
      const { standing } = before
      return [key, { publication, standing: hasMoved ? { ...standing, answeredPort: null, dueAt: now } : standing }]
    }),
  )
}

/** Takes the verdict of a check of one publication. @param answeredPort the hub's port that answered; null: none did. */
export function taken(
  book: Book,
  key: string,
  verdict: Verdict,
  answeredPort: number | null,
  moment: Moment,
  everyMs: number,
): Book {
  const entry = book.get(key)
  if (entry === undefined) return book
  const { publication, standing } = entry
  const after = judged(standing, verdict, moment, everyMs)
  const group = isNews(standing, after) ? groupFor(book, publication, moment.now) : after.group
  const of = { ...after, group, answeredPort: answeredPort ?? after.answeredPort }
  const next = new Map(book).set(key, { publication, standing: of })
  return isTurn(standing, after) ? withNeighboursDue(next, key, publication, moment) : next
}

/** Notes that a home is not heard: nothing of it is proven any more. */
export function darkened(book: Book, home: string, why: string, moment: Pick<Moment, 'now' | 'at'>): Book {
  const changed = [...book].flatMap(([key, { publication, standing }]) => {
    const after = publication.home === home ? interrupted(standing, why, moment) : standing
    return after === standing ? [] : [[key, { publication, standing: after }] as const]
  })
  return changed.length === 0 ? book : new Map([...book, ...changed])
}

/** Keys of the publications to check now, those that wait longest first. */
export function due(book: Book, isHeard: (home: string) => boolean, now: number): readonly string[] {
  return [...book]
    .filter(([, { publication, standing }]) => standing.dueAt <= now && isHeard(publication.home))
    .toSorted(([, a], [, b]) => a.standing.dueAt - b.standing.dueAt)
    .map(([key]) => key)
}

/** Has no publication wait longer than that: the pause between checks has become shorter. */
export function dueWithin(book: Book, now: number, everyMs: number): Book {
  return new Map(
    [...book].map(([key, { publication, standing }]) => {
      const dueAt = Math.min(standing.dueAt, now + everyMs)
      return [key, { publication, standing: { ...standing, dueAt } }]
    }),
  )
}

/** The name under which people are told of a publication: that of others of this home that began to fail just now. */
function groupFor(book: Book, publication: Publication, now: number): Standing['group'] {
  for (const { publication: other, standing } of book.values())
    if (other.home === publication.home && standing.group !== null && now - standing.group.at <= GROUP_MS)
      return standing.group
  return { name: rangeText(publication), at: now }
}

/** Has the other publications of a host checked soon, each at another moment. */
function withNeighboursDue(book: Book, of: string, { home, address }: Publication, { now, random }: Moment): Book {
  let index = 0
  return new Map(
    [...book].map(([key, entry]) => {
      const { publication, standing } = entry
      if (key === of || publication.home !== home || publication.address !== address) return [key, entry]
      const soon = now + (((index += 1) * 0.618 + random) % 1) * NEIGHBOURS_WITHIN_MS
      return [key, { publication, standing: { ...standing, dueAt: Math.min(standing.dueAt, soon) } }]
    }),
  )
}
