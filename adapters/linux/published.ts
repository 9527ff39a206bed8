import type { PublishedPort, Step } from '../adapter.ts'
import { TABLE } from './mark.ts'
import { mappingText, type NftChain, type NftTable } from './nft-table.ts'

/** Next to the doors of WireGuard, which come first. The names of the numbers are in nft(8), "Standard priority names". */
const AFTER_DSTNAT = -99
const SRCNAT = 100

const PROTOCOLS = ['tcp', 'udp'] as const

/** From a published port to the service. */
const mapOf = (protocol: string): string => `${protocol}_services`
/** The published ports: what is taken back is cut off at once, whatever conntrack remembers. */
const setOf = (protocol: string): string => `${protocol}_published`
/** Those whose visitors are hidden. */
const hiddenSetOf = (protocol: string): string => `${protocol}_hidden`

export interface PublishedTable extends Pick<NftTable, 'sets' | 'maps' | 'chains'> {
  /** For the forward chain, before any that lets known flows pass. */
  readonly forward: readonly string[]
}

/**
 * What leads visitors of published ports into the tunnel. Pure. Ranges come as single ports: a hash map answers at the same
 * cost however many there are, where nft's ranges are a tree.
 * @param tunnel the interface's name, in quotes. @param network the tunnel's own.
 */
export function publishedTable(tunnel: string, network: string, published: readonly PublishedPort[]): PublishedTable {
  const ofProtocol = (protocol: string) => published.filter((one) => one.protocol === protocol)
  const portsOf = (ports: readonly PublishedPort[]) => ports.map(({ port }) => String(port))
  const entering = PROTOCOLS.flatMap((protocol) => {
    const leads = `dnat ip to ${protocol} dport map @${mapOf(protocol)}`
    return [
      `iifname != { "lo", ${tunnel} } fib daddr type local ${leads}`,
      // A device that sends everything through the hub finds the service at the hub's public address too: one that is not
      // the tunnel's own.
      `iifname ${tunnel} fib daddr type local fib daddr . iif type != local ${leads}`,
    ]
  })
  // This machine at its own public address: its owner's curl, and the hub that proves the way.
  const here = PROTOCOLS.map(
    (protocol) =>
      `ip daddr != { 127.0.0.0/8, ${network} } fib daddr type local dnat ip to ${protocol} dport map @${mapOf(protocol)}`,
  )
  const hiding = PROTOCOLS.map(
    (protocol) =>
      `iifname != ${tunnel} oifname ${tunnel} ct status dnat meta l4proto ${protocol} ct original proto-dst @${hiddenSetOf(protocol)} masquerade`,
  )
  return {
    sets: PROTOCOLS.flatMap((protocol) => [
      { name: setOf(protocol), type: 'inet_service' as const, elements: portsOf(ofProtocol(protocol)) },
      {
        name: hiddenSetOf(protocol),
        type: 'inet_service' as const,
        elements: portsOf(ofProtocol(protocol).filter(({ hidden }) => hidden)),
      },
    ]),
    maps: PROTOCOLS.map((protocol) => ({ name: mapOf(protocol), elements: ofProtocol(protocol) })),
    forward: [
      ...PROTOCOLS.map(
        (protocol) =>
          `oifname ${tunnel} ct status dnat ct direction original meta l4proto ${protocol} ct original proto-dst @${setOf(protocol)} accept`,
      ),
      `oifname ${tunnel} ct status dnat ct direction original drop`,
    ],
    chains: [
      chain('published', 'prerouting', AFTER_DSTNAT, entering),
      chain('published_here', 'output', AFTER_DSTNAT, here),
      chain('hidden', 'postrouting', SRCNAT, hiding),
    ],
  }
}

function chain(name: string, hook: NftChain['hook'], priority: number, rules: readonly string[]): NftChain {
  return { name, type: 'nat', hook, priority, rules }
}

/** For `nft -f -`: one transaction; what goes, goes first, so that a port may change where it leads. */
export function changeText({ add, remove }: Extract<Step, { kind: 'change-published' }>): string {
  return [...remove.flatMap((port) => elementsOf(port, 'delete')), ...add.flatMap((port) => elementsOf(port, 'add'))]
    .map((line) => `${line}\n`)
    .join('')
}

function elementsOf(published: PublishedPort, verb: 'add' | 'delete'): readonly string[] {
  const { protocol, port, hidden } = published
  const element = (name: string, text: string): string => `${verb} element ${TABLE} ${name} { ${text} }`
  return [
    element(mapOf(protocol), mappingText(published)),
    element(setOf(protocol), String(port)),
    ...(hidden ? [element(hiddenSetOf(protocol), String(port))] : []),
  ]
}
