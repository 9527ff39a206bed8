import type { Adapter } from '../../adapters/adapter.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'
import {
  MOST_PUBLISHED_PORTS,
  portCount,
  type ProofAnswer,
  type Publication,
  type PublicationList,
  type PublishedRange,
  rangeText,
} from '../../protocol/publications.ts'
import type { Log } from '../../system/process/log.ts'
import type { HubConfig } from '../settings/config.ts'
import type { Asker } from '../core/devices.ts'
import { firstLed, ledPorts } from '../core/led-ports.ts'
import { ownerOf } from '../machine/port-owner.ts'
import {
  addPublication,
  findPublication,
  listedPublications,
  type PublicationInput,
  type ReservedBy,
  removePublication,
} from '../core/publications.ts'
import { type ProofParts, proveWay } from './proof.ts'
import type { Follow } from '../machine/follow.ts'
import type { SshPorts } from '../machine/ssh-ports.ts'
import { type Home, homeNamed } from '../core/store-document.ts'
import type { Settings } from '../settings/settings.ts'
import type { Store } from '../store/store.ts'
import type { Update } from './update.ts'

/** Leads ports of this hub to services at homes, and takes them back. */
export interface Publishing {
  readonly add: (asker: Asker, input: PublicationInput) => Promise<Publication>
  readonly remove: (asker: Asker, range: PublishedRange) => Promise<Publication>
  readonly list: (asker: Asker) => PublicationList
  /** Follows a visitor's way to it. @throws {Problem} `publication-missing`, `home-unknown`. */
  readonly check: (asker: Asker, range: PublishedRange) => Promise<ProofAnswer>
}

export interface PublishingParts {
  readonly settings: Pick<Settings, 'current'>
  readonly store: Pick<Store, 'document'>
  readonly update: Update
  readonly adapter: Pick<Adapter, 'execute'>
  /** The whole of it follows when the short way does not do. */
  readonly machine: Pick<Follow, 'alone' | 'follow'>
  /** Ports at which programs of this machine answer from outside. */
  readonly served: (protocol: Publication['protocol']) => Promise<ReadonlySet<number>>
  readonly ssh: Pick<SshPorts, 'ports' | 'look' | 'settled'>
  /** What the proof asks, of a home. */
  readonly proof: (home: Home) => Omit<ProofParts, 'withheld'>
  readonly log: Log
}

/** Above what all ports that a hub leads take on a small, busy VPS. */
const CHANGE_MS = 30_000

export function makePublishing(parts: PublishingParts): Publishing {
  const { settings, store, update, machine, ssh, log } = parts

  /**
   * One transaction of the firewall with what changed, whatever else there is; where that cannot be, for instance because
   * somebody took the table away, everything is brought to what it should be.
   */
  async function follow(asker: Asker, change: Changed, done: string): Promise<void> {
    const { add = [], remove = [] } = change
    // What is taken back makes room for what was too much.
    if (portCount([...store.document.publications, ...remove]) > MOST_PUBLISHED_PORTS)
      return machine.follow(asker, done)
    const [{ ports: added }, { ports: removed }] = [ledPorts(add, ssh.ports()), ledPorts(remove, ssh.ports())]
    const step = {
      kind: 'change-published',
      interface: settings.current.interface,
      add: added,
      remove: removed,
    } as const
    try {
      await machine.alone(() => parts.adapter.execute(step, AbortSignal.timeout(CHANGE_MS)))
    } catch (thrown) {
      log.warn({ why: reasonOf(thrown) }, 'the firewall did not take a change by itself: all of it is made again')
      await machine.follow(asker, done)
    }
  }

  return {
    add: async (asker, input) => {
      await ssh.look()
      await ssh.settled(input.port, input.lastPort)
      const reservedBy = await reservations(settings.current, input, await parts.served(input.protocol), ssh.ports())
      const { result, changed } = await update((document, { now }) =>
        addPublication(document, asker, input, reservedBy, now),
      )
      if (!changed) return result
      log.info({ ...result }, 'a port was published')
      await follow(asker, { add: [result] }, 'it is in the store')
      return result
    },
    remove: async (asker, range) => {
      const { result } = await update((document) => removePublication(document, asker, range))
      log.info({ ...result }, 'a port was taken back')
      await follow(asker, { remove: [result] }, 'it is removed from the store')
      return result
    },
    check: async (asker, range) => {
      const what = `checking ${rangeText(range)}`
      const publication = findPublication(store.document, asker, range, what)
      const home = homeNamed(store.document, publication.home)
      if (home === null) throw new Problem('home-missing', { what, why: `the hub has no home ${publication.home}` })
      const withheld = ledPorts(store.document.publications, ssh.ports()).withheld.get(publication) ?? []
      const links = await proveWay(publication, { ...parts.proof(home), withheld })
      return { links, port: firstLed(publication, withheld) ?? publication.port }
    },
    list: (asker) => {
      const led = ledPorts(store.document.publications, ssh.ports())
      return { publications: [...listedPublications(store.document, asker, led)] }
    },
  }
}

interface Changed {
  readonly add?: readonly Publication[]
  readonly remove?: readonly Publication[]
}

/** What no visitor may be led away from. The program that has the first port in the way is named where it can be. */
async function reservations(
  { port: own, alternatePorts }: HubConfig,
  { protocol, port, lastPort }: PublishedRange,
  served: ReadonlySet<number>,
  sshPorts: ReadonlySet<number>,
): Promise<ReservedBy> {
  const first = [...served].filter((one) => one >= port && one <= lastPort).sort((a, b) => a - b)[0]
  const owner = first === undefined ? null : ((await ownerOf(protocol, first)) ?? 'another program')
  const user = (asked: Publication['protocol'], number: number): string | null => {
    if (number === own) return asked === 'udp' ? 'WireGuard' : 'the registrar'
    if (asked === 'udp' && alternatePorts.includes(number)) return 'WireGuard, as one of alternatePorts in hub.yaml,'
    return number === first ? owner : served.has(number) ? 'another program' : null
  }
  return (asked, number) => {
    const by = user(asked, number)
    if (by !== null) return `${by} uses ${asked.toUpperCase()} port ${number} of the hub`
    return asked === 'tcp' && sshPorts.has(number) ? `TCP port ${number} of the hub is kept for ssh` : null
  }
}
