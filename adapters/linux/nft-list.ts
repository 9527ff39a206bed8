import * as v from 'valibot'
import { FORWARDING_MARK, TABLE_MARK } from './mark.ts'
import {
  chainFingerprint,
  inOneOrder,
  mapFingerprint,
  mappingText,
  recentSetFingerprint,
  setFingerprint,
} from './nft-table.ts'

/** What `nft -j list table` says of a table with our name. */
export interface ListedTable {
  /** False: somebody else's table of that name. */
  readonly isOurs: boolean
  readonly forwardingWasOff: boolean
  /** Compared with those of the table that should be there. */
  readonly fingerprints: readonly string[]
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
  /** Seconds: its elements come and go by themselves. */
  timeout: v.optional(v.number()),
  size: v.optional(v.number(), 0),
})
/** Elements are pairs: a port, and a concatenation of address and port. */
const PortMap = v.object({
  name: v.string(),
  elem: v.optional(v.array(v.tuple([v.number(), v.object({ concat: v.tuple([v.string(), v.number()]) })])), []),
})
const Named = v.object({ name: v.string() })

/** Reads libnftables-json(5). @throws {SyntaxError | v.ValiError} on anything else. */
export function parseNftTable(text: string): ListedTable {
  const objects: string[] = []
  const rules: v.InferOutput<typeof Rule>[] = []
  const marks = new Set<string>()
  for (const listed of v.parse(Listing, JSON.parse(text)).nftables)
    for (const [kind, value] of Object.entries(listed)) {
      if (kind === 'metainfo' || kind === 'table') continue
      if (kind === 'rule') rules.push(v.parse(Rule, value))
      else if (kind === 'chain' && isMark(value)) marks.add(v.parse(Named, value).name)
      else objects.push(fingerprintOf(kind, value))
    }
  return {
    isOurs: marks.has(TABLE_MARK),
    forwardingWasOff: marks.has(FORWARDING_MARK),
    fingerprints: inOneOrder(objects, rules),
  }
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
      if (timeout !== undefined) return recentSetFingerprint(name, String(type), timeout, size)
      const elements = elem.map((element) => (typeof element === 'string' ? element : JSON.stringify(element)))
      return setFingerprint(name, String(type), elements)
    }
    case 'map': {
      // One of another kind is somebody's doing: it compares as no map of ours.
      const map = v.safeParse(PortMap, value)
      if (!map.success) return `map ${v.parse(Named, value).name} of another kind`
      const mappings = map.output.elem.map(([port, { concat }]) =>
        mappingText({ port, address: concat[0], targetPort: concat[1] }),
      )
      return mapFingerprint(map.output.name, mappings)
    }
    default:
      // Nothing of ours is of another kind yet: whatever it is, it is a difference.
      return `${kind} ${v.parse(Named, value).name}`
  }
}
