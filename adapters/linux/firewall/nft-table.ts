import { createHash } from 'node:crypto'
import { FORWARDING_MARK, TABLE, TABLE_MARK } from './mark.ts'

/** The content of an nftables table, as data. */
export interface NftTable {
  /** How long flows are remembered for which a rule sets that: nft(8), "CT TIMEOUT". */
  readonly flowLives: readonly NftFlowLife[]
  readonly sets: readonly NftSet[]
  readonly maps: readonly NftMap[]
  readonly recentSets: readonly NftRecentSet[]
  readonly chains: readonly NftChain[]
}

/** The type of a host with a protocol and a port. */
export const SENDER = 'ipv4_addr . inet_proto . inet_service'

/** The type of a port with its protocol. */
export const SERVICE = 'inet_proto . inet_service'

interface NftSet {
  readonly name: string
  /**
   * Single addresses only: nft merges ranges, and the set could not be compared. Sets with ports are filled apart from
   * the table (published.ts): their elements are no part of what the table should be.
   */
  readonly type: 'ipv4_addr' | 'inet_service' | typeof SENDER
  /** Whether it takes ranges; only sets with ports do. */
  readonly isOfRanges?: boolean
  readonly elements: readonly string[]
}

/** A map, whose elements are no part of what the table should be: filled apart from the table, or by rules. */
export interface NftMap {
  readonly name: string
  /** Types of key and value. Maps are compared by their names: another type needs another name. */
  readonly type: string
  /** Whether its keys may be ranges. */
  readonly isOfRanges?: boolean
  /** Set where rules fill the map and time empties it. */
  readonly recent?: { readonly keptSeconds: number; readonly size: number }
}

/** A set that rules fill and time empties: its elements are no part of what the table should be. */
interface NftRecentSet {
  readonly name: string
  readonly type: 'ipv4_addr' | 'ipv6_addr' | typeof SENDER | typeof SERVICE
  readonly keptSeconds: number
  readonly size: number
}

interface NftFlowLife {
  /** A name with the seconds in it: nft prints the values in more than one way. */
  readonly name: string
  readonly l3proto: 'ip' | 'ip6'
  /** Seconds after an answer. Before one the kernel's own, short timeout holds: nobody outside can fill its table. */
  readonly repliedSeconds: number
}

/** A base chain with policy accept. */
export interface NftChain {
  readonly name: string
  readonly type: 'filter' | 'nat' | 'route'
  readonly hook: 'forward' | 'input' | 'output' | 'prerouting' | 'postrouting'
  readonly priority: number
  readonly rules: readonly string[]
}

export interface NftTextOptions {
  readonly forwardingWasOff: boolean
  /** Objects that go first, as `KIND NAME` in an order in which they may go; the rest stays. null: all goes. */
  readonly replaces: readonly string[] | null
}

/** Input for `nft -f -`: one transaction that replaces whatever table of ours there was by this one. */
export function nftText(table: NftTable, { forwardingWasOff, replaces }: NftTextOptions): string {
  const marks = [TABLE_MARK, ...(forwardingWasOff ? [FORWARDING_MARK] : [])]
  return [
    // Declaring the table first lets the deletion succeed where there is none.
    `table ${TABLE}`,
    ...(replaces === null ? [`delete table ${TABLE}`] : roomText(replaces)),
    `table ${TABLE} {`,
    ...marks.map((name) => `chain ${name} {\n}`),
    ...table.flowLives.map(flowLifeText),
    ...table.sets.map(setText),
    ...table.maps.map(mapText),
    ...table.recentSets.map(recentSetText),
    ...table.chains.map(chainText),
    '}\n',
  ].join('\n')
}

/** Deletes objects, all rules first: rules hold the objects that they refer to. */
function roomText(replaces: readonly string[]): readonly string[] {
  const gone = replaces.map((object) => {
    const at = object.lastIndexOf(' ')
    return `delete ${object.slice(0, at)} ${TABLE} ${object.slice(at + 1)}`
  })
  return [`flush table ${TABLE}`, ...gone]
}

function setText({ name, type, isOfRanges = false, elements }: NftSet): string {
  const filled = elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} }`]
  return [`set ${name} {`, `type ${type}`, ...rangeLines(isOfRanges), ...filled, '}'].join('\n')
}

function mapText({ name, type, isOfRanges = false, recent }: NftMap): string {
  const lines = recent === undefined ? rangeLines(isOfRanges) : recentLines(recent)
  return [`map ${name} {`, `type ${type}`, ...lines, '}'].join('\n')
}

function rangeLines(isOfRanges: boolean): readonly string[] {
  return isOfRanges ? ['flags interval'] : []
}

function recentLines({ keptSeconds, size }: Pick<NftRecentSet, 'keptSeconds' | 'size'>): readonly string[] {
  return [`size ${size}`, 'flags dynamic,timeout', `timeout ${keptSeconds}s`]
}

function recentSetText({ name, type, ...recent }: NftRecentSet): string {
  return [`set ${name} {`, `type ${type}`, ...recentLines(recent), '}'].join('\n')
}

function flowLifeText({ name, l3proto, repliedSeconds }: NftFlowLife): string {
  return [
    `ct timeout ${name} {`,
    'protocol udp;',
    `l3proto ${l3proto};`,
    `policy = { replied : ${repliedSeconds} };`,
    '}',
  ].join('\n')
}

function chainText({ name, type, hook, priority, rules }: NftChain): string {
  return [
    `chain ${name} {`,
    `type ${type} hook ${hook} priority ${priority}; policy accept;`,
    ...rules.map((rule) => `${rule} comment "${ruleComment(name, rule)}"`),
    '}',
  ].join('\n')
}

/** A rule's comment, by which it is compared: nft prints rules in its own words, which change with its version. */
function ruleComment(chain: string, rule: string): string {
  return `homeward ${digest(`${chain} ${rule}`)}`
}

/** Fingerprints that an observation of exactly this table has. */
export function fingerprintsOf({ flowLives, sets, maps, recentSets, chains }: NftTable): readonly string[] {
  return inOneOrder(
    [
      ...flowLives.map(({ name }) => `ct timeout ${name}`),
      ...recentSets.map(({ name, type, keptSeconds, size }) => recentSetFingerprint(name, type, keptSeconds, size)),
      ...sets.map(({ name, type, elements }) => setFingerprint(name, type, elements)),
      ...maps.map(({ name }) => mapFingerprint(name)),
      ...chains.map(({ name, type, hook, priority }) => chainFingerprint(name, type, hook, priority, 'accept')),
    ],
    chains.flatMap(({ name, rules }) => rules.map((rule) => ({ chain: name, comment: ruleComment(name, rule) }))),
  )
}

export function setFingerprint(name: string, type: string, elements: readonly string[]): string {
  return type === 'ipv4_addr' ? `set ${name} ${type} ${digest([...elements].sort().join(' '))}` : `set ${name} ${type}`
}

export function mapFingerprint(name: string): string {
  return `map ${name}`
}

export function recentSetFingerprint(name: string, type: string, keptSeconds: number, size: number): string {
  return `set ${name} ${type} kept ${keptSeconds} of ${size}`
}

export function chainFingerprint(name: string, type: string, hook: string, priority: number, policy: string): string {
  return `chain ${name} ${type} ${hook} ${priority} ${policy}`
}

/** Sorts objects and chains: the order in which nft lists these means nothing; that of the rules in a chain is kept. */
export function inOneOrder(
  objects: readonly string[],
  rules: readonly { readonly chain: string; readonly comment: string }[],
): readonly string[] {
  const chains = [...new Set(rules.map(({ chain }) => chain))].sort()
  return [
    ...[...objects].sort(),
    ...chains.flatMap((name) =>
      rules.filter(({ chain }) => chain === name).map(({ comment }) => `rule ${name} ${comment}`),
    ),
  ]
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}
