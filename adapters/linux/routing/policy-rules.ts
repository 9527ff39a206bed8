import * as v from 'valibot'
import { ALL_BITS } from '../../marks.ts'

/** The protocol number of the routes and rules homeward made (ip-route(8), `proto`). Not one of /etc/iproute2/rt_protos. */
export const ROUTE_PROTOCOL = '86'

/** One rule of the kernel's routing policy database (ip-rule(8)), as far as it matters here. */
export interface PolicyRule {
  readonly priority: number
  /** Whether the rule is for packets that its conditions do not match. */
  readonly isInverted: boolean
  readonly fwmark: number | null
  readonly fwmask: number
  readonly table: string | null
  readonly isOurs: boolean
  /** Routes of prefixes no longer than this are left out; null: none is. */
  readonly suppressed: number | null
  readonly src: string | null
  readonly iif: string | null
  /** The conditions but the mark, in the words and order in which ours are made; empty: all packets. */
  readonly selector: string
}

/** The mask of a port that is wanted as it is. iproute2 prints it since 6.15, where the kernel knows masks. */
const WHOLE_PORT = 0xff_ff

const Rules = v.array(
  v.looseObject({
    priority: v.optional(v.number(), 0),
    // Printed as a key without a value.
    not: v.optional(v.null()),
    fwmark: v.optional(v.string()),
    fwmask: v.optional(v.string()),
    table: v.optional(v.string()),
    protocol: v.optional(v.string()),
    src: v.optional(v.string()),
    srclen: v.optional(v.number()),
    iif: v.optional(v.string()),
    dst: v.optional(v.string()),
    dstlen: v.optional(v.number()),
    ipproto: v.optional(v.string()),
    sport: v.optional(v.number()),
    sport_mask: v.optional(v.string()),
    suppress_prefixlen: v.optional(v.number()),
  }),
)

/** Keys of a rule that say nothing of the packets it is for, or that are in the selector. */
const KNOWN: ReadonlySet<string> = new Set(
  'priority not fwmark fwmask table protocol src srclen iif iif_detached dst dstlen ipproto sport sport_mask suppress_prefixlen suppress_ifgroup action goto unresolved'.split(
    ' ',
  ),
)

function selectorOf(rule: v.InferOutput<typeof Rules>[number]): string {
  const { src = 'all', srclen, iif, dst, dstlen, ipproto, sport, sport_mask: mask = WHOLE_PORT } = rule
  const prefix = (address: string, length: number | undefined): string =>
    length === undefined ? address : `${address}/${length}`
  return [
    ...(src === 'all' ? [] : [`from ${prefix(src, srclen)}`]),
    ...(iif === undefined ? [] : [`iif ${iif}`]),
    ...(dst === undefined ? [] : [`to ${prefix(dst, dstlen)}`]),
    ...(ipproto === undefined ? [] : [`ipproto ${ipproto}`]),
    ...(sport === undefined ? [] : [`sport ${sport}${Number(mask) === WHOLE_PORT ? '' : `/${mask}`}`]),
    ...Object.keys(rule).filter((key) => !KNOWN.has(key)),
  ].join(' ')
}

/** Reads `ip -j rule show`. */
export function parsePolicyRules(text: string): readonly PolicyRule[] {
  return v.parse(Rules, JSON.parse(text)).map((rule) => ({
    priority: rule.priority,
    isInverted: Object.hasOwn(rule, 'not'),
    fwmark: rule.fwmark === undefined ? null : Number(rule.fwmark),
    fwmask: rule.fwmask === undefined ? ALL_BITS : Number(rule.fwmask),
    table: rule.table ?? null,
    isOurs: rule.protocol === ROUTE_PROTOCOL,
    suppressed: rule.suppress_prefixlen ?? null,
    src: rule.src ?? null,
    iif: rule.iif ?? null,
    selector: selectorOf(rule),
  }))
}

/** The last of the priorities that our rules usually have: the number of their tables. */
const LAST_USUAL = 8700

/**
 * The priority of a rule of ours: before every rule of others that could match packets of ours, since whoever is asked
 * first decides. wg-quick for one gives its rules the two numbers just below the lowest there is (its add_default), and
 * would have every answer to a visitor. Ours take half of the lowest number, so that others find room below it again.
 * @param usual the priority while nobody's rule is in the way.
 */
export function priorityBefore(rules: readonly PolicyRule[], usual: number): number {
  const lowest = lowestOfOthers(rules)
  return lowest > LAST_USUAL ? usual : Math.floor(lowest / 2)
}

/** Infinity without any. */
export function lowestOfOthers(rules: readonly PolicyRule[]): number {
  return Math.min(...rules.filter(mayMatchOurs).map(({ priority }) => priority))
}

/** Rules of others that take packets of every kind, except those with a mark of theirs, in order. */
export function takersOfAll(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  return rules.filter((rule) => mayMatchOurs(rule) && rule.selector === '' && rule.priority < MAIN_PRIORITY)
}

/** The priority of the kernel's rule for the main table (ip-rule(8)). */
const MAIN_PRIORITY = 32_766

/** The first rule of others that is asked before this priority and could match packets of ours. */
export function ruleBefore(rules: readonly PolicyRule[], priority: number): string | null {
  const before = rules.find((rule) => mayMatchOurs(rule) && rule.priority <= priority)
  return before === undefined ? null : `ip rule ${before.priority}`
}

/**
 * Whether somebody else's rule may match packets of ours. The one at 0 is the kernel's own, of this machine's addresses
 * (ip-rule(8)). A rule that wants a mark wants its owner's packets.
 */
function mayMatchOurs({ priority, isOurs, isInverted, fwmark }: PolicyRule): boolean {
  return !isOurs && priority > 0 && (fwmark === null || fwmark === 0 || isInverted)
}
