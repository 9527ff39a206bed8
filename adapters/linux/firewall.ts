import ipaddr from 'ipaddr.js'
import type { ForwardingSpec } from '../adapter.ts'
import type { NftChain, NftTable } from './nft-table.ts'

/** What the firewall has to do. */
export interface FirewallSpec {
  readonly interface: string
  readonly listenPort: number | null
  readonly forwarding: ForwardingSpec
}

/** Priorities as numbers, which is how nft prints them back; their names are in nft(8), "Standard priority names". */
const FILTER = 0
const SRCNAT = 100
const DSTNAT = -100

/** The content of our table. Pure. Whatever does not touch the tunnel passes: that is not ours to judge. */
export function firewallTable({ interface: name, listenPort, forwarding }: FirewallSpec): NftTable {
  const tunnel = JSON.stringify(name)
  switch (forwarding.role) {
    case 'home':
      return homeTable(tunnel, forwarding.lan, forwarding.mode)
    case 'hub':
      return hubTable(tunnel, listenPort, forwarding.alternatePorts, forwarding.devices)
    default:
      return forwarding satisfies never
  }
}

function homeTable(tunnel: string, lan: readonly string[], mode: 'masquerade' | 'routed'): NftTable {
  const intoLan = `iifname ${tunnel} oifname != ${tunnel} ip daddr ${braced(withoutContained(lan))}`
  return {
    sets: [],
    chains: [
      forwardChain([
        ...clamp(tunnel),
        `iifname ${tunnel} ct state established,related accept`,
        // nft takes no empty braces.
        ...(lan.length === 0 ? [] : [`${intoLan} accept`]),
        // Addressed to this machine, which itself leads it on: a container's published port. It is input all the same.
        `iifname ${tunnel} oifname != ${tunnel} ct status dnat accept`,
        `iifname ${tunnel} drop`,
      ]),
      ...(lan.length === 0 || mode === 'routed' ? [] : [natChain('postrouting', SRCNAT, `${intoLan} masquerade`)]),
    ],
  }
}

function hubTable(
  tunnel: string,
  listenPort: number | null,
  alternatePorts: readonly number[],
  devices: readonly string[],
): NftTable {
  const ports = alternatePorts.filter((port) => port !== listenPort)
  const fromOutside = `iifname != { "lo", ${tunnel} } fib daddr type local udp dport ${braced(ports)}`
  return {
    sets: [{ name: 'tunnel_devices', type: 'ipv4_addr', elements: [...new Set(devices)] }],
    chains: [
      forwardChain([
        ...clamp(tunnel),
        `iifname ${tunnel} ct state established,related accept`,
        `oifname ${tunnel} ct state established,related accept`,
        `iifname ${tunnel} oifname ${tunnel} ip saddr @tunnel_devices accept`,
        `iifname ${tunnel} drop`,
        `oifname ${tunnel} drop`,
      ]),
      ...(listenPort === null || ports.length === 0
        ? []
        : [natChain('prerouting', DSTNAT, `${fromOutside} redirect to :${listenPort}`)]),
    ],
  }
}

/** `rt mtu` takes the smaller MTU of both directions' routes, so what comes out of the tunnel is clamped to it as well. */
function clamp(tunnel: string): readonly string[] {
  return ['iifname', 'oifname'].map((end) => `${end} ${tunnel} tcp flags syn tcp option maxseg size set rt mtu`)
}

function forwardChain(rules: readonly string[]): NftChain {
  return { name: 'forward', type: 'filter', hook: 'forward', priority: FILTER, rules }
}

function natChain(hook: 'prerouting' | 'postrouting', priority: number, rule: string): NftChain {
  return { name: hook, type: 'nat', hook, priority, rules: [rule] }
}

function braced(items: readonly (string | number)[]): string {
  return `{ ${items.join(', ')} }`
}

/** nft 1.0.6 merges overlapping prefixes in a set without a name, and refuses them in one with a name: rely on neither. */
function withoutContained(prefixes: readonly string[]): readonly string[] {
  const parsed = [...new Set(prefixes)].map((text) => ({ text, cidr: ipaddr.IPv4.parseCIDR(text) }))
  return parsed
    .filter(({ text, cidr: [address, length] }) =>
      parsed.every(
        ({ text: other, cidr: [outer, outerLength] }) =>
          other === text || outerLength > length || !address.match(outer, outerLength),
      ),
    )
    .map(({ text }) => text)
}
