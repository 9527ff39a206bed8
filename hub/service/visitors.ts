import { namedTargets } from '../core/publications.ts'
import type { Home, StoreDocument } from '../core/store-document.ts'

/**
 * Homes that must answer visitors through the tunnel, and those that say that they do. Level-triggered: a home is asked
 * to register with each heartbeat until it says what is wanted, whoever was restarted in between.
 */
export interface Visitors {
  /** Takes the document that says what is wanted from now on. */
  readonly serve: (document: StoreDocument) => void
  readonly isWanted: (home: string) => boolean
  /** Takes what the home says of itself. */
  readonly heard: (home: string, answersThem: boolean) => void
  /** Whether visitors with their own addresses are answered there. */
  readonly isReady: (home: string) => boolean
  /** Notes that checks of publications of these homes found something else than before. */
  readonly proofsChanged: (homes: readonly string[]) => void
  /** Notes that the home is told which of its services were given by names, and what checks of them found. */
  readonly told: (home: string) => void
  /** Whether the home should ask what is wanted of it. */
  readonly isNews: (home: Pick<Home, 'name'>) => boolean
}

const NONE = '[]'

export function makeVisitors(): Visitors {
  let wanted: ReadonlySet<string> = new Set()
  /** Each home's services that were given by host names, as text; and as it was told of them. */
  let named: ReadonlyMap<string, string> = new Map()
  const told = new Map<string, string>()
  const answering = new Set<string>()
  const withNews = new Set<string>()
  return {
    serve: (document) => {
      wanted = new Set(document.publications.filter(({ source }) => source === 'keep').map(({ home }) => home))
      named = new Map(document.homes.map(({ name }) => [name, JSON.stringify(namedTargets(document, name))]))
      const known = new Set(document.homes.map(({ name }) => name))
      for (const name of answering) if (!known.has(name)) answering.delete(name)
      for (const name of told.keys()) if (!known.has(name)) told.delete(name)
      for (const name of withNews) if (!known.has(name)) withNews.delete(name)
    },
    isWanted: (home) => wanted.has(home),
    heard: (home, answersThem) => void (answersThem ? answering.add(home) : answering.delete(home)),
    isReady: (home) => answering.has(home),
    proofsChanged: (homes) => {
      for (const home of homes) withNews.add(home)
    },
    told: (home) => {
      told.set(home, named.get(home) ?? NONE)
      withNews.delete(home)
    },
    isNews: ({ name }) =>
      withNews.has(name) ||
      wanted.has(name) !== answering.has(name) ||
      (named.get(name) ?? NONE) !== (told.get(name) ?? NONE),
  }
}
