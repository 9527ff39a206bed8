import ipaddr from 'ipaddr.js'
import type { EchoFlow, ForwardingSpec } from '../adapter.ts'
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
/** Before anybody's filter, after the destination was rewritten. */
const MANGLE = -150

/** The content of our table. Pure. Whatever does not touch the tunnel passes: that is not ours to judge. */
export function firewallTable({ interface: name, listenPort, forwarding }: FirewallSpec): NftTable {
  const tunnel = JSON.stringify(name)
  switch (forwarding.role) {
    case 'home':
      return homeTable(tunnel, forwarding.lan, forwarding.mode)
    case 'hub':
      return hubTable(tunnel, listenPort, forwarding)
    default:
      return forwarding satisfies never
  }
}

function homeTable(tunnel: string, lan: readonly string[], mode: 'masquerade' | 'routed'): NftTable {
  const intoLan = `iifname ${tunnel} oifname != ${tunnel} ip daddr ${braced(withoutContained(lan))}`
  return {
    flowLives: [],
    sets: [],
    recentSets: [],
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
      ...(lan.length === 0 || mode === 'routed' ? [] : [natChain('postrouting', SRCNAT, [`${intoLan} masquerade`])]),
    ],
  }
}

function hubTable(
  tunnel: string,
  listenPort: number | null,
  { alternatePorts, devices, echo }: HubForwarding,
): NftTable {
  const toUs = `iifname != { "lo", ${tunnel} } fib daddr type local udp dport`
  const flowLives = (['ip', 'ip6'] as const).map((l3proto) => ({
    name: `echo_${l3proto}_${echo.keptSeconds}`,
    l3proto,
    repliedSeconds: echo.keptSeconds,
  }))
  return {
    flowLives,
    sets: [{ name: 'tunnel_devices', type: 'ipv4_addr', elements: [...new Set(devices)] }],
    recentSets: INITIATION_SETS.map(({ name, type }) => ({ name, type, keptSeconds: 60, size: 4096 })),
    chains: [
      forwardChain([
        ...clamp(tunnel),
        `iifname ${tunnel} ct state established,related accept`,
        `oifname ${tunnel} ct state established,related accept`,
        `iifname ${tunnel} oifname ${tunnel} ip saddr @tunnel_devices accept`,
        `iifname ${tunnel} drop`,
        `oifname ${tunnel} drop`,
      ]),
      ...(listenPort === null
        ? []
        : [
            natChain('prerouting', DSTNAT, [
              ...echoRules(toUs, [listenPort, ...others(alternatePorts, listenPort)], echo, flowLives),
              ...redirect(toUs, others(alternatePorts, listenPort), listenPort),
            ]),
            inputChain(INITIATION_SETS.map(({ name, source }) => initiationRule(tunnel, listenPort, name, source))),
          ]),
    ],
  }
}

type HubForwarding = Extract<ForwardingSpec, { role: 'hub' }>

/** Who shook hands, or tried to, within a minute: hub/initiations.ts reads them. */
const INITIATION_SETS = [
  { name: 'initiations', type: 'ipv4_addr', source: 'ip saddr' },
  { name: 'initiations6', type: 'ipv6_addr', source: 'ip6 saddr' },
] as const

function others(ports: readonly number[], listenPort: number): readonly number[] {
  return ports.filter((port) => port !== listenPort)
}

/**
 * Only a flow's first packet passes a nat chain (nft(8), "CHAINS"): a flow that began as WireGuard's stays WireGuard's.
 * Without a life of its own an answer after 120 s would leave from a port that the asker's NAT does not know
 * (nf_conntrack_udp_timeout_stream).
 */
function echoRules(
  toUs: string,
  ports: readonly number[],
  { firstBytes, port }: EchoFlow,
  flowLives: NftTable['flowLives'],
): readonly string[] {
  const isEcho = `${toUs} ${braced(ports)} ${payloadBegins(firstBytes)}`
  return flowLives.map(({ name, l3proto }) => {
    const family = l3proto === 'ip' ? 'ipv4' : 'ipv6'
    return `${isEcho} meta nfproto ${family} ct timeout set "${name}" redirect to :${port}`
  })
}

function redirect(toUs: string, ports: readonly number[], listenPort: number): readonly string[] {
  return ports.length === 0 ? [] : [`${toUs} ${braced(ports)} redirect to :${listenPort}`]
}

/** A handshake initiation: type 1 and three zeros (message_handshake_initiation in drivers/net/wireguard/messages.h). */
function initiationRule(tunnel: string, listenPort: number, set: string, source: string): string {
  const isInitiation = `udp dport ${listenPort} ${payloadBegins(0x01000000)}`
  return `iifname != { "lo", ${tunnel} } ${isInitiation} update @${set} { ${source} }`
}

/** The four bytes after the UDP header, as one big-endian number. */
function payloadBegins(bytes: number): string {
  return `@th,64,32 0x${bytes.toString(16).padStart(8, '0')}`
}

/** `rt mtu` takes the smaller MTU of both directions' routes, so what comes out of the tunnel is clamped to it as well. */
function clamp(tunnel: string): readonly string[] {
  return ['iifname', 'oifname'].map((end) => `${end} ${tunnel} tcp flags syn tcp option maxseg size set rt mtu`)
}

function forwardChain(rules: readonly string[]): NftChain {
  return { name: 'forward', type: 'filter', hook: 'forward', priority: FILTER, rules }
}

function inputChain(rules: readonly string[]): NftChain {
  return { name: 'input', type: 'filter', hook: 'input', priority: MANGLE, rules }
}

function natChain(hook: 'prerouting' | 'postrouting', priority: number, rules: readonly string[]): NftChain {
  return { name: hook, type: 'nat', hook, priority, rules }
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
