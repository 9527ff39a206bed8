import { createHash } from 'node:crypto'
import { FORWARDING_MARK, TABLE, TABLE_MARK } from './mark.ts'

/** The content of an nftables table, as data. */
export interface NftTable {
  readonly sets: readonly NftSet[]
  readonly chains: readonly NftChain[]
}

interface NftSet {
  readonly name: string
  /** Single addresses only: nft merges prefixes, and the set could not be compared. */
  readonly type: 'ipv4_addr'
  readonly elements: readonly string[]
}

/** A base chain with policy accept. */
export interface NftChain {
  readonly name: string
  readonly type: 'filter' | 'nat'
  readonly hook: 'forward' | 'prerouting' | 'postrouting'
  readonly priority: number
  readonly rules: readonly string[]
}

/** For `nft -f -`: one transaction that puts this table in the place of whatever ours was. */
export function nftText(table: NftTable, { forwardingWasOff }: { readonly forwardingWasOff: boolean }): string {
  const marks = [TABLE_MARK, ...(forwardingWasOff ? [FORWARDING_MARK] : [])]
  return [
    // Declaring it first lets the deletion succeed where there is none.
    `table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    ...marks.map((name) => `chain ${name} {\n}`),
    ...table.sets.map(setText),
    ...table.chains.map(chainText),
    '}\n',
  ].join('\n')
}

function setText({ name, type, elements }: NftSet): string {
  const filled = elements.length === 0 ? [] : [`elements = { ${elements.join(', ')} }`]
  return [`set ${name} {`, `type ${type}`, ...filled, '}'].join('\n')
}

function chainText({ name, type, hook, priority, rules }: NftChain): string {
  return [
    `chain ${name} {`,
    `type ${type} hook ${hook} priority ${priority}; policy accept;`,
    ...rules.map((rule) => `${rule} comment "${ruleComment(name, rule)}"`),
    '}',
  ].join('\n')
}

/** nft prints a rule in words of its own, which change with its version. The comment stays as it was written. */
function ruleComment(chain: string, rule: string): string {
  return `homeward ${digest(`${chain} ${rule}`)}`
}

/** What an observation of exactly this table says. */
export function fingerprintsOf({ sets, chains }: NftTable): readonly string[] {
  return inOneOrder(
    [
      ...sets.map(({ name, type, elements }) => setFingerprint(name, type, elements)),
      ...chains.map(({ name, type, hook, priority }) => chainFingerprint(name, type, hook, priority, 'accept')),
    ],
    chains.flatMap(({ name, rules }) => rules.map((rule) => ({ chain: name, comment: ruleComment(name, rule) }))),
  )
}

export function setFingerprint(name: string, type: string, elements: readonly string[]): string {
  return `set ${name} ${type} ${digest([...elements].sort().join(' '))}`
}

export function chainFingerprint(name: string, type: string, hook: string, priority: number, policy: string): string {
  return `chain ${name} ${type} ${hook} ${priority} ${policy}`
}

/** The order in which nft lists sets and chains says nothing; that of the rules in a chain says everything. */
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
