import { setMaxListeners } from 'node:events'
import type { Row, Session } from '../api/session.ts'

/** The menus that hold what homeward makes, and the properties that it reads of their rows. */
export const MENUS = {
  interface: {
    path: '/interface/wireguard',
    // Never private-key: nobody here needs it, and the user with the fewest rights may not read it.
    properties: ['name', 'mtu', 'listen-port', 'public-key', 'running', 'disabled', 'comment'],
  },
  peer: {
    path: '/interface/wireguard/peers',
    properties: [
      'interface',
      // From 7.15 on; a version omits names that it does not know from its answer.
      'name',
      'public-key',
      'endpoint-address',
      'endpoint-port',
      'current-endpoint-address',
      'current-endpoint-port',
      'allowed-address',
      'persistent-keepalive',
      'last-handshake',
      'rx',
      'tx',
      'dynamic',
      'disabled',
      'comment',
    ],
  },
  address: {
    path: '/ip/address',
    properties: ['address', 'interface', 'dynamic', 'invalid', 'disabled', 'comment'],
  },
  route: {
    path: '/ip/route',
    properties: ['dst-address', 'gateway', 'distance', 'blackhole', 'dynamic', 'disabled', 'comment'],
  },
  filter: { path: '/ip/firewall/filter', properties: ruleProperties(['jump-target']) },
  nat: { path: '/ip/firewall/nat', properties: ruleProperties(['to-addresses', 'to-ports', 'jump-target']) },
  mangle: {
    path: '/ip/firewall/mangle',
    properties: ruleProperties(['new-mss', 'new-connection-mark', 'route-dst', 'passthrough', 'jump-target']),
  },
} as const satisfies Record<string, { readonly path: string; readonly properties: readonly string[] }>

export type Menu = keyof typeof MENUS
export type RuleMenu = 'filter' | 'nat' | 'mangle'
export type OtherMenu = Exclude<Menu, RuleMenu>

export const RULE_MENUS = ['filter', 'nat', 'mangle'] as const satisfies readonly RuleMenu[]

/** The rows of every menu, in their order. */
export type Tables = Readonly<Record<Menu, readonly Row[]>>

/** Reads all menus in the time of one round trip. */
export async function readTables(exec: Session['exec'], signal: AbortSignal): Promise<Tables> {
  // Each question listens to the signal, and the caller may have others under way: more than Node takes for a leak.
  setMaxListeners(0, signal)
  const [own, peer, address, route, filter, nat, mangle] = await Promise.all([
    readMenu(exec, 'interface', signal),
    readMenu(exec, 'peer', signal),
    readMenu(exec, 'address', signal),
    readMenu(exec, 'route', signal),
    readMenu(exec, 'filter', signal),
    readMenu(exec, 'nat', signal),
    readMenu(exec, 'mangle', signal),
  ])
  return { interface: own, peer, address, route, filter, nat, mangle }
}

/** Not those of routing protocols, of which a router may have a hundred thousand (manual, API, Queries: `?#!` negates). */
export const STATIC = ['?dynamic=true', '?#!']

export async function readMenu(exec: Session['exec'], menu: Menu, signal: AbortSignal): Promise<readonly Row[]> {
  const { path, properties } = MENUS[menu]
  const attributes = { '.proplist': ['.id', ...properties].join(',') }
  const queries = menu === 'route' ? STATIC : []
  return (await exec({ command: `${path}/print`, attributes, queries }, signal)).rows
}

/** All properties that may narrow a rule down: a rule that its owner narrowed further is no longer as it should be. */
function ruleProperties(special: readonly string[]): readonly string[] {
  return [
    'chain',
    'action',
    ...special,
    'src-address',
    'dst-address',
    'src-address-list',
    'dst-address-list',
    'in-interface',
    'out-interface',
    'in-interface-list',
    'out-interface-list',
    'protocol',
    'src-port',
    'dst-port',
    'port',
    'tcp-flags',
    'connection-state',
    'connection-nat-state',
    'connection-mark',
    'dynamic',
    'disabled',
    'comment',
  ]
}
