import type { PublishedPort } from '../../spec.ts'
import type { HostStep } from '../../step.ts'
import { OUTGOING_HOLDERS, outgoingElements } from './hub-outgoing.ts'
import { TABLE } from './mark.ts'
import type { NftChain, NftTable } from './nft-table.ts'

/** The priority right after WireGuard's redirects. The names of priorities are in nft(8), "Standard priority names". */
const AFTER_DSTNAT = -99
const SRCNAT = 100

export const PROTOCOLS = ['tcp', 'udp'] as const

/** How many entries one transaction takes: a slow machine makes progress with each, however many there are. */
const ENTRIES_PER_TRANSACTION = 2_000

/** Single ports are in hashes, whose size does not slow down a lookup; ranges are in trees, one entry each. */
export type Shape = 'single' | 'range'
export const SHAPES = ['single', 'range'] as const
const SERVICE = {
  single: 'inet_service : ipv4_addr . inet_service',
  /** nftables translates no ports in step: a range keeps its numbers. */
  range: 'inet_service : ipv4_addr',
} as const

const suffixOf = (shape: Shape): string => (shape === 'range' ? '_ranges' : '')

/** The name of the map from a published port to the service. */
export const mapOf = (protocol: string, shape: Shape): string => `${protocol}_services${suffixOf(shape)}`
/** The name of the set of published ports: a port that leaves it is cut off at once, whatever conntrack remembers. */
export const setOf = (protocol: string, shape: Shape): string => `${protocol}_published${suffixOf(shape)}`
/** The name of the set of ports whose visitors are hidden. */
export const hiddenSetOf = (protocol: string, shape: Shape): string => `${protocol}_hidden${suffixOf(shape)}`

const HELD = PROTOCOLS.flatMap((protocol) => SHAPES.map((shape) => ({ protocol, shape })))

/** The objects that hold the published ports, as `KIND NAME`. */
export const HOLDERS: ReadonlySet<string> = new Set([
  ...HELD.flatMap(({ protocol, shape }) => [
    `map ${mapOf(protocol, shape)}`,
    `set ${setOf(protocol, shape)}`,
    `set ${hiddenSetOf(protocol, shape)}`,
  ]),
  ...OUTGOING_HOLDERS,
])

export interface PublishedTable extends Pick<NftTable, 'sets' | 'maps' | 'chains'> {
  /** Rules for the forward chain, before any that lets known flows pass. */
  readonly forward: readonly string[]
}

/**
 * Objects and rules that forward visitors of published ports into the tunnel. Pure. The ports themselves are filled in
 * afterwards, so that the rules that keep homes apart never wait for them.
 * @param tunnel the interface's name, in quotes. @param network the tunnel's own.
 */
export function publishedTable(tunnel: string, network: string): PublishedTable {
  const leads = HELD.map(({ protocol, shape }) => `dnat ip to ${protocol} dport map @${mapOf(protocol, shape)}`)
  const entering = leads.flatMap((lead) => [
    `iifname != { "lo", ${tunnel} } fib daddr type local ${lead}`,
    // A device that sends everything through the hub also finds the service at the hub's public address: one that is
    // not the tunnel's own.
    `iifname ${tunnel} fib daddr type local fib daddr . iif type != local ${lead}`,
  ])
  // This machine at its own public address: its owner's curl, and the hub that proves the way. From loopback the hub
  // asks the machine's own listeners.
  const here = leads.map(
    (lead) => `ip saddr != 127.0.0.0/8 ip daddr != { 127.0.0.0/8, ${network} } fib daddr type local ${lead}`,
  )
  const hiding = HELD.map(
    ({ protocol, shape }) =>
      `iifname != ${tunnel} oifname ${tunnel} ct status dnat meta l4proto ${protocol} ct original proto-dst @${hiddenSetOf(protocol, shape)} masquerade`,
  )
  return {
    sets: HELD.flatMap(({ protocol, shape }) =>
      [setOf(protocol, shape), hiddenSetOf(protocol, shape)].map((name) => ({
        name,
        type: 'inet_service' as const,
        isOfRanges: shape === 'range',
        elements: [],
      })),
    ),
    maps: HELD.map(({ protocol, shape }) => ({
      name: mapOf(protocol, shape),
      type: SERVICE[shape],
      isOfRanges: shape === 'range',
    })),
    forward: [
      ...HELD.map(
        ({ protocol, shape }) =>
          `oifname ${tunnel} ct status dnat ct direction original meta l4proto ${protocol} ct original proto-dst @${setOf(protocol, shape)} accept`,
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

/** Input for `nft -f -`, a string per transaction. Removals go first in each, so that a port may change its service. */
export function changeTexts({ add, remove }: Extract<HostStep, { kind: 'change-published' }>): readonly string[] {
  const changes = new Map<string, { readonly add: PublishedPort[]; readonly remove: PublishedPort[] }>()
  for (const [verb, ports] of [['remove', remove] as const, ['add', add] as const])
    for (const one of ports) {
      // Ranges go together: one that grows must not meet what it grows over.
      const key = shapeOf(one) === 'range' ? 'ranges' : `${one.protocol} ${one.port}`
      const change = changes.get(key) ?? { add: [], remove: [] }
      change[verb].push(one)
      changes.set(key, change)
    }
  const all = [...changes.values()]
  return Array.from({ length: Math.ceil(all.length / ENTRIES_PER_TRANSACTION) }, (_, index) => {
    const some = all.slice(index * ENTRIES_PER_TRANSACTION, (index + 1) * ENTRIES_PER_TRANSACTION)
    return [
      ...elementLines(
        'delete',
        some.flatMap((change) => change.remove),
      ),
      ...elementLines(
        'add',
        some.flatMap((change) => change.add),
      ),
    ]
      .map((line) => `${line}\n`)
      .join('')
  })
}

function shapeOf({ lastPort }: PublishedPort): Shape {
  return lastPort === undefined ? 'single' : 'range'
}

function elementLines(verb: 'add' | 'delete', published: readonly PublishedPort[]): readonly string[] {
  const line = (name: string, elements: readonly string[]): readonly string[] =>
    elements.length === 0 ? [] : [`${verb} element ${TABLE} ${name} { ${elements.join(', ')} }`]
  const ofServices = HELD.flatMap(({ protocol, shape }) => {
    const ports = published.filter((one) => one.protocol === protocol && shapeOf(one) === shape)
    return [
      ...line(mapOf(protocol, shape), ports.map(serviceText)),
      ...line(setOf(protocol, shape), ports.map(portText)),
      ...line(hiddenSetOf(protocol, shape), ports.filter(({ hidden }) => hidden).map(portText)),
    ]
  })
  return [...ofServices, ...[...outgoingElements(published)].flatMap(([name, elements]) => line(name, elements))]
}

function portText({ port, lastPort }: PublishedPort): string {
  return lastPort === undefined ? String(port) : `${port}-${lastPort}`
}

function serviceText(one: PublishedPort): string {
  return `${portText(one)} : ${one.address}${one.lastPort === undefined ? ` . ${one.targetPort}` : ''}`
}
