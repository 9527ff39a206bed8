import type { ForeignMark, ReplyRoute } from '../../observation.ts'
import { namedFor, sameSection, type Section, text, tunnelOf } from '../uci/sections.ts'
import { ALL_BITS, markText, SLOTS, slotOf, slotOfTable } from './marks.ts'

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
  if (slot === null) return true
  const { mark, table } = section.options
  return mark === markText(slot) || table === slotOf(slot).table
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
  const lines = listing.split('\n')
  return sections
    .filter((section) => section.type === 'rule' && section.options['lookup'] !== undefined && isAnswerSection(section))
    .flatMap((section) => {
      const slot = slotOfTable(text(section.options, 'lookup') ?? '')
      const tunnel = tunnelOf(section)
      if (slot === null || tunnel === null) return []
      const there = new Map(sections.map((one) => [one.name, one]))
      const isConfigured = answerSections(tunnel, slot).every((one) => sameSection(there.get(one.name), one))
      const isRunning = hasRules(lines, slot) && (!live.includes(tunnel) || hasRoute(lines, slot, tunnel))
      return [{ slot, interface: tunnel, isWhole: isConfigured && isRunning }]
    })
}

function hasRules(lines: readonly string[], slot: number): boolean {
  const { priority, lastPriority, table } = slotOf(slot)
  const is = (nth: string, act: string): boolean =>
    lines.some((line) => line.startsWith(`${nth}:`) && line.includes('fwmark 0x') && ` ${line.trim()} `.includes(act))
  return is(priority, ` lookup ${table} `) && is(lastPriority, ' unreachable ')
}

function hasRoute(lines: readonly string[], slot: number, tunnel: string): boolean {
  return lines.some((line) => ` ${line} `.startsWith(` table ${slotOf(slot).table} default dev ${tunnel} `))
}

/** Marks by which somebody else routes packets, or which the owner's firewall rules write or compare. */
export function foreignMarks(sections: readonly Section[], listing: string): readonly ForeignMark[] {
  const own = new Set(
    sections.filter((section) => isAnswerSection(section)).map(({ options }) => text(options, 'priority')),
  )
  const ruled = listing.split('\n').flatMap((line) => {
    const [, priority = '', mark] = /^(\d+):.*fwmark (0x[0-9a-f]+(?:\/0x[0-9a-f]+)?)/.exec(line) ?? []
    return mark === undefined || own.has(priority) ? [] : [{ mark, by: `ip rule ${priority}` }]
  })
  const written = sections
    .filter((section) => section.config === 'firewall' && tunnelOf(section) === null)
    .flatMap(({ name, options }) =>
      ['mark', 'set_mark', 'set_xmark'].flatMap((option) => {
        const mark = text(options, option)
        return mark === null ? [] : [{ mark, by: `firewall.${name}` }]
      }),
    )
  return [...ruled, ...written].flatMap(({ mark, by }) => {
    const [, value, mask] = /^!?\s*(0x[0-9a-f]+|\d+)(?:\/(0x[0-9a-f]+|\d+))?$/i.exec(mark) ?? []
    if (value === undefined) return []
    return [{ value: Number(value), mask: mask === undefined ? ALL_BITS : Number(mask), by }]
  })
}

/**
 * Makes the ways of a tunnel's answers run as they are configured. netifd adds a rule that somebody deleted only when its
 * section is new to it, and takes what is staged for committed: so the sections are taken out for a moment, which writes
 * nothing to flash. Not beside changes that their owner has staged.
 */
export function answersScript(sections: readonly Section[], tunnel: string): string {
  const own = sections.filter((section) => tunnelOf(section) === tunnel && isAnswerSection(section))
  const route = own.find(({ type }) => type === 'route')
  const table = route === undefined ? null : text(route.options, 'table')
  return [
    '[ -z "$(uci changes network)" ]',
    `{ ${own.map(({ name }) => `uci delete network.${name}`).join(' && ')} && ubus call network reload; uci revert network; }`,
    'ubus call network reload',
    ...(table === null ? [] : [`ip -4 route replace default dev ${tunnel} table ${table}`]),
  ].join(' && ')
}
