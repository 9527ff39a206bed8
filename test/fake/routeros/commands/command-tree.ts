import { isAtLeast, parseVersion, type Version } from '../version.ts'

/**
 * What commands real routers have, and what those are given: as CHRs of these versions say of themselves by
 * `/console/inspect`. Read off the trees that github.com/tikoci/restraml publishes (docs/VERSION/inspect.json), so that
 * simulator and adapter are held to more than what one author believes. Of the menus that we use; what can only be read
 * does not stand there.
 */
export const TREE_VERSIONS = ['7.12.2', '7.16.2', '7.18.2', '7.21'] as const

/** Names of arguments; `name@7.16.2..` from that of the four versions on, `name@..7.18.2` up to and with that one. */
type Names = string

interface MenuTree {
  /** What `set` takes beside `numbers`, and `add` as well. */
  readonly settable: Names
  /** What `add` takes beside; absent: there is no `add`. */
  readonly add?: Names
  readonly verbs: Names
}

const MENU_TREES: Readonly<Record<string, MenuTree>> = {
  '/interface/wireguard': {
    settable: 'comment disabled listen-port mtu name private-key vrf@7.21..',
    add: 'copy-from',
    verbs: 'add comment disable enable print remove set',
  },
  '/interface/wireguard/peers': {
    settable: `
      allowed-address client-address client-allowed-address@7.21.. client-dns client-endpoint client-keepalive
      client-listen-port comment disabled endpoint-address endpoint-port interface is-responder@7.16.2..7.16.2
      name@7.16.2.. persistent-keepalive preshared-key private-key public-key responder@7.18.2..`,
    add: 'copy-from place-before',
    verbs: 'add comment disable enable move print remove set',
  },
  '/interface/list': {
    settable: 'comment exclude include name',
    add: 'copy-from',
    verbs: 'add comment print remove set',
  },
  '/interface/list/member': {
    settable: 'comment disabled interface list',
    add: 'copy-from',
    verbs: 'add comment disable enable print remove set',
  },
  '/ip/address': {
    settable: 'address broadcast comment disabled interface netmask network',
    add: 'copy-from',
    verbs: 'add comment disable enable print remove set',
  },
  '/ip/route': {
    settable: `
      blackhole check-gateway comment disabled distance dst-address gateway pref-src routing-table scope
      suppress-hw-offload@..7.18.2 target-scope vrf-interface`,
    add: 'copy-from',
    verbs: 'add comment disable enable print remove set',
  },
  '/ip/firewall/filter': {
    settable: `
      action address-list address-list-timeout chain comment connection-bytes connection-limit connection-mark
      connection-nat-state connection-rate connection-state connection-type content disabled dscp dst-address
      dst-address-list dst-address-type dst-limit dst-port fragment hotspot hw-offload@..7.18.2 icmp-options
      in-bridge-port in-bridge-port-list in-interface in-interface-list ingress-priority ipsec-policy
      ipv4-options jump-target layer7-protocol limit log log-prefix nth out-bridge-port out-bridge-port-list
      out-interface out-interface-list p2p packet-mark packet-size per-connection-classifier port priority
      protocol psd random realm reject-with routing-mark src-address src-address-list src-address-type
      src-mac-address src-port tcp-flags tcp-mss time tls-host tos@7.21.. ttl`,
    add: 'copy-from place-before',
    verbs: 'add comment disable enable move print remove set',
  },
  '/ip/firewall/nat': {
    settable: `
      action address-list address-list-timeout chain comment connection-bytes connection-limit connection-mark
      connection-rate connection-type content disabled dscp dst-address dst-address-list dst-address-type
      dst-limit dst-port fragment hotspot icmp-options in-bridge-port in-bridge-port-list in-interface
      in-interface-list ingress-priority ipsec-policy ipv4-options jump-target layer7-protocol limit log
      log-prefix nth out-bridge-port out-bridge-port-list out-interface out-interface-list packet-mark
      packet-size per-connection-classifier port priority protocol psd random randomise-ports realm
      routing-mark same-not-by-dst socks5-port@7.21.. socks5-server@7.21.. socksify-service@7.21.. src-address
      src-address-list src-address-type src-mac-address src-port tcp-mss time tls-host@..7.12.2 to-addresses
      to-ports tos@7.21.. ttl`,
    add: 'copy-from place-before',
    verbs: 'add comment disable enable move print remove set',
  },
  '/ip/firewall/mangle': {
    settable: `
      action address-list address-list-timeout chain comment connection-bytes connection-limit connection-mark
      connection-nat-state connection-rate connection-state connection-type content disabled dscp dst-address
      dst-address-list dst-address-type dst-limit dst-port fragment hotspot icmp-options in-bridge-port
      in-bridge-port-list in-interface in-interface-list ingress-priority ipsec-policy ipv4-options
      jump-target layer7-protocol limit log log-prefix new-connection-mark new-dscp new-mss new-packet-mark
      new-priority new-routing-mark new-ttl nth out-bridge-port out-bridge-port-list out-interface
      out-interface-list p2p packet-mark packet-size passthrough per-connection-classifier port priority
      protocol psd random realm route-dst routing-mark sniff-id sniff-target sniff-target-port src-address
      src-address-list src-address-type src-mac-address src-port tcp-flags tcp-mss time tls-host tos@7.21..
      ttl`,
    add: 'copy-from place-before',
    verbs: 'add comment disable enable move print remove set',
  },
  '/ip/firewall/raw': {
    settable: `
      action address-list address-list-timeout chain comment content disabled dscp dst-address dst-address-list
      dst-address-type dst-limit dst-port fragment hotspot icmp-options in-bridge-port in-bridge-port-list
      in-interface in-interface-list ingress-priority ipsec-policy ipv4-options jump-target limit log log-prefix
      nth out-bridge-port out-bridge-port-list out-interface out-interface-list packet-mark packet-size
      per-connection-classifier port priority protocol psd random src-address src-address-list src-address-type
      src-mac-address src-port tcp-flags tcp-mss time tls-host tos@7.21.. ttl`,
    add: 'copy-from place-before',
    verbs: 'add comment disable enable move print remove set',
  },
  '/ip/firewall/address-list': {
    settable: 'address comment disabled dynamic list timeout',
    add: 'copy-from',
    verbs: 'add comment disable enable print remove set',
  },
  '/ip/service': {
    settable: 'address certificate disabled max-sessions@7.16.2.. port tls-version vrf',
    verbs: 'disable enable print set',
  },
  '/certificate': {
    settable: `
      common-name country days-valid digest-algorithm key-size key-usage locality name organization state
      subject-alt-name trust-store@7.21.. trusted unit`,
    add: 'copy-from',
    verbs: 'add print remove set sign',
  },
  '/system/scheduler': {
    settable: 'comment disabled interval name on-event policy start-date start-time',
    add: 'copy-from',
    verbs: 'add comment disable enable print remove set',
  },
  '/system/script': {
    settable: 'comment dont-require-permissions name owner policy source',
    add: 'copy-from',
    verbs: 'add comment print remove run set',
  },
  '/user': {
    settable: `
      address comment disabled group inactivity-policy@7.16.2.. inactivity-timeout@7.16.2.. name password`,
    add: 'copy-from',
    verbs: 'add comment disable enable print remove set',
  },
  '/user/group': {
    settable: 'comment name policy skin',
    add: 'copy-from',
    verbs: 'add comment print remove set',
  },
}

/** Commands that are no settings. */
const COMMANDS: Readonly<Record<string, { readonly since: string; readonly names: Names }>> = {
  '/execute': { since: '7.12.2', names: 'as-string file script' },
  '/tool/ping': {
    since: '7.12.2',
    names: `
    address arp-ping as-value count do-not-fragment dscp interface interval proplist@7.16.2.. size src-address
    ttl vrf without-paging`,
  },
  '/safe-mode/take': { since: '7.18.2', names: 'on-error' },
  '/safe-mode/release': { since: '7.18.2', names: '' },
  '/safe-mode/unroll': { since: '7.18.2', names: '' },
  '/safe-mode/get': { since: '7.18.2', names: 'as-string as-string-value value-name' },
  '/certificate/sign': {
    since: '7.12.2',
    names: `
    append as-value ca ca-crl-host ca-on-smart-card do duration file freeze-frame-interval@7.21.. interval
    name number once without-paging`,
  },
  '/interface/print': {
    since: '7.12.2',
    names: `
    append as-value brief count-only detail file follow follow-only follow-strict@..7.12.2 from
    group-by@7.18.2.. interval oid proplist show-ids stats stats-detail terse value-list where without-paging`,
  },
  '/ip/firewall/connection/print': {
    since: '7.12.2',
    names: `
    append as-value brief count-only detail file follow follow-only follow-strict@..7.12.2 from
    group-by@7.18.2.. interval proplist show-ids terse value-list where without-paging`,
  },
  '/ip/firewall/connection/remove': { since: '7.12.2', names: 'numbers' },
  '/system/script/job/print': {
    since: '7.12.2',
    names: `
    append as-value brief count-only detail file follow follow-only follow-strict@..7.12.2 from
    group-by@7.18.2.. interval proplist show-ids terse value-list where without-paging`,
  },
  '/system/script/job/remove': { since: '7.12.2', names: 'numbers' },
  '/user/active/print': {
    since: '7.12.2',
    names: `
    append as-value brief count-only detail file follow follow-only follow-strict@..7.12.2 from
    group-by@7.18.2.. interval proplist show-ids terse value-list where without-paging`,
  },
  '/ip/settings/print': { since: '7.12.2', names: 'as-value file interval without-paging' },
  '/system/identity/print': { since: '7.12.2', names: 'as-value file interval oid without-paging' },
  '/system/resource/print': { since: '7.12.2', names: 'as-value file interval oid without-paging' },
  '/system/device-mode/print': { since: '7.12.2', names: 'as-value config@7.18.2.. file interval without-paging' },
  '/system/clock/print': { since: '7.12.2', names: 'as-value file interval without-paging' },
  '/system/ntp/client/print': { since: '7.12.2', names: 'as-value file interval without-paging' },
}

/** Of the API itself, not of a command: the manual, "API". */
const OF_THE_API = ['.id', '.proplist', 'count-only', 'detail']

export function settableNames(path: string, version: Version): ReadonlySet<string> | null {
  const tree = MENU_TREES[path]
  return tree === undefined ? null : namesAt(tree.settable, version)
}

/** @returns what a command may be given over the API; null: that version has no such command. */
export function argumentNames(command: string, version: Version): ReadonlySet<string> | null {
  const own = COMMANDS[command]
  if (own !== undefined)
    return isAtLeast(version, own.since) ? new Set([...namesAt(own.names, version), ...OF_THE_API]) : null
  const at = command.lastIndexOf('/')
  const [tree, verb] = [MENU_TREES[command.slice(0, at)], command.slice(at + 1)]
  if (tree === undefined || !namesAt(tree.verbs, version).has(verb)) return null
  switch (verb) {
    case 'add':
      return new Set([...namesAt(tree.settable, version), ...namesAt(tree.add ?? '', version)])
    case 'set':
      return new Set([...namesAt(tree.settable, version), 'numbers', '.id'])
    case 'move':
      return new Set(['numbers', 'destination', '.id'])
    default:
      return new Set(['numbers', ...OF_THE_API])
  }
}

function namesAt(names: Names, version: Version): ReadonlySet<string> {
  const all = names.split(/\s+/).filter((one) => one !== '')
  return new Set(
    all.flatMap((one) => {
      const [name = '', from = '', to = ''] = one.split(/@|\.\./)
      const isHere = (from === '' || isAtLeast(version, from)) && (to === '' || !isLater(version, to))
      return isHere ? [name] : []
    }),
  )
}

/** By their first two numbers. */
function isLater(version: Version, than: string): boolean {
  const { major, minor } = parseVersion(than)
  return version.major > major || (version.major === major && version.minor > minor)
}
