import type { Kind } from './values.ts'

/** The tables of a router's configuration, as data. */
export interface MenuPlan {
  readonly path: string
  readonly properties: Readonly<Record<string, Property>>
  readonly required: readonly string[]
  /** Its rows have an order that means something: `place-before`, `move`. */
  readonly isOrdered: boolean
  /** What `numbers` and `.id` may name beside ids. */
  readonly nameProperty: string | null
  /** Neither added nor removed. */
  readonly isFixed: boolean
  /** Not for users with `write` alone. */
  readonly policy: 'write' | 'policy'
}

export interface Property {
  readonly kind: Kind
  /** Versions, e.g. 7.15: from this one on, and up to but not with that one. */
  readonly since?: string
  readonly until?: string
  /** What it has when nobody set it; without, it is absent then. */
  readonly initial?: string
  readonly isSecret?: boolean
}

const text: Property = { kind: 'text' }
const list: Property = { kind: 'list' }
const disabled: Property = { kind: 'flag', initial: 'false' }
const common = { comment: text, disabled }

function menu(path: string, properties: MenuPlan['properties'], more: Partial<MenuPlan> = {}): MenuPlan {
  const fixed = { required: [], isOrdered: false, nameProperty: null, isFixed: false, policy: 'write' } as const
  return { ...fixed, path, properties, ...more }
}

const MATCHES = {
  chain: text,
  action: { kind: 'text', initial: 'accept' },
  'src-address': { kind: 'matched-addresses' },
  'dst-address': { kind: 'matched-addresses' },
  'src-address-list': text,
  'dst-address-list': text,
  'in-interface': { kind: 'interface' },
  'out-interface': { kind: 'interface' },
  'in-interface-list': { kind: 'interface-list' },
  'out-interface-list': { kind: 'interface-list' },
  protocol: text,
  'src-port': text,
  'dst-port': text,
  port: text,
  'connection-mark': text,
  'jump-target': text,
  log: { kind: 'flag', initial: 'false' },
  'log-prefix': { kind: 'text', initial: '' },
  ...common,
} as const satisfies Record<string, Property>

/** Those of raw, which sees packets before there are connections. */
const { 'connection-mark': _, ...UNTRACKED } = MATCHES

/** The filter's and mangle's; nat has none of them. */
const STATES = {
  'tcp-flags': list,
  'connection-state': list,
  'connection-nat-state': list,
} as const satisfies Record<string, Property>

const rules = { required: ['chain'], isOrdered: true }

export const MENUS: readonly MenuPlan[] = [
  menu(
    '/interface/wireguard',
    {
      name: text,
      'listen-port': { kind: 'port' },
      mtu: { kind: 'number', initial: '1420' },
      'private-key': { kind: 'key', isSecret: true },
      vrf: { kind: 'text', since: '7.21', initial: 'main' },
      ...common,
    },
    { nameProperty: 'name' },
  ),
  menu(
    '/interface/wireguard/peers',
    {
      interface: { kind: 'interface' },
      name: { kind: 'text', since: '7.15' },
      'public-key': { kind: 'key' },
      'preshared-key': { kind: 'key', isSecret: true },
      'private-key': { kind: 'key', isSecret: true, since: '7.12' },
      'allowed-address': { kind: 'prefixes', initial: '' },
      'endpoint-address': { kind: 'text', initial: '' },
      'endpoint-port': { kind: 'port', initial: '0' },
      'persistent-keepalive': { kind: 'duration' },
      'is-responder': { kind: 'flag', since: '7.15', until: '7.17', initial: 'false' },
      responder: { kind: 'flag', since: '7.17', initial: 'false' },
      'client-address': { kind: 'text', since: '7.12' },
      'client-dns': { kind: 'text', since: '7.12' },
      'client-endpoint': { kind: 'text', since: '7.12', initial: '' },
      'client-keepalive': { kind: 'duration', since: '7.12' },
      'client-listen-port': { kind: 'port', since: '7.12' },
      'client-allowed-address': { kind: 'text', since: '7.21', initial: '::/0' },
      ...common,
    },
    { required: ['interface', 'public-key'], nameProperty: 'name' },
  ),
  menu('/interface/list', { name: text, comment: text }, { required: ['name'], nameProperty: 'name' }),
  menu(
    '/interface/list/member',
    { list: { kind: 'interface-list' }, interface: { kind: 'interface' }, ...common },
    { required: ['list', 'interface'] },
  ),
  menu(
    '/ip/address',
    { address: { kind: 'prefix' }, interface: { kind: 'interface' }, network: { kind: 'address' }, ...common },
    { required: ['address', 'interface'] },
  ),
  menu(
    '/ip/route',
    {
      'dst-address': { kind: 'prefix', initial: '0.0.0.0/0' },
      gateway: { kind: 'gateway' },
      distance: { kind: 'number', initial: '1' },
      'routing-table': { kind: 'text', initial: 'main' },
      'pref-src': { kind: 'address' },
      'check-gateway': text,
      scope: { kind: 'number', initial: '30' },
      'target-scope': { kind: 'number', initial: '10' },
      blackhole: { kind: 'bare' },
      ...common,
    },
    {},
  ),
  menu('/ip/firewall/filter', { ...MATCHES, ...STATES, 'reject-with': text }, rules),
  menu('/ip/firewall/nat', { ...MATCHES, 'to-addresses': text, 'to-ports': text }, rules),
  menu(
    '/ip/firewall/mangle',
    {
      ...MATCHES,
      ...STATES,
      'new-mss': text,
      passthrough: { kind: 'flag', initial: 'true' },
      'new-connection-mark': text,
      'route-dst': { kind: 'address' },
    },
    rules,
  ),
  menu('/ip/firewall/raw', { ...UNTRACKED, 'tcp-flags': list }, rules),
  menu(
    '/ip/firewall/address-list',
    { list: text, address: text, timeout: { kind: 'duration' }, ...common },
    { required: ['list', 'address'] },
  ),
  menu(
    '/ip/service',
    {
      port: { kind: 'port' },
      address: { kind: 'text', initial: '' },
      certificate: { kind: 'text', initial: 'none' },
      'tls-version': { kind: 'text', initial: 'any' },
      'max-sessions': { kind: 'number', since: '7.16', initial: '20' },
      disabled,
    },
    { nameProperty: 'name', isFixed: true },
  ),
  menu(
    '/certificate',
    {
      name: text,
      'common-name': text,
      'subject-alt-name': text,
      'key-size': text,
      'days-valid': { kind: 'number' },
      'key-usage': list,
    },
    { nameProperty: 'name' },
  ),
  menu(
    '/system/scheduler',
    {
      name: text,
      'on-event': text,
      interval: { kind: 'duration', initial: '0s' },
      'start-date': text,
      'start-time': text,
      policy: list,
      ...common,
    },
    { required: ['name'], nameProperty: 'name' },
  ),
  menu(
    '/system/script',
    { name: text, source: text, policy: list, 'dont-require-permissions': { kind: 'flag' }, comment: text },
    { required: ['name'], nameProperty: 'name' },
  ),
  menu(
    '/user/group',
    { name: text, policy: list, comment: text },
    { required: ['name'], nameProperty: 'name', policy: 'policy' },
  ),
  menu(
    '/user',
    { name: text, group: text, password: { kind: 'text', isSecret: true }, address: text, ...common },
    { required: ['name', 'group'], nameProperty: 'name', policy: 'policy' },
  ),
]
