import type { Outgoing } from '../../protocol/publications.ts'
import { namedTargets, outgoingOf } from '../core/publications.ts'
import type { Home, StoreDocument } from '../core/store-document.ts'

/**
 * Homes that must answer visitors through the tunnel, and those that say that they do. Level-triggered: a home is asked
 * to register with each heartbeat until it says what is wanted, whoever was restarted in between.
 */
export interface Visitors {
  /** Takes the document that says what is wanted from now on. */
  readonly serve: (document: StoreDocument) => void
  readonly isWanted: (home: string) => boolean
  /** Takes what the home says of itself: whether it answers them, and what it sends by this hub. */
  readonly heard: (home: string, answersThem: boolean, sends?: readonly Outgoing[] | null) => void
  /** Whether visitors with their own addresses are answered there. */
  readonly isReady: (home: string) => boolean
  /** Notes what these homes should ask for: checks of their publications found something else, or their owner decided. */
  readonly haveNews: (homes: readonly string[]) => void
  /** Whether the home sends by this hub what it shall. */
  readonly isSending: (home: string) => boolean
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
  /** What each home shall send by this hub, as text; and what it says that it does. */
  let outgoing: ReadonlyMap<string, string> = new Map()
  const sending = new Map<string, string>()
  const isSending = (home: string): boolean => (sending.get(home) ?? NONE) === (outgoing.get(home) ?? NONE)
  return {
    serve: (document) => {
      // Answers to what a home sends come out of the tunnel as visitors do.
      const isLed = ({ source, outgoing: sent }: StoreDocument['publications'][number]): boolean =>
        source === 'keep' || sent === true
      wanted = new Set(document.publications.filter(isLed).map(({ home }) => home))
      outgoing = new Map(document.homes.map(({ name }) => [name, JSON.stringify(outgoingOf(document, name))]))
      named = new Map(document.homes.map(({ name }) => [name, JSON.stringify(namedTargets(document, name))]))
      const known = new Set(document.homes.map(({ name }) => name))
      for (const name of answering) if (!known.has(name)) answering.delete(name)
      for (const names of [told, sending]) for (const name of names.keys()) if (!known.has(name)) names.delete(name)
      for (const name of withNews) if (!known.has(name)) withNews.delete(name)
    },
    isWanted: (home) => wanted.has(home),
    heard: (home, answersThem, sends) => {
      if (answersThem) answering.add(home)
      else answering.delete(home)
      sending.set(home, JSON.stringify(sends ?? []))
    },
    isReady: (home) => answering.has(home),
    isSending,
    haveNews: (homes) => {
      for (const home of homes) withNews.add(home)
    },
    told: (home) => {
      told.set(home, named.get(home) ?? NONE)
      withNews.delete(home)
    },
    isNews: ({ name }) =>
      withNews.has(name) ||
      wanted.has(name) !== answering.has(name) ||
      !isSending(name) ||
      (named.get(name) ?? NONE) !== (told.get(name) ?? NONE),
  }
}
