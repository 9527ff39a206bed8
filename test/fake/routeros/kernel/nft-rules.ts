import { createHash } from 'node:crypto'
import type { KernelRule, KernelState, RuleLists } from './kernel.ts'

/** A router's firewall menus as one nftables table. What is not known is refused: it would be a rule that does something else. */
export function nftTable({
  filter,
  nat,
  mangle,
  raw,
  lists,
}: Pick<KernelState, 'filter' | 'nat' | 'mangle' | 'raw' | 'lists'>): string {
  const chains = [
    ...chainsOf('raw', raw, lists, ['prerouting', 'output'], 'filter', -300),
    ...chainsOf('filter', filter, lists, ['forward', 'input', 'output'], 'filter', 0),
    ...chainsOf('mangle', mangle, lists, ['forward', 'prerouting', 'postrouting', 'input', 'output'], 'filter', -150),
    ...chainsOf('nat', nat, lists, ['srcnat', 'dstnat'], 'nat', 0),
  ]
  return ['table ip routeros', 'delete table ip routeros', 'table ip routeros {', ...chains, '}', ''].join('\n')
}

function chainsOf(
  menu: string,
  rules: readonly KernelRule[],
  lists: RuleLists,
  hooked: readonly string[],
  type: 'filter' | 'nat',
  priority: number,
): readonly string[] {
  // A jump to a chain without rules comes back.
  const names = new Set(rules.flatMap((rule) => [rule['chain'] ?? '', rule['jump-target'] ?? []].flat()))
  const all = [...names].filter((name) => !hooked.includes(name))
  const chain = (name: string, head: string): string =>
    [
      `  chain ${menu}_${name} {`,
      head,
      ...rules
        .filter((rule) => rule['chain'] === name)
        .flatMap(byEitherPort)
        .flatMap((rule) => nftRule(menu, rule, lists) ?? []),
      '  }',
    ].join('\n')
  return [
    // Jumped to, so there before who jumps.
    ...all.map((name) => chain(name, '')),
    ...hooked
      .filter((name) => names.has(name))
      .map((name) =>
        chain(
          name,
          `    type ${type} hook ${hookOf(name)} priority ${type === 'nat' ? natPriority(name) : priority}; policy accept;`,
        ),
      ),
  ]
}

function hookOf(chain: string): string {
  return chain === 'srcnat' ? 'postrouting' : chain === 'dstnat' ? 'prerouting' : chain
}

function natPriority(chain: string): number {
  return chain === 'srcnat' ? 100 : -100
}

const SILENT = new Set([
  'chain',
  'action',
  'log',
  'log-prefix',
  'passthrough',
  'new-mss',
  'to-addresses',
  'to-ports',
  'jump-target',
  'reject-with',
  'new-connection-mark',
  'route-dst',
])

/** What packets of an `action=route` bear, for a rule of the kernel's routing. */
export const ROUTED_MARK = '0x52'

/** The kernel's marks are numbers. */
function markNumber(name: string | undefined): string {
  return `0x${createHash('sha256')
    .update(name ?? '')
    .digest('hex')
    .slice(0, 7)}`
}

/** @returns null for a rule that matches nothing. */
function nftRule(menu: string, rule: KernelRule, lists: RuleLists): string | null {
  const matches = Object.entries(rule)
    .filter(([name]) => !SILENT.has(name))
    .map(([name, value]) => (name.endsWith('-list') ? listMatch(name, value, lists) : match(name, value, rule)))
  return matches.includes(null) ? null : `    ${[...matches, verdict(menu, rule)].join(' ')}`
}

/** `port` is the source or the destination port (manual, "Filter"), and `!` of it neither. */
function byEitherPort({ port, ...rest }: KernelRule): readonly KernelRule[] {
  if (port === undefined) return [rest]
  if (port.startsWith('!')) return [{ ...rest, 'src-port': port, 'dst-port': port }]
  return [
    { ...rest, 'src-port': port },
    { ...rest, 'dst-port': port },
  ]
}

/** An empty list has nobody in it, and everybody is outside. @returns null: nothing matches. */
function listMatch(name: string, text: string, { interfaces, addresses }: RuleLists): string | null {
  const isNot = text.startsWith('!')
  const list = text.replace(/^!/, '')
  const field = LISTED[name]
  // The lists that every router has (manual, "Interface List"): `dynamic` has what the router made by itself.
  if (field === undefined || list === 'dynamic')
    throw new TypeError(`the laboratory's kernel does not know ${name}=${text}`)
  const isInterfaces = name.endsWith('interface-list')
  const isAll = isInterfaces && (list === 'all' || list === 'static')
  const members = isAll ? [] : ((isInterfaces ? interfaces : addresses).get(list) ?? [])
  if (members.length === 0) return isAll === isNot ? null : ''
  const named = isInterfaces ? members.map((member) => `"${member}"`) : members
  return `${field} ${isNot ? '!= ' : ''}{ ${named.join(', ')} }`
}

const LISTED: Readonly<Record<string, string>> = {
  'in-interface-list': 'iifname',
  'out-interface-list': 'oifname',
  'src-address-list': 'ip saddr',
  'dst-address-list': 'ip daddr',
}

function match(name: string, text: string, rule: KernelRule): string {
  const not = text.startsWith('!') ? '!= ' : ''
  const value = text.replace(/^!/, '')
  switch (name) {
    case 'in-interface':
      return `iifname ${not}"${value}"`
    case 'out-interface':
      return `oifname ${not}"${value}"`
    case 'src-address':
      return `ip saddr ${not}${value}`
    case 'dst-address':
      return `ip daddr ${not}${value}`
    case 'protocol':
      return `meta l4proto ${not}${value}`
    case 'src-port':
    case 'dst-port':
      return `${rule['protocol']} ${name === 'src-port' ? 'sport' : 'dport'} ${not}{ ${value} }`
    case 'tcp-flags':
      return `tcp flags ${value}`
    case 'connection-mark':
      return `ct mark ${not}${markNumber(value)}`
    case 'connection-state':
      return `ct state ${not}${value}`
    default:
      throw new TypeError(`the laboratory's kernel does not know ${name}=${text}`)
  }
}

function verdict(menu: string, rule: KernelRule): string {
  switch (rule['action'] ?? 'accept') {
    case 'accept':
      return 'accept'
    case 'drop':
      return 'drop'
    case 'reject':
      return 'reject'
    // Counted, and left to the rules below.
    case 'fasttrack-connection':
    case 'passthrough':
      return 'counter'
    case 'jump':
      return `jump ${menu}_${rule['jump-target']}`
    case 'return':
      return 'return'
    case 'notrack':
      return 'notrack'
    case 'masquerade':
      return 'masquerade'
    case 'src-nat':
      return `snat to ${rule['to-addresses']}`
    case 'netmap':
      return `dnat ip prefix to ${rule['to-addresses']}`
    case 'dst-nat':
      return `dnat to ${rule['to-addresses']}${rule['to-ports'] === undefined ? '' : `:${rule['to-ports']}`}`
    case 'mark-connection':
      return `ct mark set ${markNumber(rule['new-connection-mark'])}`
    case 'route':
      return `meta mark set ${ROUTED_MARK}`
    case 'change-mss':
      return rule['new-mss'] === 'clamp-to-pmtu'
        ? 'tcp option maxseg size set rt mtu'
        : `tcp option maxseg size set ${rule['new-mss']}`
    default:
      throw new TypeError(`the laboratory's kernel does not know action=${rule['action']}`)
  }
}
