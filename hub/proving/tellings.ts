import { type FailingPort } from '../../protocol/incidents.ts'
import { type PublicationStanding, rangeText } from '../../protocol/publications.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import type { Book, Entry } from './book.ts'
import type { Standing } from './standing.ts'

/** What people are told of publications. Pure. */

/** Publications of a home that people are told of together. */
export interface FailingGroup {
  readonly home: string
  readonly subject: string
  /** When the first of them failed. */
  readonly since: string
  readonly failing: readonly FailingPort[]
}

export function failingGroups(book: Book): readonly FailingGroup[] {
  const groups = new Map<string, FailingGroup>()
  for (const { publication, standing } of book.values()) {
    const { group, verdict, since } = standing
    if (group === null || verdict?.kind !== 'failing' || since === null) continue
    const { home } = publication
    const key = `${home} ${group.name}`
    const before = groups.get(key)
    const failing = {
      published: rangeText(publication),
      target: hostPort(publication.address, publication.targetPort),
      link: verdict.link,
      why: verdict.why,
    }
    groups.set(key, {
      home,
      subject: group.name,
      since: before === undefined || since < before.since ? since : before.since,
      failing: [...(before?.failing ?? []), failing],
    })
  }
  return [...groups.values()]
}

/** What became of an incident that no group stands for any more. */
export type Outcome =
  /** All that is still published of it works, as far as can be told. */
  | 'well'
  /** Nothing of it is published any more. */
  | 'gone'
  /** Nothing is known yet. */
  | 'open'

/** @param published the ports of the incident. */
export function outcomeOf(book: Book, home: string, published: readonly string[]): Outcome {
  const left = [...book.values()].filter(
    ({ publication }) => publication.home === home && published.includes(rangeText(publication)),
  )
  if (left.length === 0) return 'gone'
  return left.every(({ standing: { verdict } }) => verdict !== null && verdict.kind !== 'failing') ? 'well' : 'open'
}

/** A standing as it is listed. */
export function listedStanding({ verdict, since, provenAt }: Standing): PublicationStanding {
  switch (verdict?.kind) {
    case undefined:
      return { state: 'unknown', since: null, provenAt, why: 'it is not checked yet' }
    case 'proven':
      return { state: 'proven', since, provenAt }
    case 'silent':
      return { state: 'unknown', since, provenAt, why: verdict.why }
    case 'failing':
      return { state: 'failing', since, provenAt, link: verdict.link, why: verdict.why }
    default:
      return verdict satisfies never
  }
}

/** The order in which a home hears of its publications, which are not all told: what fails first. */
export function worstFirst(a: Entry, b: Entry): number {
  return rankOf(a) - rankOf(b) || a.publication.port - b.publication.port
}

function rankOf({ standing }: Entry): number {
  return standing.verdict?.kind === 'failing' ? 0 : standing.verdict?.kind === 'proven' ? 2 : 1
}
