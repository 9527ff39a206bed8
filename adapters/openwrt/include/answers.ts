import { ALL_BITS } from '../../marks.ts'
import type { ForeignMark, ReplyRoute } from '../../observation.ts'
import { namedFor, sameSection, type Section, text, tunnelOf } from '../uci/sections.ts'
import { markText, SLOTS, slotOf } from './marks.ts'

/**
 * How packets with the mark of a slot find into the tunnel: a policy rule, a table with one route, and a rule after it by
 * which there is no other way. So while the tunnel is down no answer leaves by the router's line. Pure.
 */
export function answerSections(tunnel: string, slot: number): readonly Section[] {
  const { table, priority, lastPriority } = slotOf(slot)
  const section = (what: string, type: string, options: Section['options']): Section => ({
    config: 'network',
    name: namedFor(tunnel, what),
    type,
    options,
  })
  return [
    section('answers', 'rule', { mark: markText(slot), lookup: table, priority }),
    section('noanswers', 'rule', { mark: markText(slot), action: 'unreachable', priority: lastPriority }),
    section('answerway', 'route', { interface: tunnel, target: '0.0.0.0/0', table }),
  ]
}

/** Whether a section belongs to the ways of answers, of this slot or of any. */
export function isAnswerSection(section: Section, slot: number | null = null): boolean {
  if (section.config !== 'network' || tunnelOf(section) === null) return false
  if (section.type !== 'rule' && (section.type !== 'route' || section.options['table'] === undefined)) return false
  return slot === null || slotIn(section) === slot
}

/** The slot of a section, by what somebody left of it as it was; null: none can be told. */
function slotIn({ options }: Section): number | null {
  const is = (slot: number): boolean => {
    const { table, priority, lastPriority } = slotOf(slot)
    const at = text(options, 'priority')
    return (
      options['table'] === table ||
      options['lookup'] === table ||
      at === priority ||
      at === lastPriority ||
      options['mark'] === markText(slot)
    )
  }
  return SLOTS.find(is) ?? null
}

/** Prints the router's policy rules, and what is in those tables of ours to which they lead. */
export const ANSWERS = `ip -4 rule show 2>/dev/null | while read -r l; do echo "$l"; t=\${l##*lookup }; case "\${t%% *}" in ${SLOTS.map((slot) => slotOf(slot).table).join('|')}) ip -4 route show table \${t%% *} 2>/dev/null | while read -r r; do echo "table \${t%% *} $r"; done ;; esac; done`

/**
 * How answers are routed, as it is configured and as it runs.
 * @param listing what ANSWERS printed.
 * @param live the tunnels whose device exists: of others the kernel has no route.
 */
export function answersIn(
  sections: readonly Section[],
  listing: string,
  live: readonly string[],
): readonly ReplyRoute[] {
  const there = new Map(sections.map((one) => [one.name, one]))
  const rules = markRules(listing)
  // Any of the three is enough: what somebody left of them has to be seen to be removed.
  const ways = sections
    .filter((section) => isAnswerSection(section))
    .flatMap((section) => {
      const [slot, tunnel] = [slotIn(section), tunnelOf(section)]
      return slot === null || tunnel === null ? [] : [{ slot, tunnel }]
    })
  return ways
    .filter(({ slot, tunnel }, at) => ways.findIndex((one) => one.slot === slot && one.tunnel === tunnel) === at)
    .map(({ slot, tunnel }) => {
      const isConfigured = answerSections(tunnel, slot).every((one) => sameSection(there.get(one.name), one))
      const isRunning = hasRules(rules, slot) && (!live.includes(tunnel) || hasRoute(listing, slot, tunnel))
      return { slot, interface: tunnel, isWhole: isConfigured && isRunning }
    })
}

/** A policy rule that compares a mark, as it runs. */
interface MarkRule {
  readonly priority: string
  readonly value: number
  /** null: busybox shows none. */
  readonly mask: number | null
  /** E.g. `lookup 186`. */
  readonly act: string
}

function markRules(listing: string): readonly MarkRule[] {
  return [...listing.matchAll(/^(\d+):.*? fwmark (0x[0-9a-f]+)(?:\/(0x[0-9a-f]+))? (.*)$/gm)].map(
    ([, priority = '', value, mask, act = '']) => ({
      priority,
      value: Number(value),
      mask: mask === undefined ? null : Number(mask),
      act: act.trim(),
    }),
  )
}

/** Whether a rule has a place and the mark of the slot. */
function isOfSlot({ priority, value, mask }: MarkRule, slot: number): boolean {
  const own = slotOf(slot)
  return (
    (priority === own.priority || priority === own.lastPriority) &&
    value === own.mark &&
    (mask === null || mask === own.mask)
  )
}

function hasRules(rules: readonly MarkRule[], slot: number): boolean {
  const { priority, lastPriority, table } = slotOf(slot)
  const is = (nth: string, act: string): boolean =>
    rules.some((rule) => rule.priority === nth && isOfSlot(rule, slot) && ` ${rule.act} `.includes(` ${act} `))
  return is(priority, `lookup ${table}`) && is(lastPriority, 'unreachable')
}

function hasRoute(listing: string, slot: number, tunnel: string): boolean {
  return listing
    .split('\n')
    .some((line) => ` ${line} `.startsWith(` table ${slotOf(slot).table} default dev ${tunnel} `))
}

/** Marks by which somebody else routes packets, or which the owner's firewall rules write or compare. */
export function foreignMarks(sections: readonly Section[], listing: string): readonly ForeignMark[] {
  const own = new Set(
    sections.filter((section) => isAnswerSection(section)).map(({ options }) => text(options, 'priority')),
  )
  // Ours runs on where its section was deleted and nothing was loaded again.
  const ruled = markRules(listing)
    .filter((rule) => !own.has(rule.priority) && !SLOTS.some((slot) => isOfSlot(rule, slot)))
    .map(({ priority, value, mask }) => ({ value, mask: mask ?? ALL_BITS, by: `ip rule ${priority}` }))
  const written = sections
    .filter((section) => section.config === 'firewall' && tunnelOf(section) === null)
    .flatMap(({ name, options }) =>
      ['mark', 'set_mark', 'set_xmark'].flatMap((option) => {
        const mark = text(options, option)
        return mark === null ? [] : [{ mark, by: `firewall.${name}` }]
      }),
    )
  const parsed = written.flatMap(({ mark, by }) => {
    const [, value, mask] = /^!?\s*(0x[0-9a-f]+|\d+)(?:\/(0x[0-9a-f]+|\d+))?$/i.exec(mark) ?? []
    if (value === undefined) return []
    return [{ value: Number(value), mask: mask === undefined ? ALL_BITS : Number(mask), by }]
  })
  return [...ruled, ...parsed]
}

/**
 * Makes the ways of a tunnel's answers run as they are configured. netifd adds a rule that somebody deleted only when its
 * section is new to it, and takes what is staged for committed: so the sections are taken out for a moment, which writes
 * nothing to flash. Not beside changes that their owner has staged, and under the lock that looks take: one in between
 * would take what is staged for its owner's.
 */
export function answersScript(sections: readonly Section[], tunnel: string): string {
  const own = sections.filter((section) => tunnelOf(section) === tunnel && isAnswerSection(section))
  const route = own.find(({ type }) => type === 'route')
  const table = route === undefined ? null : text(route.options, 'table')
  return [
    `{ [ -z "$(uci changes network)" ] || { echo 'changes of network are staged on the router: commit or revert them (uci changes network)' >&2; exit 1; }; }`,
    `{ ${own.map(({ name }) => `uci delete network.${name}`).join(' && ')} && ubus call network reload; uci revert network; }`,
    'ubus call network reload',
    ...(table === null ? [] : [`ip -4 route replace default dev ${tunnel} table ${table}`]),
  ].join(' && ')
}
