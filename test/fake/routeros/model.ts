import { randomBytes } from 'node:crypto'
import { privateKeyFrom } from '../../../wireguard/keys.ts'
import { type Endpoints, makeEndpoints } from './api/endpoints.ts'
import { type EventOddities, NO_ODDITIES } from './api/event-oddities.ts'
import type { KernelState, KernelRoute, RouterKernel, WireguardInterface } from './kernel/kernel.ts'
import { isInterfaceList, isInvalid } from './tables/references.ts'
import { type Item, makeTables, type Snapshot, type Tables } from './tables/tables.ts'
import { secondsIn } from './tables/values.ts'
import type { Version } from './version.ts'

/** One router: its settings, what carries them out, and what it remembers until the next reboot. */
export interface Model {
  readonly version: Version
  readonly tables: Tables
  readonly kernel: RouterKernel
  /** Interfaces that are none of WireGuard's. */
  readonly links: readonly string[]
  readonly identity: string
  readonly deviceMode: 'home' | 'advanced'
  readonly switches: Switches
  readonly endpoints: Endpoints
  /** Makes the kernel follow. One at a time; ends when this change is there. */
  readonly settle: () => Promise<void>
  readonly isInterface: (name: string) => boolean
  readonly isInterfaceList: (name: string) => boolean
  readonly snapshot: () => Snapshot
  readonly restore: (snapshot: Snapshot) => Promise<void>
}

/** Oddities of real routers that a test can turn on. */
export interface Switches {
  /** `1m5s`, or `00:01:05`. */
  ageSpelling: 'units' | 'clock'
  /** A connection is gone between print and remove. */
  vanishingConnections: boolean
  /** No battery, no NTP yet. */
  clock: 'right' | '1970'
  /** `/execute` is refused. */
  refusesJobs: boolean
  /** `203.0.113.1:51820`, or address and port apart. */
  connectionSpelling: 'joined' | 'apart'
  /** Of `/ip/settings`. */
  rpFilter: 'no' | 'loose' | 'strict'
  /** The router distrusts its own configuration. */
  flagged: boolean
  /** A certificate takes so long. */
  signMs: number
  /** What names resolve to, from now on. */
  readonly names: Record<string, string>
  /** Whether a reboot gives rows other ids is not known. */
  renumbersAtReboot: boolean
  /** Commands that fail, by path and verb. */
  refuses: RegExp | null
  /** How changes are told to those who listen. */
  events: EventOddities
}

export const WIREGUARD = '/interface/wireguard'
export const PEERS = '/interface/wireguard/peers'

export interface ModelPlan {
  readonly version: Version
  readonly kernel: RouterKernel
  readonly links: readonly string[]
  readonly deviceMode: 'home' | 'advanced'
}

export function makeModel({ version, kernel, links, deviceMode }: ModelPlan): Model {
  const tables = makeTables()
  const switches: Switches = {
    ageSpelling: 'units',
    vanishingConnections: false,
    clock: 'right',
    refusesJobs: false,
    refuses: null,
    events: NO_ODDITIES,
    renumbersAtReboot: false,
    connectionSpelling: 'joined',
    rpFilter: 'no',
    flagged: false,
    signMs: 200,
    names: {},
  }
  const endpoints = makeEndpoints(switches.names)
  let turn: Promise<void> = Promise.resolve()
  const isInterface = (name: string): boolean =>
    links.includes(name) || tables.rows(WIREGUARD).some(({ values }) => values.get('name') === name)
  const settle = (): Promise<void> => {
    keepFasttrackDummy(tables)
    turn = turn.catch(() => undefined).then(() => kernel.apply(kernelState(tables, endpoints)))
    return turn
  }
  return {
    version,
    tables,
    kernel,
    links,
    identity: 'MikroTik',
    deviceMode,
    endpoints,
    switches,
    settle,
    isInterface,
    isInterfaceList: (name) => isInterfaceList(tables, name),
    snapshot: tables.snapshot,
    restore: async (snapshot) => {
      tables.restore(snapshot)
      await settle()
    },
  }
}

/** What a new interface gets when nobody says it. */
export function freshInterface(tables: Tables): {
  readonly name: string
  readonly privateKey: string
  readonly port: string
} {
  const taken = new Set(tables.rows(WIREGUARD).flatMap(({ values }) => [values.get('name'), values.get('listen-port')]))
  const numbers = Array.from({ length: 1_000 }, (_, index) => index + 1)
  const name = numbers.map((number) => `wireguard${number}`).find((one) => !taken.has(one)) ?? ''
  const port = [13_231, ...numbers.map((number) => 13_231 + number)].map(String).find((one) => !taken.has(one)) ?? ''
  return { name, privateKey: privateKeyFrom(randomBytes(32)), port }
}

export function isEnabled({ values }: Item): boolean {
  return values.get('disabled') !== 'true'
}

/** Wherever there is a fasttrack rule, a router shows a dynamic one that counts what passed it by. */
function keepFasttrackDummy(tables: Tables): void {
  const filter = '/ip/firewall/filter'
  const rows = tables.rows(filter)
  const wanted = rows.some((item) => item.values.get('action') === 'fasttrack-connection' && isEnabled(item))
  const dummy = rows.find((item) => item.isDynamic)
  if (wanted === (dummy !== undefined)) return
  if (dummy !== undefined) return tables.remove(filter, dummy)
  const values = new Map([
    ['chain', 'forward'],
    ['action', 'passthrough'],
    ['comment', 'special dummy rule to show fasttrack counters'],
  ])
  tables.add(filter, values, { before: rows[0] ?? null, isDynamic: true })
}

function kernelState(tables: Tables, endpoints: Endpoints): KernelState {
  for (const peer of tables.rows(PEERS)) if (!isEnabled(peer)) endpoints.forget(peer)
  const interfaces = tables
    .rows(WIREGUARD)
    .filter(isEnabled)
    .map((item) => wireguardInterface(tables, item, endpoints))
  const rules = (menu: string) =>
    tables
      .rows(`/ip/firewall/${menu}`)
      .filter((item) => isEnabled(item) && !item.isDynamic && !isInvalid(item))
      .map(({ values }) =>
        Object.fromEntries([...values].filter(([name]) => name !== 'comment' && name !== 'disabled')),
      )
  return {
    interfaces,
    addresses: tables
      .rows('/ip/address')
      .filter((item) => isEnabled(item) && !isInvalid(item))
      .map(({ values }) => ({ address: values.get('address') ?? '', interface: values.get('interface') ?? '' })),
    routes: tables
      .rows('/ip/route')
      .filter((item) => isEnabled(item) && !isInvalid(item))
      .map(kernelRoute),
    filter: rules('filter'),
    nat: rules('nat'),
    mangle: rules('mangle'),
    raw: rules('raw'),
    lists: {
      interfaces: membersOf(tables, '/interface/list/member', 'interface'),
      addresses: membersOf(tables, '/ip/firewall/address-list', 'address'),
    },
  }
}

function membersOf(tables: Tables, path: string, property: string): ReadonlyMap<string, readonly string[]> {
  const lists = new Map<string, readonly string[]>()
  for (const { values } of tables.rows(path).filter((item) => isEnabled(item) && !isInvalid(item))) {
    const list = values.get('list') ?? ''
    lists.set(list, [...(lists.get(list) ?? []), values.get(property) ?? ''])
  }
  return lists
}

function kernelRoute({ values }: Item): KernelRoute {
  return {
    destination: values.get('dst-address') ?? '0.0.0.0/0',
    gateway: values.has('blackhole') ? null : (values.get('gateway') ?? null),
    source: values.get('pref-src') ?? null,
    distance: Number(values.get('distance') ?? 1),
  }
}

function wireguardInterface(tables: Tables, { values }: Item, endpoints: Endpoints): WireguardInterface {
  const name = values.get('name') ?? ''
  return {
    name,
    privateKey: values.get('private-key') ?? '',
    listenPort: Number(values.get('listen-port')),
    mtu: Number(values.get('mtu') ?? 1420),
    peers: tables
      .rows(PEERS)
      .filter((item) => item.values.get('interface') === name && isEnabled(item))
      .map((item) => {
        const peer = item.values
        const [address, port] = [endpoints.addressOf(item), Number(peer.get('endpoint-port') ?? 0)]
        return {
          publicKey: peer.get('public-key') ?? '',
          endpoint: address === null || port === 0 ? null : { address, port },
          allowed: (peer.get('allowed-address') ?? '').split(',').filter((prefix) => prefix !== ''),
          keepaliveSeconds: secondsIn(peer.get('persistent-keepalive') ?? '0s') ?? 0,
        }
      }),
  }
}
