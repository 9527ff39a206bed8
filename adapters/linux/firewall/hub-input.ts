import type { EchoFlow, FirewallForwarding } from '../../spec.ts'
import type { NftChain, NftTable } from './nft-table.ts'

export type JudgedHub = Extract<FirewallForwarding, { role: 'hub' }>

/** Priorities as numbers; their names are in nft(8), "Standard priority names". */
const DSTNAT = -100
/** The priority before anybody's filter, after the destination was rewritten. */
const MANGLE = -150

const INITIATION_KEPT_SECONDS = 60
/** How many sources of initiations are kept: bounds the memory, whatever addresses come. */
const INITIATION_SOURCES = 4096

/**
 * The TCP payload, in bytes, of a packet of 1,280 bytes, the smallest MTU that a link of IPv6 may have (RFC 8200, 5), in
 * IPv6. Homes register just when full-size packets get lost, and the TLS transport is for such lines.
 */
const REGISTRAR_MSS = 1_220

/**
 * What the hub's firewall does with datagrams from outside to the UDP ports of WireGuard: redirects alternate ports to
 * WireGuard and echoes to their own port, and notes where handshake initiations come from; keeps
 * the packets of the registrar, on TCP of the same port, as small as every path takes. Pure.
 * @param tunnel the interface's name, in quotes.
 * @param listenPort null: no datagrams come in.
 */
export function hubInput(
  tunnel: string,
  listenPort: number | null,
  { alternatePorts, echo }: JudgedHub,
): Pick<NftTable, 'flowLives' | 'recentSets' | 'chains'> {
  const flowLives = echoFlowLives(echo)
  const recentSets = INITIATION_SETS.map(({ name, type }) => ({
    name,
    type,
    keptSeconds: INITIATION_KEPT_SECONDS,
    size: INITIATION_SOURCES,
  }))
  if (listenPort === null) return { flowLives, recentSets, chains: [] }
  const others = alternatePorts.filter((port) => port !== listenPort)
  const toPorts = (ports: readonly number[]): string =>
    `${fromOutside(tunnel)} fib daddr type local udp dport { ${ports.join(', ')} }`
  const prerouting: NftChain = {
    name: 'prerouting',
    type: 'nat',
    hook: 'prerouting',
    priority: DSTNAT,
    rules: [
      ...echoRules(toPorts([listenPort, ...others]), echo, flowLives),
      // nft takes no empty braces.
      ...(others.length === 0 ? [] : [`${toPorts(others)} redirect to :${listenPort}`]),
    ],
  }
  const input: NftChain = {
    name: 'input',
    type: 'filter',
    hook: 'input',
    priority: MANGLE,
    rules: [...initiationRules(tunnel, listenPort), `${fromOutside(tunnel)} ${clampedSyn('dport', listenPort)}`],
  }
  const output: NftChain = {
    name: 'output',
    type: 'filter',
    hook: 'output',
    priority: MANGLE,
    rules: [`oifname != { "lo", ${tunnel} } ${clampedSyn('sport', listenPort)}`],
  }
  return { flowLives, recentSets, chains: [prerouting, input, output] }
}

/** Clamps the MSS that an end of a connection announces: the kernel never raises it (nft_exthdr.c). */
function clampedSyn(end: 'sport' | 'dport', port: number): string {
  return `tcp ${end} ${port} tcp flags syn tcp option maxseg size set ${REGISTRAR_MSS}`
}

/** Sets of who shook hands, or tried to: hub/presence/initiations.ts reads them. */
const INITIATION_SETS = [
  { name: 'initiations', type: 'ipv4_addr', source: 'ip saddr' },
  { name: 'initiations6', type: 'ipv6_addr', source: 'ip6 saddr' },
] as const

/** A handshake initiation: type 1 and three zeros (message_handshake_initiation in drivers/net/wireguard/messages.h). */
function initiationRules(tunnel: string, listenPort: number): readonly string[] {
  const isInitiation = `${fromOutside(tunnel)} udp dport ${listenPort} ${payloadBegins(0x01000000)}`
  return INITIATION_SETS.map(({ name, source }) => `${isInitiation} update @${name} { ${source} }`)
}

/**
 * Timeouts for echo flows. Without them, an answer after 120 s would leave from a port that the asker's NAT does not
 * know (nf_conntrack_udp_timeout_stream). One object serves one family.
 */
function echoFlowLives({ keptSeconds }: EchoFlow): NftTable['flowLives'] {
  return (['ip', 'ip6'] as const).map((l3proto) => ({
    name: `echo_${l3proto}_${keptSeconds}`,
    l3proto,
    repliedSeconds: keptSeconds,
  }))
}

/** Only a flow's first packet passes a nat chain (nft(8), "CHAINS"): one that began as WireGuard's stays WireGuard's. */
function echoRules(
  toPorts: string,
  { firstBytes, port }: EchoFlow,
  flowLives: NftTable['flowLives'],
): readonly string[] {
  return flowLives.map(({ name, l3proto }) => {
    const family = l3proto === 'ip' ? 'ipv4' : 'ipv6'
    return `${toPorts} ${payloadBegins(firstBytes)} meta nfproto ${family} ct timeout set "${name}" redirect to :${port}`
  })
}

function fromOutside(tunnel: string): string {
  return `iifname != { "lo", ${tunnel} }`
}

/** A match of the four bytes after the UDP header, as one big-endian number. */
function payloadBegins(bytes: number): string {
  return `@th,64,32 0x${bytes.toString(16).padStart(8, '0')}`
}
