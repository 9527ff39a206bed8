import type { PublishedPort } from '../../spec.ts'
import type { HostStep } from '../../step.ts'
import { TABLE } from './mark.ts'
import type { NftChain, NftTable } from './nft-table.ts'

/** The priority right after WireGuard's redirects. The names of priorities are in nft(8), "Standard priority names". */
const AFTER_DSTNAT = -99
const SRCNAT = 100

export const PROTOCOLS = ['tcp', 'udp'] as const

/** How many ports one transaction takes: a slow machine makes progress with each, however many there are. */
const PORTS_PER_TRANSACTION = 2_000

/** The name of the map from a published port to the service. */
export const mapOf = (protocol: string): string => `${protocol}_services`
/** The name of the set of published ports: a port that leaves it is cut off at once, whatever conntrack remembers. */
export const setOf = (protocol: string): string => `${protocol}_published`
/** The name of the set of ports whose visitors are hidden. */
export const hiddenSetOf = (protocol: string): string => `${protocol}_hidden`

/** The objects that hold the published ports, as `KIND NAME`. */
export const HOLDERS: ReadonlySet<string> = new Set(
  PROTOCOLS.flatMap((protocol) => [`map ${mapOf(protocol)}`, `set ${setOf(protocol)}`, `set ${hiddenSetOf(protocol)}`]),
)

export interface PublishedTable extends Pick<NftTable, 'sets' | 'maps' | 'chains'> {
  /** Rules for the forward chain, before any that lets known flows pass. */
  readonly forward: readonly string[]
}

/**
 * Objects and rules that forward visitors of published ports into the tunnel. Pure. The ports themselves are filled in
 * afterwards, so that the rules that keep homes apart never wait for them. Ranges come as single ports: a hash map
 * answers at the same cost however many there are, where nft's ranges are a tree.
 * @param tunnel the interface's name, in quotes. @param network the tunnel's own.
 */
export function publishedTable(tunnel: string, network: string): PublishedTable {
  const entering = PROTOCOLS.flatMap((protocol) => {
    const leads = `dnat ip to ${protocol} dport map @${mapOf(protocol)}`
    return [
      `iifname != { "lo", ${tunnel} } fib daddr type local ${leads}`,
      // A device that sends everything through the hub also finds the service at the hub's public address: one that is
      // not the tunnel's own.
      `iifname ${tunnel} fib daddr type local fib daddr . iif type != local ${leads}`,
    ]
  })
  // This machine at its own public address: its owner's curl, and the hub that proves the way. From loopback the hub
  // asks the machine's own listeners.
  const here = PROTOCOLS.map(
    (protocol) =>
      `ip saddr != 127.0.0.0/8 ip daddr != { 127.0.0.0/8, ${network} } fib daddr type local dnat ip to ${protocol} dport map @${mapOf(protocol)}`,
  )
  const hiding = PROTOCOLS.map(
    (protocol) =>
      `iifname != ${tunnel} oifname ${tunnel} ct status dnat meta l4proto ${protocol} ct original proto-dst @${hiddenSetOf(protocol)} masquerade`,
  )
  return {
    sets: PROTOCOLS.flatMap((protocol) =>
      [setOf(protocol), hiddenSetOf(protocol)].map((name) => ({ name, type: 'inet_service' as const, elements: [] })),
    ),
    maps: PROTOCOLS.map((protocol) => ({ name: mapOf(protocol) })),
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

/** Input for `nft -f -`, a string per transaction. Removals go first in each, so that a port may change its service. */
export function changeTexts({ add, remove }: Extract<HostStep, { kind: 'change-published' }>): readonly string[] {
  const changes = new Map<string, { readonly add: PublishedPort[]; readonly remove: PublishedPort[] }>()
  for (const [verb, ports] of [['remove', remove] as const, ['add', add] as const])
    for (const one of ports) {
      const key = `${one.protocol} ${one.port}`
      const change = changes.get(key) ?? { add: [], remove: [] }
      change[verb].push(one)
      changes.set(key, change)
    }
  const all = [...changes.values()]
  return Array.from({ length: Math.ceil(all.length / PORTS_PER_TRANSACTION) }, (_, index) => {
    const some = all.slice(index * PORTS_PER_TRANSACTION, (index + 1) * PORTS_PER_TRANSACTION)
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

function elementLines(verb: 'add' | 'delete', published: readonly PublishedPort[]): readonly string[] {
  const line = (name: string, elements: readonly string[]): readonly string[] =>
    elements.length === 0 ? [] : [`${verb} element ${TABLE} ${name} { ${elements.join(', ')} }`]
  return PROTOCOLS.flatMap((protocol) => {
    const ports = published.filter((one) => one.protocol === protocol)
    return [
      ...line(
        mapOf(protocol),
        ports.map(({ port, address, targetPort }) => `${port} : ${address} . ${targetPort}`),
      ),
      ...line(
        setOf(protocol),
        ports.map(({ port }) => String(port)),
      ),
      ...line(
        hiddenSetOf(protocol),
        ports.filter(({ hidden }) => hidden).map(({ port }) => String(port)),
      ),
    ]
  })
}
