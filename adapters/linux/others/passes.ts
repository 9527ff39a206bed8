import * as v from 'valibot'
import { interfacesIn, isOther, isSame, type NeededPacket, type Truth } from './packet-match.ts'

/** What can become of a packet in a chain: passed, stopped, or handed on to what comes next. */
type Outcome = 'accept' | 'stop' | 'on'
type Verdict = Outcome | 'return' | { readonly jump: string } | { readonly goto: string }

const Chain = v.object({ name: v.string(), policy: v.optional(v.string()) })
const Rule = v.object({ chain: v.string(), expr: v.array(v.unknown()) })
const Match = v.object({ op: v.string(), left: v.unknown(), right: v.unknown() })
const Target = v.object({ target: v.string() })
const VerdictMap = v.object({
  key: v.unknown(),
  data: v.object({ set: v.array(v.tuple([v.unknown(), v.record(v.string(), v.unknown())])) }),
})

/** nft's limit of nested jumps (nft(8), "JUMP"). Deeper is a circle. */
const DEEPEST = 16

/**
 * Whether a base chain of somebody else's table lets a packet pass. An unknown interface may be any that the rules
 * name, or none of them: only the table's owner knows which it is. Pure.
 * @param content the chains and rules of the table, as listed.
 */
export function passes(content: readonly unknown[], base: string, packet: NeededPacket): boolean {
  const { need, tunnel } = packet
  const others = [...new Set(['another', ...interfacesIn(content)])].filter((name) => name !== tunnel && name !== 'lo')
  return others.some((other) => {
    const from = need.from ?? other
    const to = need.hook === 'forward' ? (need.to ?? other) : null
    return mustPass(content, base, { ...packet, need: { ...need, from, to } })
  })
}

/**
 * Whether the packet passes whatever else is unknown of it: a rule that may or may not match is followed both ways.
 * Reads libnftables-json(5); an expression that is not understood lets nothing pass.
 */
function mustPass(content: readonly unknown[], base: string, packet: NeededPacket): boolean {
  const outcomes = outcomesIn(content, base, packet, 0)
  const policy = content.flatMap((one) => (v.is(Chain, one) && one.name === base ? [one.policy] : []))[0]
  return [...outcomes].every((outcome) => outcome === 'accept' || (outcome === 'on' && policy !== 'drop'))
}

function outcomesIn(
  content: readonly unknown[],
  chain: string,
  packet: NeededPacket,
  depth: number,
): ReadonlySet<Outcome> {
  if (depth > DEEPEST) return new Set(['stop'])
  const outcomes = new Set<Outcome>()
  for (const rule of content) {
    if (!v.is(Rule, rule) || rule.chain !== chain) continue
    const left = new Set<Outcome>()
    for (const verdict of verdictsOf(rule.expr, packet)) {
      if (verdict === 'return') outcomes.add('on')
      else if (typeof verdict === 'string') (verdict === 'on' ? left : outcomes).add(verdict)
      else
        for (const outcome of follow(content, verdict, packet, depth)) (outcome === 'on' ? left : outcomes).add(outcome)
    }
    if (!left.has('on')) return outcomes
  }
  return outcomes.add('on')
}

function follow(
  content: readonly unknown[],
  verdict: Exclude<Verdict, string>,
  packet: NeededPacket,
  depth: number,
): readonly Outcome[] {
  const target = 'jump' in verdict ? verdict.jump : verdict.goto
  const outcomes = [...outcomesIn(content, target, packet, depth + 1)]
  // A goto does not come back here. A return from it is not followed and counts as stopped, to be on the safe side.
  return 'jump' in verdict ? outcomes : outcomes.map((outcome) => (outcome === 'on' ? 'stop' : outcome))
}

/** All verdicts that a rule may come to; `on` where it may not match. */
function verdictsOf(expressions: readonly unknown[], packet: NeededPacket): readonly Verdict[] {
  let isSure = true
  for (const one of expressions) {
    const [kind, value] = Object.entries((one ?? {}) as Record<string, unknown>)[0] ?? ['unknown', null]
    if (kind === 'counter' || kind === 'log') continue
    if (kind === 'match') {
      const truth = matches(value, packet)
      if (truth === 'no') return ['on']
      isSure &&= truth === 'yes'
      continue
    }
    if (kind === 'vmap') return isSure ? mapped(value, packet) : [...mapped(value, packet), 'on']
    const verdict = verdictOf(kind, value)
    if (verdict !== null) return isSure ? [verdict] : [verdict, 'on']
    // A limit or an update of a set: the rule may end here.
    isSure = false
  }
  return ['on']
}

/** @returns null where the expression is no verdict. */
function verdictOf(kind: string, value: unknown): Verdict | null {
  switch (kind) {
    case 'accept':
      return 'accept'
    case 'drop':
    case 'reject':
    case 'queue':
      return 'stop'
    case 'continue':
      return 'on'
    case 'return':
      return 'return'
    case 'jump':
      return v.is(Target, value) ? { jump: value.target } : 'stop'
    case 'goto':
      return v.is(Target, value) ? { goto: value.target } : 'stop'
    default:
      return null
  }
}

function mapped(value: unknown, packet: NeededPacket): readonly Verdict[] {
  const map = v.safeParse(VerdictMap, value)
  if (!map.success) return ['stop']
  const found: Verdict[] = []
  for (const [key, verdict] of map.output.data.set) {
    const truth = isSame(map.output.key, key, packet)
    const [kind = 'drop', target] = Object.entries(verdict)[0] ?? []
    if (truth !== 'no') found.push(verdictOf(kind, target) ?? 'stop')
    if (truth === 'yes') return found
  }
  return [...found, 'on']
}

function matches(value: unknown, packet: NeededPacket): Truth {
  if (!v.is(Match, value)) return 'maybe'
  const { op, left, right } = value
  if (op === '==' || op === 'in') return isSame(left, right, packet)
  return op === '!=' ? isOther(left, right, packet) : 'maybe'
}
