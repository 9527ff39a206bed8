import { reasonOf } from '../../problems/problem.ts'
import type { ListedPublication, Publication } from '../../protocol/publications.ts'
import type { Log } from '../../system/process/log.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { StoreDocument } from '../core/store-document.ts'
import type { HiddenHosts } from '../store/hidden-hosts.ts'
import type { Store } from '../store/store.ts'
import type { AnswerPath, measureAnswerPath } from './answer-path.ts'

/**
 * Publications as they are led. Where a service should see visitors' addresses and its answers to them were measured to
 * go past the tunnel, visitors are hidden for as long as that is so: the store keeps what was wanted.
 */
export interface KeptSources extends Pick<Store, 'document'> {
  /** A publication of the store as it is led. */
  readonly inFact: (publication: Publication) => Publication
  /** The reason why visitors of a host are hidden, though it should see their addresses; null: they are not. */
  readonly whyHidden: (host: Pick<Publication, 'home' | 'address'>) => string | null
  /** Why what a host sends does not leave by this hub, though it should; null: nothing says so. */
  readonly whyNotOutgoing: (host: Pick<Publication, 'home' | 'address'>) => string | null
  /** Says of a publication as it is led why its visitors are hidden, or what it sends is not led, against its wish. */
  readonly withNote: (listed: ListedPublication) => ListedPublication
  /** Takes a measurement. @returns whether it changed anything. */
  readonly take: (home: string, address: string, path: AnswerPath) => boolean
}

/** @param hidden default: nothing is remembered. */
export function makeKeptSources(store: Pick<Store, 'document'>, hidden: HiddenHosts | null = null): KeptSources {
  let past: ReadonlySet<string> = new Set(hidden?.known)
  let made: { readonly of: StoreDocument; readonly past: typeof past; readonly document: StoreDocument } | null = null
  const inFact = (publication: Publication): Publication =>
    publication.source === 'keep' && past.has(keyOf(publication)) ? { ...publication, source: 'hide' } : publication
  const whyHidden = (host: Pick<Publication, 'home' | 'address'>): string | null =>
    past.has(keyOf(host)) ? whyPast(host.address) : null
  const whyNotOutgoing = (host: Pick<Publication, 'home' | 'address'>): string | null =>
    past.has(keyOf(host)) ? whySentPast(host.address) : null
  return {
    inFact,
    whyHidden,
    whyNotOutgoing,
    withNote: (listed) => {
      const isKept = store.document.publications.some(
        (one) => one.source === 'keep' && one.protocol === listed.protocol && one.port === listed.port,
      )
      const why = isKept ? whyHidden(listed) : null
      const whyNot = listed.outgoing === true ? whyNotOutgoing(listed) : null
      return {
        ...listed,
        ...(why === null ? {} : { whyHidden: why }),
        ...(whyNot === null ? {} : { whyNotOutgoing: whyNot }),
      }
    },
    take: (home, address, path) => {
      const key = keyOf({ home, address })
      if (path === 'unknown' || past.has(key) === (path === 'past')) return false
      past = new Set(path === 'past' ? [...past, key] : [...past].filter((one) => one !== key))
      const published = new Set(store.document.publications.map(keyOf))
      void hidden?.save([...past].filter((one) => published.has(one)))
      return true
    },
    get document() {
      const of = store.document
      if (made?.of !== of || made.past !== past)
        made = { of, past, document: { ...of, publications: of.publications.map(inFact) } }
      return made.document
    },
  }
}

/** Whether anything depends on which way the host's packets to the internet take. */
function isMeasured({ source, outgoing }: Publication): boolean {
  return source === 'keep' || outgoing === true
}

function keyOf({ home, address }: Pick<Publication, 'home' | 'address'>): string {
  return `${home} ${address}`
}

function whyPast(address: string): string {
  return `${address} answers the hub, and answers an address of the internet past the tunnel: its gateway is not the machine that the tunnel ends on, or its firewall lets only its own network in`
}

function whySentPast(address: string): string {
  return `${address} answers the hub, and not an address of the internet through the tunnel: its gateway is not the machine that the tunnel ends on, and what it sends leaves by the home’s own line; or its firewall lets only its own network in, which hides what its gateway is`
}

export interface SourceMeasuring {
  /** Measures one publication, where it can be measured. Never throws. */
  readonly one: (publication: Publication) => Promise<void>
  /** Measures each host of the home's publications, or of all homes'. Never throws. */
  readonly all: (home?: string) => Promise<void>
}

export interface SourceMeasuringDeps {
  readonly store: Pick<Store, 'document'>
  readonly sources: KeptSources
  /** Whether the home answers visitors through the tunnel now: without that nothing can be measured. */
  readonly isReady: (home: string) => boolean
  readonly follow: () => Promise<void>
  readonly measure: typeof measureAnswerPath
  readonly clock: Clock
  readonly log: Log
}

/** How long a measurement is good enough for a check; a home whose networks changed is measured in any case. */
const FRESH_MS = 5_000

export function makeSourceMeasuring(deps: SourceMeasuringDeps): SourceMeasuring {
  const { store, sources, isReady, measure, clock, log } = deps
  const mutex = makeMutex()
  const measuredAt = new Map<string, number>()

  async function look(publications: readonly Publication[], freshMs: number): Promise<void> {
    const wanted = publications.filter((one) => isMeasured(one) && isReady(one.home))
    // A connection says more of a host than a datagram: TCP ports first.
    const byHost = new Map<string, Publication>()
    for (const one of wanted.toSorted((a, b) => a.protocol.localeCompare(b.protocol)))
      if (!byHost.has(keyOf(one))) byHost.set(keyOf(one), one)
    let isNews = false
    for (const [key, { home, address, targetPort }] of byHost) {
      if (clock.now() - (measuredAt.get(key) ?? -Infinity) < freshMs) continue
      const path = await measure(address, targetPort)
      measuredAt.set(key, clock.now())
      if (!sources.take(home, address, path)) continue
      isNews = true
      const which = wanted.filter((one) => keyOf(one) === key)
      if (which.some(({ source }) => source === 'keep')) {
        if (path === 'past') log.warn({ home }, `visitors are hidden: ${whyPast(address)}`)
        else log.info({ home, address }, 'visitors’ addresses are kept again')
      }
      if (path === 'past' && which.some(({ outgoing }) => outgoing === true)) log.warn({ home }, whySentPast(address))
    }
    if (isNews) await deps.follow()
  }

  const lookOrLog = (publications: () => readonly Publication[], freshMs: number): Promise<void> =>
    mutex.runExclusive(() =>
      look(publications(), freshMs).catch((thrown: unknown) =>
        log.warn({ why: reasonOf(thrown) }, 'the way of answers to visitors could not be measured'),
      ),
    )
  const ofHome = (home: string | undefined) =>
    store.document.publications.filter((one) => home === undefined || one.home === home)
  return {
    one: (publication) =>
      lookOrLog(() => ofHome(publication.home).filter((one) => keyOf(one) === keyOf(publication)), FRESH_MS),
    all: (home) => lookOrLog(() => ofHome(home), 0),
  }
}
