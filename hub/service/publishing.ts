import type { Adapter } from '../../adapters/adapter.ts'
import { stoppedBy } from '../../adapters/stopped-by.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'
import {
  entryCount,
  type ListedPublication,
  MOST_PUBLISHED_ENTRIES,
  type ProofAnswer,
  type Publication,
  type PublicationList,
  type PublishedRange,
  rangeText,
  withStanding,
} from '../../protocol/publications.ts'
import type { Log } from '../../system/process/log.ts'
import { actorOf, type Principal } from '../core/devices.ts'
import { firstForwarded, forwardedPorts } from '../core/forwarded-ports.ts'
import { ownerOf } from '../machine/ports/port-owner.ts'
import {
  addPublication,
  findPublication,
  listedPublications,
  type PublicationInput,
  removePublication,
} from '../core/publications.ts'
import { type HomeFacts, proveOutgoing, provePath, type SendingFacts } from '../visitors/proof.ts'
import { type Owner, reservations } from './reservations.ts'
import type { KeptSources } from '../visitors/kept-sources.ts'
import type { Follow } from '../machine/follow.ts'
import type { KeptPortsOf } from '../machine/ports/kept-ports.ts'
import { homeNamed } from '../core/store-document.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import type { Update } from './update.ts'
import type { Wishes } from './wishes.ts'
import type { Proving } from '../proving/proving.ts'
import type { WayIn } from '../visitors/way-in.ts'

/** Forwards ports of this hub to services at homes, and withdraws them. */
export interface Publishing {
  readonly add: (principal: Principal, input: PublicationInput) => Promise<Publication>
  readonly remove: (principal: Principal, range: PublishedRange) => Promise<Publication>
  readonly list: (principal: Principal) => PublicationList
  /** Follows a visitor's path to the publication. @throws {Problem} `publication-missing`, `home-unknown`. */
  readonly check: (principal: Principal, range: PublishedRange) => Promise<ProofAnswer>
}

/** How long a check waits for a home to be ready: it hears a request within 25 s, its longest gap, mostly within 5. */
const READY_MS = 30_000

export interface PublishingDeps {
  readonly settings: Pick<Settings, 'current'>
  readonly store: Pick<Store, 'document'>
  /** The publications as they are led. */
  readonly sources: KeptSources
  readonly update: Update
  readonly wishes: Pick<Wishes, 'asking'>
  readonly adapter: Pick<Adapter, 'execute'>
  /** The machine, which follows as a whole when the firewall's transaction does not suffice. */
  readonly machine: Pick<Follow, 'alone' | 'follow'>
  /** Ports at which programs of this machine answer from outside. */
  readonly served: (protocol: Publication['protocol']) => Promise<ReadonlySet<number>>
  readonly ssh: Pick<KeptPortsOf, 'ports' | 'kept' | 'look' | 'settled'>
  readonly wayIn: Pick<WayIn, 'visit' | 'tries' | 'takenFrom'>
  /** Facts about a home for the proof. */
  readonly proof: HomeFacts
  /** Facts about what the home sends by this hub. */
  readonly outgoing: SendingFacts
  /** What is known of publications by checks; null: nobody checks by itself. */
  readonly proving: Pick<Proving, 'take' | 'of'> | null
  readonly today: () => Date
  readonly log: Log
}

/** How long a change may take: above what all forwarded ports of a hub take on a small, busy VPS. */
const CHANGE_MS = 30_000

export function makePublishing(deps: PublishingDeps): Publishing {
  const { settings, store, sources, update, machine, ssh, log } = deps

  /**
   * Executes one transaction of the firewall with the change, whatever else there is; where that cannot be, for
   * instance because somebody removed the table, everything is reconciled.
   */
  async function follow(principal: Principal, change: Changed, done: string): Promise<void> {
    const { add = [], remove = [] } = change
    // A publication that was removed makes room for one that was too much.
    if (entryCount([...store.document.publications, ...remove]) > MOST_PUBLISHED_ENTRIES)
      return machine.follow(principal, done)
    const [{ ports: added }, { ports: removed }] = [
      forwardedPorts(add.map(sources.inFact), ssh.kept()),
      forwardedPorts(remove.map(sources.inFact), ssh.kept()),
    ]
    const step = {
      kind: 'change-published',
      interface: settings.current.interface,
      add: added,
      remove: removed,
    } as const
    try {
      await machine.alone(() => deps.adapter.execute(step, AbortSignal.timeout(CHANGE_MS)))
    } catch (thrown) {
      log.warn({ why: reasonOf(thrown) }, 'the firewall did not take a change by itself: all of it is made again')
      await machine.follow(principal, done)
    }
  }

  return {
    add: async (principal, input) => {
      const { home: _named, ...request } = input
      const asking = <Answer>(act: () => Promise<Answer>) =>
        deps.wishes.asking(principal, () => ({ kind: 'publication', ...request }), act)
      // What nobody could publish costs no look at this machine, which takes seconds and one at a time.
      await asking(async () => addPublication(store.document, principal, input, () => null, deps.today()))
      await ssh.look()
      await ssh.settled(input.port, input.lastPort)
      const served = await deps.served(input.protocol)
      const owner = await ownerInTheWay(input, served)
      const ledAway = isPublished(store.document.publications, input) ? undefined : await ledAwayIn(input, deps.wayIn)
      const reservedBy = reservations(settings.current, {
        served,
        owner,
        sshPorts: ssh.ports(),
        ...(ledAway === undefined ? {} : { ledAway }),
      })
      let before: readonly Publication[] = []
      const { result, changed } = await asking(() =>
        update((document, { now }) => {
          before = document.publications
          return addPublication(document, principal, input, reservedBy, now)
        }, actorOf(principal)),
      )
      if (!changed) return result
      const moved = before.filter(({ protocol, port }) => protocol === result.protocol && port === result.port)
      log.info({ ...result }, moved.length === 0 ? 'a port was published' : 'a publication was changed')
      await follow(principal, { add: [result], remove: moved }, 'it is in the store')
      return result
    },
    remove: async (principal, range) => {
      const { result } = await update((document) => removePublication(document, principal, range), actorOf(principal))
      log.info({ ...result }, 'a port was taken back')
      await follow(principal, { remove: [result] }, 'it is removed from the store')
      return result
    },
    check: async (principal, range) => {
      const what = `checking ${rangeText(range)}`
      const publication = findPublication(store.document, principal, range, what)
      const home = homeNamed(store.document, publication.home)
      if (home === null) throw new Problem('home-missing', { what, why: `the hub has no home ${publication.home}` })
      const withheld = forwardedPorts(store.document.publications, ssh.kept()).withheld.get(publication) ?? []
      const port = firstForwarded(publication, withheld)
      const checked = await provePath(publication, {
        ...deps.proof(home),
        withheld,
        ports: port === null ? [] : [port],
        readyWithinMs: READY_MS,
        whyTaken: (one) => deps.wayIn.tries(publication, one),
      })
      deps.proving?.take(publication, checked)
      const isTunnelUp = checked.links.some(({ link, works }) => link === 'tunnel' && works !== false)
      const sent =
        publication.outgoing === true && isTunnelUp
          ? [await proveOutgoing(publication, { ...deps.outgoing(home), readyWithinMs: READY_MS })]
          : []
      return { links: [...checked.links, ...sent], port: port ?? publication.port }
    },
    list: (principal) => {
      const { document } = sources
      const led = forwardedPorts(document.publications, ssh.kept())
      const listed = listedPublications(document, principal, led).map(sources.withNote)
      return {
        publications: listed.map((one) => {
          return withTaken(withStanding(one, deps.proving?.of(one) ?? null), deps.wayIn.takenFrom(one))
        }),
      }
    },
  }
}

/** Whether some port of the range is published: what comes to it goes into the tunnel then, by our own rules. */
function isPublished(publications: readonly PublishedRange[], range: PublishedRange): boolean {
  return publications.some(
    (one) => one.protocol === range.protocol && one.port <= range.lastPort && range.port <= one.lastPort,
  )
}

/** A publication as it is listed, with the rule of somebody else that takes its visitors. */
function withTaken(listed: ListedPublication, why: string | null): ListedPublication {
  if (why === null) return listed
  const { protocol, port, lastPort } = listed
  const taken = { protocol, port, lastPort, code: 'port-taken', why: `on the hub ${why}` } as const
  return { ...listed, withheld: [...(listed.withheld ?? []), taken] }
}

/** How many ports of a range are opened before it is published. */
const MOST_OPENED = 16

/** Ports of a range that rules of somebody else lead elsewhere, such as to a container of this machine, and how. */
async function ledAwayIn(
  { protocol, port, lastPort }: PublishedRange,
  { visit }: Pick<WayIn, 'visit'>,
): Promise<ReadonlyMap<number, string>> {
  const count = Math.min(lastPort - port + 1, MOST_OPENED)
  const ports = Array.from({ length: count }, (_, index) =>
    count === 1 ? port : port + Math.round((index * (lastPort - port)) / (count - 1)),
  )
  const fates = await visit(ports.map((one) => ({ protocol, port: one, wanted: 'local' })))
  return new Map(
    (fates ?? []).flatMap((fate, index) => {
      const why = fate.end === 'led-away' ? stoppedBy(fate) : null
      return why === null ? [] : [[ports[index] ?? port, why] as const]
    }),
  )
}

interface Changed {
  readonly add?: readonly Publication[]
  readonly remove?: readonly Publication[]
}

/** The program at the first port in the way, where it can be found out. */
async function ownerInTheWay(
  { protocol, port, lastPort }: PublishedRange,
  served: ReadonlySet<number>,
): Promise<Owner | null> {
  const [first] = [...served].filter((one) => one >= port && one <= lastPort).sort((a, b) => a - b)
  return first === undefined ? null : { port: first, name: await ownerOf(protocol, first) }
}
