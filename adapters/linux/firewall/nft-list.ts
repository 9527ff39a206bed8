import * as v from 'valibot'
import type { PublishedPort } from '../../spec.ts'
import { outgoingElements, SENT_TO } from './hub-outgoing.ts'
import { FORWARDING_MARK, TABLE_MARK } from './mark.ts'
import { chainFingerprint, inOneOrder, mapFingerprint, recentSetFingerprint, setFingerprint } from './nft-table.ts'
import { hiddenSetOf, HOLDERS, mapOf, PROTOCOLS, setOf, type Shape, SHAPES } from './published.ts'

/** What `nft -j list table` says of a table with our name. */
export interface ListedTable {
  /** Whether the table is ours; false: somebody else's table of that name. */
  readonly isOurs: boolean
  readonly forwardingWasOff: boolean
  /** Fingerprints to compare with those of the table that should be there. */
  readonly fingerprints: readonly string[]
  /** The published ports; null: their maps and sets disagree, which nothing of ours leaves behind. */
  readonly published: readonly PublishedPort[] | null
  /** All objects except the marks and what holds published ports, as `KIND NAME`, in an order in which they may go. */
  readonly replaceable: readonly string[]
}

const Listing = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
const Chain = v.object({
  name: v.string(),
  type: v.optional(v.string(), '-'),
  hook: v.optional(v.string(), '-'),
  prio: v.optional(v.number(), 0),
  policy: v.optional(v.string(), '-'),
})
const Rule = v.object({ chain: v.string(), comment: v.optional(v.string(), 'without a comment of ours') })
const NamedSet = v.object({
  name: v.string(),
  type: v.optional(v.unknown()),
  elem: v.optional(v.array(v.unknown()), []),
  /** Seconds after which the set's elements expire by themselves. */
  timeout: v.optional(v.number()),
  size: v.optional(v.number(), 0),
})
const Range = v.object({ range: v.tuple([v.number(), v.number()]) })
/** The elements of our maps: pairs of a port and a concatenation of address and port, or of a range and an address. */
const Mappings = {
  single: v.array(v.tuple([v.number(), v.object({ concat: v.tuple([v.string(), v.number()]) })])),
  range: v.array(v.tuple([Range, v.string()])),
}
const Sender = v.object({ concat: v.tuple([v.string(), v.string(), v.union([v.number(), Range])]) })
const SentAs = v.tuple([Sender, v.number()])
const Elements = { single: v.array(v.number()), range: v.array(Range) }
const Named = v.object({ name: v.string() })

/** Reads libnftables-json(5). @throws {SyntaxError | v.ValiError} on anything else. */
export function parseNftTable(text: string): ListedTable {
  const objects: string[] = []
  const names: string[] = []
  const held = new Map<string, readonly unknown[]>()
  const rules: v.InferOutput<typeof Rule>[] = []
  const marks = new Set<string>()
  for (const listed of v.parse(Listing, JSON.parse(text)).nftables)
    for (const [kind, value] of Object.entries(listed)) {
      if (kind === 'metainfo' || kind === 'table') continue
      if (kind === 'rule') rules.push(v.parse(Rule, value))
      else if (kind === 'chain' && isMark(value)) marks.add(v.parse(Named, value).name)
      else {
        const object = `${kind} ${v.parse(Named, value).name}`
        objects.push(fingerprintOf(kind, value))
        if (HOLDERS.has(object)) held.set(object, v.parse(NamedSet, value).elem)
        else names.push(object)
      }
    }
  const published = publishedIn(held)
  return {
    isOurs: marks.has(TABLE_MARK),
    forwardingWasOff: marks.has(FORWARDING_MARK),
    fingerprints: inOneOrder([...objects, ...(published === null ? ['published ports that do not agree'] : [])], rules),
    published,
    replaceable: ['map', 'set', 'chain', ''].flatMap((kind) => names.filter((name) => kindOf(name) === kind)),
  }
}

/** An object's kind, which orders removals: a map may hold a chain, a chain is empty without rules, others go last. */
function kindOf(object: string): string {
  return /^(map|set|chain) /.exec(object)?.[1] ?? ''
}

/** Published ports: the map has the service of each; the sets say that it is published, and if visitors are hidden. */
function publishedIn(held: ReadonlyMap<string, readonly unknown[]>): readonly PublishedPort[] | null {
  const found: PublishedPort[] = []
  for (const protocol of PROTOCOLS)
    for (const shape of SHAPES) {
      const of = (name: string): readonly unknown[] => held.get(name) ?? []
      const services = servicesIn(shape, of(`map ${mapOf(protocol, shape)}`))
      const [ports, hidden] = [setOf, hiddenSetOf].map((nameOf) => portsIn(shape, of(`set ${nameOf(protocol, shape)}`)))
      if (services === null || ports === undefined || hidden === undefined || ports === null || hidden === null)
        return null
      const known = new Set(services.map(textOf))
      if (known.size !== ports.size || ![...ports, ...hidden].every((port) => known.has(port))) return null
      for (const service of services) found.push({ protocol, ...service, hidden: hidden.has(textOf(service)) })
    }
  return withOutgoing(found, held)
}

/** Notes which ports' services send by this machine; null: the sets that say so disagree. */
function withOutgoing(
  published: readonly PublishedPort[],
  held: ReadonlyMap<string, readonly unknown[]>,
): readonly PublishedPort[] | null {
  const there = new Map(
    [...outgoingElements([]).keys()].map((name) => {
      const elements = held.get(`set ${name}`) ?? held.get(`map ${name}`) ?? []
      return [name, new Set(elements.map(senderText))] as const
    }),
  )
  const senders = there.get(SENT_TO)
  const found = published.map((one) => {
    const [sender = ''] = outgoingElements([{ ...one, outgoing: true }]).get(SENT_TO) ?? []
    return senders?.has(sender) === true ? { ...one, outgoing: true as const } : one
  })
  const isAgreed = [...outgoingElements(found)].every(([name, wanted]) => {
    const held = there.get(name)
    return held?.size === new Set(wanted).size && wanted.every((one) => held.has(one))
  })
  return isAgreed ? found : null
}

/** An element of those sets as it is written; empty for what nothing of ours leaves there. */
function senderText(element: unknown): string {
  if (v.is(Sender, element)) {
    const [address, protocol, ports] = element.concat
    const text = typeof ports === 'number' ? `${ports}` : ports.range.join('-')
    return `${address} . ${protocol} . ${text}`
  }
  return v.is(SentAs, element) ? `${senderText(element[0])} : ${element[1]}` : ''
}

type Service = Omit<PublishedPort, 'protocol' | 'hidden'>

/** @returns null for elements that nothing of ours leaves there. */
function servicesIn(shape: Shape, elements: readonly unknown[]): readonly Service[] | null {
  switch (shape) {
    case 'single': {
      const read = v.safeParse(Mappings.single, elements)
      if (!read.success) return null
      return read.output.map(([port, { concat }]) => ({ port, address: concat[0], targetPort: concat[1] }))
    }
    case 'range': {
      const read = v.safeParse(Mappings.range, elements)
      if (!read.success) return null
      return read.output.map(([{ range }, address]) => {
        const [port, lastPort] = range
        return { port, lastPort, address, targetPort: port }
      })
    }
    default:
      return shape satisfies never
  }
}

/** @returns ports and ranges as text; null as above. */
function portsIn(shape: Shape, elements: readonly unknown[]): ReadonlySet<string> | null {
  if (shape === 'single') {
    const read = v.safeParse(Elements.single, elements)
    return read.success ? new Set(read.output.map((port) => textOf({ port }))) : null
  }
  const read = v.safeParse(Elements.range, elements)
  return read.success ? new Set(read.output.map(({ range: [port, lastPort] }) => textOf({ port, lastPort }))) : null
}

function textOf({ port, lastPort = port }: Pick<PublishedPort, 'port' | 'lastPort'>): string {
  return `${port}-${lastPort}`
}

function isMark(value: unknown): boolean {
  const { name } = v.parse(Named, value)
  return name === TABLE_MARK || name === FORWARDING_MARK
}

function fingerprintOf(kind: string, value: unknown): string {
  switch (kind) {
    case 'chain': {
      const { name, type, hook, prio, policy } = v.parse(Chain, value)
      return chainFingerprint(name, type, hook, prio, policy)
    }
    case 'set': {
      const { name, type, elem, timeout, size } = v.parse(NamedSet, value)
      const of = Array.isArray(type) ? type.join(' . ') : String(type)
      if (timeout !== undefined) return recentSetFingerprint(name, of, timeout, size)
      const elements = elem.map((element) => (typeof element === 'string' ? element : JSON.stringify(element)))
      return setFingerprint(name, of, elements)
    }
    case 'map':
      return mapFingerprint(v.parse(Named, value).name)
    default:
      // Nothing of ours is of another kind yet: any such object is a difference.
      return `${kind} ${v.parse(Named, value).name}`
  }
}
