import { createHash } from 'node:crypto'
import type { KernelRule, KernelState } from './kernel.ts'

/** A router's firewall menus as one nftables table. What is not known is refused: it would be a rule that does something else. */
export function nftTable({ filter, nat, mangle }: Pick<KernelState, 'filter' | 'nat' | 'mangle'>): string {
  const chains = [
    ...chainsOf('filter', filter, ['forward', 'input', 'output'], 'filter', 0),
    ...chainsOf('mangle', mangle, ['forward', 'prerouting', 'postrouting', 'input', 'output'], 'filter', -150),
    ...chainsOf('nat', nat, ['srcnat', 'dstnat'], 'nat', 0),
  ]
  return ['table ip routeros', 'delete table ip routeros', 'table ip routeros {', ...chains, '}', ''].join('\n')
}

function chainsOf(
  menu: string,
  rules: readonly KernelRule[],
  hooked: readonly string[],
  type: 'filter' | 'nat',
  priority: number,
): readonly string[] {
  const names = new Set(rules.map((rule) => rule['chain'] ?? ''))
  const all = [...names].filter((name) => !hooked.includes(name))
  const chain = (name: string, head: string): string =>
    [
      `  chain ${menu}_${name} {`,
      head,
      ...rules.filter((rule) => rule['chain'] === name).map((rule) => `    ${nftRule(menu, rule)}`),
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

function nftRule(menu: string, rule: KernelRule): string {
  const matches = Object.entries(rule)
    .filter(([name]) => !SILENT.has(name))
    .map(([name, value]) => match(name, value, rule))
  return [...matches, verdict(menu, rule)].join(' ')
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
