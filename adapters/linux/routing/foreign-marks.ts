import * as v from 'valibot'
import { ALL_BITS } from '../../marks.ts'
import type { ForeignMark } from '../../observation.ts'
import type { PolicyRule } from './policy-rules.ts'
import { SLOTS, slotMark } from './slots.ts'

/** Marks of packets or connections that others use on this machine. Pure. */

/**
 * What hinders the slot's byte of a mark: somebody else's mark in it. A mask that has all bits hinders only where it
 * names a value of ours, since no byte is free of it.
 */
export function markCollision(slot: number, marks: readonly ForeignMark[]): ForeignMark | null {
  const { mask } = slotMark(slot)
  const collides = (other: ForeignMark): boolean =>
    other.mask === ALL_BITS
      ? other.value !== null && OURS.has(`${mask} ${(other.value & mask) >>> 0}`)
      : (other.mask & mask) >>> 0 !== 0
  return marks.find(collides) ?? null
}

const OURS: ReadonlySet<string> = new Set(SLOTS.map(slotMark).map(({ mark, mask }) => `${mask} ${mark}`))

export function marksInRules(rules: readonly PolicyRule[]): readonly ForeignMark[] {
  return rules.flatMap(({ isOurs, fwmark, fwmask, priority }) =>
    isOurs || fwmark === null ? [] : [{ mask: fwmask, value: fwmark, by: `ip rule ${priority}` }],
  )
}

/** @param saved rules as iptables-save prints them. */
export function marksInSaved(program: string, saved: string): readonly ForeignMark[] {
  return saved
    .split('\n')
    .filter((line) => !line.includes('--comment homeward'))
    .flatMap((line) => [
      ...[...line.matchAll(/--(?:set-x?|tproxy-)?mark (0x[0-9a-f]+)(?:\/(0x[0-9a-f]+))?/g)].map(([, value, mask]) => ({
        mask: mask === undefined ? ALL_BITS : Number(mask),
        value: Number(value),
        by: program,
      })),
      // The bits that are copied between packet and connection. A copy of all bits leaves no byte alone.
      ...[...line.matchAll(/--(?:nf|ct)mask (0x[0-9a-f]+)/g)].flatMap(([, mask]) =>
        Number(mask) === ALL_BITS ? [] : [{ mask: Number(mask), value: null, by: program }],
      ),
    ])
}

const Listing = v.object({ nftables: v.array(v.record(v.string(), v.unknown())) })
const Rule = v.object({
  family: v.string(),
  table: v.string(),
  chain: v.string(),
  comment: v.optional(v.string(), ''),
  expr: v.optional(v.array(v.unknown()), []),
})
const Mark = v.union([
  v.object({ meta: v.object({ key: v.literal('mark') }) }),
  v.object({ ct: v.object({ key: v.literal('mark') }) }),
])
const And = v.object({ '&': v.tuple([v.unknown(), v.number()]) })
const Or = v.object({ '|': v.tuple([v.unknown(), v.number()]) })
const Match = v.object({ match: v.object({ left: v.unknown(), right: v.unknown() }) })
const Mangle = v.object({ mangle: v.object({ key: Mark, value: v.unknown() }) })

/**
 * Reads libnftables-json(5): what is compared with a mark, and what is written to one. Rules of iptables are listed
 * there too, their targets without values; whoever sets a mark compares it somewhere.
 * @param ruleset `nft -j -t list ruleset` @param own our own table, e.g. `inet homeward`
 */
export function marksInRuleset(ruleset: string, own: string): readonly ForeignMark[] {
  return v.parse(Listing, JSON.parse(ruleset)).nftables.flatMap((one) => {
    const rule = v.safeParse(Rule, one['rule'])
    if (!rule.success) return []
    const { family, table, chain, comment, expr } = rule.output
    if (`${family} ${table}` === own || comment.startsWith('homeward ')) return []
    return expr
      .flatMap(marksInExpression)
      .map((mark) => ({ ...mark, by: `the nftables chain ${family} ${table} ${chain}` }))
  })
}

function marksInExpression(expression: unknown): readonly Pick<ForeignMark, 'mask' | 'value'>[] {
  if (v.is(Match, expression)) {
    const { left, right } = expression.match
    if (v.is(Mark, left)) return typeof right === 'number' ? [{ mask: ALL_BITS, value: right }] : []
    return v.is(And, left) && v.is(Mark, left['&'][0]) ? [{ mask: left['&'][1], value: null }] : []
  }
  if (!v.is(Mangle, expression)) return []
  const { key, value } = expression.mangle
  if (typeof value === 'number') return [{ mask: ALL_BITS, value }]
  const mask = writtenBits(key, value)
  // A copy of all bits leaves no byte alone.
  return mask === null || mask === ALL_BITS ? [] : [{ mask, value: null }]
}

/** The bits of a mark that are written; null: not understood. */
function writtenBits(key: v.InferOutput<typeof Mark>, value: unknown): number | null {
  if (v.is(Or, value)) {
    const below = v.is(Mark, value['|'][0]) ? 0 : writtenBits(key, value['|'][0])
    return below === null ? null : (below | value['|'][1]) >>> 0
  }
  if (!v.is(And, value) || !v.is(Mark, value['&'][0])) return v.is(Mark, value) ? ALL_BITS : null
  const isItself = Object.keys(value['&'][0])[0] === Object.keys(key)[0]
  return isItself ? ~value['&'][1] >>> 0 : value['&'][1]
}
