import { createHash } from 'node:crypto'
import * as v from 'valibot'
import type { Family } from '../../../net/address.ts'
import type { OtherFirewall } from '../../observation.ts'
import type { TunnelFirewall } from '../../spec.ts'
import { TABLE } from '../firewall/mark.ts'
import type { OtherFirewallStep } from './other-firewall.ts'
import { reversePathHook } from './reverse-path-rule.ts'
import { needsOfTunnel, type TunnelNeed } from './tunnel-needs.ts'
import { visitorCondition } from '../firewall/visitors.ts'

/** Tables of nftables that are neither ours nor iptables', such as firewalld's or an nftables.conf's. Pure. */

const Listing = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
const Chain = v.object({
  family: v.string(),
  table: v.string(),
  name: v.string(),
  type: v.optional(v.string()),
  hook: v.optional(v.string()),
  policy: v.optional(v.string()),
})
const Rule = v.object({
  family: v.string(),
  table: v.string(),
  chain: v.string(),
  handle: v.number(),
  comment: v.optional(v.string(), ''),
  /** The expressions. One of iptables that nft does not know is null in some versions. */
  expr: v.optional(v.array(v.unknown()), []),
})

/** The comment of our rules in these tables, before a digest of what they say. */
const MARK = /^homeward ([0-9a-f]{12})$/

/** Names that can be written back without quoting. */
const PLAIN = /^[\w./-]+$/

const FAMILY = { ip: 'ipv4', ip6: 'ipv6' } as const

/** The families whose table `filter` in nf_tables iptables' own programs report and change. */
export type ToldByIptables = ReadonlySet<Family>

/**
 * Reads the chains that matter and our rules in them.
 * @param ruleset `nft -j -t list ruleset`
 * @returns chains that stop unknown packets, as `FAMILY TABLE CHAIN HOOK`, and our rules, as `FAMILY TABLE CHAIN DIGEST
 * HANDLE`.
 */
export function parseNative(ruleset: string, told: ToldByIptables = new Set(['ipv4', 'ipv6'])): OtherFirewall {
  const listed = v.parse(Listing, JSON.parse(ruleset)).nftables
  const of = <const Schema extends v.GenericSchema>(kind: string, schema: Schema): v.InferOutput<Schema>[] =>
    listed.flatMap((one) => {
      const parsed = v.safeParse(schema, one[kind])
      // An object of another form is not one that is looked for here.
      return parsed.success ? [parsed.output] : []
    })
  const chains = of('chain', Chain).filter(isJudge)
  const rules = of('rule', Rule)
  const inChain = (chain: v.InferOutput<typeof Chain>) =>
    rules.filter(
      ({ family, table, chain: name }) => family === chain.family && table === chain.table && name === chain.name,
    )
  return {
    strict: [
      ...chains
        .filter((chain) => !isIptables(chain, told))
        .filter((chain) => chain.policy === 'drop' || isEnd(inChain(chain).at(-1)))
        .map(({ family, table, name, hook }) => [family, table, name, hook].join(' ')),
      ...rules.filter(isNative).flatMap((rule) => {
        const hook = reversePathHook(rule.expr)
        return hook === null ? [] : [[rule.family, rule.table, rule.chain, hook, rule.handle].join(' ')]
      }),
    ],
    ours: rules.filter(isNative).flatMap(({ family, table, chain, comment, handle }) => {
      const digest = MARK.exec(comment)?.[1]
      return digest === undefined ? [] : [[family, table, chain, digest, handle].join(' ')]
    }),
  }
}

/** The chains and rules of one table, as they were listed. */
export function contentOf(ruleset: string, table: string): readonly unknown[] {
  return v
    .parse(Listing, JSON.parse(ruleset))
    .nftables.flatMap((one) => [v.safeParse(Chain, one['chain']), v.safeParse(Rule, one['rule'])])
    .flatMap(({ success, output }) => (success && `${output.family} ${output.table}` === table ? [output] : []))
}

/** The table, e.g. `inet firewalld`, of any text that begins with it: a chain, a rule. */
export function tableOf(place: string): string {
  return place.split(' ').slice(0, 2).join(' ')
}

/** Whether a rule can be one of ours, or one before which ours can be put. */
function isNative({ family, table, chain }: v.InferOutput<typeof Rule>): boolean {
  const isKnown = ['ip', 'ip6', 'inet'].includes(family) && PLAIN.test(table) && PLAIN.test(chain)
  return isKnown && `${family} ${table}` !== TABLE
}

function isIptables({ family, table, name }: v.InferOutput<typeof Chain>, told: ToldByIptables): boolean {
  const isTold = (family === 'ip' || family === 'ip6') && told.has(FAMILY[family])
  return isTold && table === 'filter' && /^(INPUT|FORWARD)$/.test(name)
}

function isJudge({ family, table, name, type, hook }: v.InferOutput<typeof Chain>): boolean {
  return (
    type === 'filter' &&
    (hook === 'input' || hook === 'forward') &&
    ['ip', 'ip6', 'inet'].includes(family) &&
    `${family} ${table}` !== TABLE &&
    PLAIN.test(table) &&
    PLAIN.test(name)
  )
}

/** Whether a last rule stops every packet that reaches it, as firewalld's does. */
function isEnd(rule: v.InferOutput<typeof Rule> | undefined): boolean {
  const words = (rule?.expr ?? [])
    .flatMap((one) => Object.keys(one ?? { unknown: one }))
    .filter((word) => !['counter', 'log'].includes(word))
  return words.length === 1 && (words[0] === 'drop' || words[0] === 'reject')
}

/** @param tunnels none: nothing of ours stays. */
export function nativeSteps(
  { strict, ours }: OtherFirewall,
  tunnels: readonly TunnelFirewall[],
): readonly OtherFirewallStep[] {
  const needs = tunnels.flatMap(needsOfTunnel)
  const all = strict.flatMap((chain) => {
    const [family = '', table, name, hook, before] = chain.split(' ')
    return needs
      .filter((need) => need.hook === hook && need.families.some((one) => covers(family, one)))
      .map((need) => {
        const rule = nativeRule(need)
        const digest = createHash('sha256').update(rule).digest('hex').slice(0, 12)
        const place = `${family} ${table} ${name}`
        const at = before === undefined ? place : `${place} position ${before}`
        return { key: `${place} ${digest}`, text: `${at} ${rule} comment "homeward ${digest}"` }
      })
  })
  // Before the first of several rules of one chain is before all of them.
  const wanted = all.filter(({ key }, index) => all.findIndex((one) => one.key === key) === index)
  const keyOf = (own: string): string => own.split(' ').slice(0, 4).join(' ')
  const there = ours.map(keyOf)
  const add = wanted.filter(({ key }) => !there.includes(key)).map(({ text }) => text)
  const remove = ours
    .filter((own, index) => !wanted.some(({ key }) => key === keyOf(own)) || there.indexOf(keyOf(own)) !== index)
    .map((own) => {
      const [family, table, name, , handle] = own.split(' ')
      return `${family} ${table} ${name} handle ${handle}`
    })
  return add.length + remove.length === 0 ? [] : [{ kind: 'set-other-firewall', place: 'nftables', add, remove }]
}

export function covers(family: string, need: Family): boolean {
  return family === 'inet' || family === (need === 'ipv4' ? 'ip' : 'ip6')
}

export function nativeRule({ from, to, protocol, port, notFrom, visitorSlot }: TunnelNeed): string {
  return [
    ...(from === null ? [] : [`iifname ${JSON.stringify(from)}`]),
    ...(notFrom === null ? [] : [`ip saddr != ${notFrom}`]),
    ...(to === null ? [] : [`oifname ${JSON.stringify(to)}`]),
    ...(protocol === null ? [] : [port === null ? `meta l4proto ${protocol}` : `${protocol} dport ${port}`]),
    ...(visitorSlot === null ? [] : [visitorCondition(visitorSlot)]),
    'accept',
  ].join(' ')
}

/** Input for `nft -f -`, a transaction for each table: a table that refuses does not hinder the others. */
export function nativeTexts({ add, remove }: Pick<OtherFirewallStep, 'add' | 'remove'>): ReadonlyMap<string, string> {
  const tables = new Set([...remove, ...add].map(tableOf))
  const of = (table: string, rules: readonly string[]) => rules.filter((rule) => tableOf(rule) === table)
  return new Map(
    [...tables].map((table) => [table, nativeText({ add: of(table, add), remove: of(table, remove) })] as const),
  )
}

/** The text of one transaction. */
export function nativeText({ add, remove }: Pick<OtherFirewallStep, 'add' | 'remove'>): string {
  return [...remove.map((rule) => `delete rule ${rule}\n`), ...add.map((rule) => `insert rule ${rule}\n`)].join('')
}
