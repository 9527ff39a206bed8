import { Problem } from '../../problems/problem.ts'
import { type Publication, type PublicationList, type PublishedRange, rangeText } from '../../protocol/publications.ts'

export interface Change {
  /** The ports that are published or taken back. */
  readonly range: PublishedRange
  readonly change: () => Promise<Publication>
  readonly list: () => Promise<PublicationList>
  /** The publication that says that the change was made; null: it was not. */
  readonly done: (publications: readonly Publication[]) => Publication | null
  /** State after the change, e.g. `published`. */
  readonly state: string
}

/**
 * Asks the hub for a change. A hub that was asked and did not answer may have made it all the same: then the list tells,
 * and where there is none, that this is not known.
 * @throws {Problem} of the change.
 */
export async function changeOrFindOut({ range, change, list, done, state }: Change): Promise<Publication> {
  try {
    return await change()
  } catch (thrown) {
    if (!(thrown instanceof Problem) || thrown.code !== 'hub-unreachable') throw thrown
    const { what, why } = thrown
    const publications = await list().then(
      (found) => found.publications,
      () => null,
    )
    const made = publications === null ? null : done(publications)
    if (made !== null) return made
    if (publications !== null)
      throw new Problem('hub-unreachable', {
        what,
        why: `${why}; asked again, the hub says that ${rangeText(range)} is not ${state}`,
        next: 'Try it again; what keeps the hub busy is in its log: journalctl -u homeward-hub, or where homeward hub run writes',
        cause: thrown,
      })
    throw new Problem('hub-unreachable', {
      what,
      why: `${why}; whether ${rangeText(range)} is ${state} is not known`,
      cause: thrown,
    })
  }
}

export function samePorts(range: PublishedRange): (other: PublishedRange) => boolean {
  return (other) =>
    other.protocol === range.protocol &&
    other.port === range.port &&
    (other.lastPort === range.lastPort || range.port === range.lastPort)
}
