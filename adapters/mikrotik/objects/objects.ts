import { nthAddress } from '../../../net/hosts.ts'
import { outside } from '../../../net/outside.ts'
import { NOT_INTERNET } from '../../../net/internet.ts'
import type { HomeForwarding } from '../../spec.ts'
import { namedMark } from './mark.ts'
import type { RuleMenu } from './menus.ts'

/** One firewall rule as wanted. */
export interface Rule {
  readonly menu: RuleMenu
  /** Chain, action and matches, the comment among them. */
  readonly attributes: Readonly<Record<string, string>>
}

/**
 * The internet, by the ranges between what is none of it: `dst-address` takes one range (manual, Filter), and no rule
 * depends on a drop before it, however much of a change is done.
 */
const INTERNET = outside(NOT_INTERNET)

/** The tunnel that the rules are for. */
export interface RulesSpec {
  readonly interface: string
  /** The tunnel's own network, canonical CIDR. */
  readonly network: string
  readonly forwarding: HomeForwarding
}

/**
 * Our rules, in their order in each chain. Pure. They match the tunnel's interface, or what says that it is of the tunnel's
 * network: packets that do not touch the tunnel are not ours to judge. They stand first in their chains, which also keeps the LAN's flows through the tunnel
 * from a fasttrack rule below: fasttracked packets would bypass mangle, and with it the clamp.
 */
export function wantedRules({ interface: name, network, forwarding }: RulesSpec): readonly Rule[] {
  const lan = [...new Set(forwarding.lan)].sort()
  const internet = forwarding.exit ? INTERNET : []
  const rule = (menu: RuleMenu, ruleName: string, attributes: Readonly<Record<string, string>>): Rule => ({
    menu,
    attributes: { ...attributes, comment: namedMark(name, ruleName) },
  })
  const fromTunnel = { 'in-interface': name }
  const known = { ...fromTunnel, 'connection-state': 'established,related' }
  const forward = { chain: 'forward' }
  const input = { chain: 'input' }
  // Connection tracking asks nobody by which interface an answer comes: whoever shares a link with the router could send
  // into flows of the tunnel.
  const forged = { action: 'drop', 'in-interface': `!${name}`, 'src-address': network }
  const toInternet = (range: string) => ({
    'out-interface': `!${name}`,
    'src-address': network,
    'dst-address': range,
  })
  const clamp = {
    ...forward,
    action: 'change-mss',
    'new-mss': 'clamp-to-pmtu',
    passthrough: 'yes',
    protocol: 'tcp',
    'tcp-flags': 'syn',
  }
  return [
    rule('filter', 'forward-forged', { ...forward, ...forged }),
    rule('filter', 'forward-known', { ...forward, action: 'accept', ...known }),
    ...lan.map((prefix) =>
      rule('filter', `forward-lan ${prefix}`, { ...forward, action: 'accept', ...fromTunnel, 'dst-address': prefix }),
    ),
    ...internet.map((range) =>
      rule('filter', `forward-exit ${range}`, { ...forward, action: 'accept', ...fromTunnel, ...toInternet(range) }),
    ),
    rule('filter', 'forward-drop', { ...forward, action: 'drop', ...fromTunnel }),
    // Only from the LAN: the router may be where the internet begins, and its owner's rules below keep that out.
    ...lan.map((prefix) =>
      rule('filter', `forward-out ${prefix}`, {
        ...forward,
        action: 'accept',
        'out-interface': name,
        'src-address': prefix,
      }),
    ),
    // Answers from the internet: the rules above take what the LAN answers, and a fasttrack rule below would take these.
    ...(forwarding.exit
      ? [
          rule('filter', 'forward-back', {
            ...forward,
            action: 'accept',
            'out-interface': name,
            'dst-address': network,
            'connection-state': 'established,related',
          }),
        ]
      : []),
    rule('filter', 'input-forged', { ...input, ...forged }),
    rule('filter', 'input-icmp', { ...input, action: 'accept', ...fromTunnel, protocol: 'icmp' }),
    rule('filter', 'input-known', { ...input, action: 'accept', ...known }),
    rule('filter', 'input-drop', { ...input, action: 'drop', ...fromTunnel }),
    // The hub knows the home by one address; what the LAN starts, with the agent's heartbeats, comes from there.
    rule('nat', 'out', { chain: 'srcnat', action: 'masquerade', 'out-interface': name }),
    ...(forwarding.mode === 'routed' ? [] : lan).map((prefix) =>
      rule('nat', `lan ${prefix}`, {
        chain: 'srcnat',
        action: 'masquerade',
        'src-address': network,
        'dst-address': prefix,
      }),
    ),
    ...internet.map((range) =>
      rule('nat', `exit ${range}`, { chain: 'srcnat', action: 'masquerade', ...toInternet(range) }),
    ),
    ...forwarding.seenAs.map(({ prefix, seen }) =>
      rule('nat', `seen ${seen}`, {
        chain: 'dstnat',
        action: 'netmap',
        'to-addresses': prefix,
        ...fromTunnel,
        'dst-address': seen,
      }),
    ),
    rule('mangle', 'mss-out', { ...clamp, 'out-interface': name }),
    rule('mangle', 'mss-in', { ...clamp, ...fromTunnel }),
    ...(forwarding.visitors ? visitorRules(name, network) : []).map(([ruleName, attributes]) =>
      rule('mangle', ruleName, { chain: 'prerouting', ...attributes }),
    ),
  ]
}

/**
 * Rules that mark a connection which came out of the tunnel from outside its network, and that route answers on it back
 * there whatever the routing tables say (manual, Mangle, action=route: "prerouting chain only"). WireGuard finds the
 * peer by the packet's destination; the address to route to only selects the interface.
 */
function visitorRules(
  name: string,
  network: string,
): readonly (readonly [name: string, attributes: Readonly<Record<string, string>>])[] {
  const mark = `homeward-${name}`
  const visitor = { 'connection-state': 'new', 'in-interface': name, 'src-address': `!${network}` }
  return [
    ['visitors', { action: 'mark-connection', 'new-connection-mark': mark, passthrough: 'yes', ...visitor }],
    [
      'answers',
      { action: 'route', 'route-dst': nthAddress(network, 1), 'connection-mark': mark, 'in-interface': `!${name}` },
    ],
  ]
}

/** A route for the tunnel's network while its interface is away, so that no packet for it goes to the internet. */
export function blackholeOf(interfaceName: string, network: string): Readonly<Record<string, string>> {
  return {
    'dst-address': network,
    // A flag: a real router refuses `yes` here (seen by tikoci/centrs) and takes the bare flag.
    blackhole: '',
    // Behind the connected route (0) and any route of the owner or of a routing protocol (up to 200).
    distance: '250',
    comment: namedMark(interfaceName, `network ${network}`),
  }
}

/** A further route into the tunnel. */
export function routeOf(interfaceName: string, prefix: string): Readonly<Record<string, string>> {
  return { 'dst-address': prefix, gateway: interfaceName, comment: namedMark(interfaceName, `route ${prefix}`) }
}
