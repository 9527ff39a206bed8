import type { Family } from '../../../net/address.ts'
import type { IptablesProgram, OtherFirewall } from '../../observation.ts'
import type { TunnelFirewall } from '../../spec.ts'
import type { HostStep } from '../../step.ts'
import { REVERSE_PATH_TABLES, reversePathChanges, reversePathsIn } from './legacy-reverse-path.ts'
import { needsOfTunnel, type TunnelNeed } from './tunnel-needs.ts'
import { visitorMatch } from '../firewall/visitors.ts'

/**
 * Firewalls of this machine other than ours. Docker sets FORWARD to DROP, Oracle's images end INPUT and FORWARD in a
 * REJECT, ufw does both; firewalld and many an nftables.conf have tables of their own. Every base chain must let a
 * packet pass (nft(8), "CHAINS"), so ours accepting it is not enough: rules for what the tunnel needs are put before
 * theirs, in their own syntax and with our mark. Nothing of theirs is changed. Our table still judges what passes
 * between the tunnel and the rest.
 *
 * This file is about the chains of iptables; native-firewall.ts about other tables. Pure.
 */

/** The observation of a machine without any other firewall. */
export const NO_OTHERS = {
  iptables: { strict: [], ours: [] },
  ip6tables: { strict: [], ours: [] },
  nftables: { strict: [], ours: [] },
} as const satisfies Readonly<Record<string, OtherFirewall>>

export type OtherFirewallStep = Extract<HostStep, { kind: 'set-other-firewall' }>

/** The mark of our rules, as iptables-save prints it. */
const COMMENT = '-m comment --comment homeward'

const CHAIN_OF: ReadonlyMap<TunnelNeed['hook'], string> = new Map([
  ['input', 'INPUT'],
  ['forward', 'FORWARD'],
])

/** @param saved what `iptables-save -t TABLE` said of one family, of one table or of several. */
export function parseIptables(saved: string): OtherFirewall {
  const filter = judgesIn(linesOf(saved, 'filter'))
  const others = REVERSE_PATH_TABLES.map((table) => reversePathsIn(table, rulesIn(linesOf(saved, table)), isOurs))
  return {
    strict: [filter, ...others].flatMap(({ strict }) => strict),
    ours: [filter, ...others].flatMap(({ ours }) => ours),
  }
}

/** The lines of one table, which ends with COMMIT. */
function linesOf(saved: string, table: string): readonly string[] {
  const [, text = ''] = new RegExp(`^\\*${table}$([^]*?)^COMMIT$`, 'm').exec(saved) ?? []
  return text.split('\n')
}

function rulesIn(lines: readonly string[]): readonly string[] {
  return lines.flatMap((line) => (line.startsWith('-A ') ? [line.slice(3)] : []))
}

function isOurs(rule: string): boolean {
  return rule.includes(` ${COMMENT} `)
}

/** The chains that judge what comes in and what is forwarded. @param lines of the table filter. */
function judgesIn(lines: readonly string[]): OtherFirewall {
  const rules = rulesIn(lines)
  const strict = [...CHAIN_OF.values()].filter(
    (chain) =>
      lines.some((line) => line.startsWith(`:${chain} `) && !line.startsWith(`:${chain} ACCEPT`)) ||
      rules.some((rule) => rule.startsWith(`${chain} `) && !isOurs(rule)),
  )
  return { strict, ours: rules.filter(isOurs) }
}

/** The step that makes our rules there as wanted; none when they are. @param tunnels none: nothing of ours stays. */
export function iptablesSteps(
  place: IptablesProgram,
  { strict, ours }: OtherFirewall,
  tunnels: readonly TunnelFirewall[],
): readonly OtherFirewallStep[] {
  const family = familyOf(place)
  const needs = tunnels.flatMap(needsOfTunnel).filter(({ families }) => families.includes(family))
  const wanted = needs
    .filter(({ hook }) => strict.includes(CHAIN_OF.get(hook) ?? ''))
    .map((need) => `${CHAIN_OF.get(need.hook) ?? ''} ${iptablesBody(need)}`)
  const reversePath = reversePathChanges({ strict, ours }, needs, iptablesBody)
  const add = [...wanted.filter((rule) => !ours.includes(rule)), ...reversePath.add]
  const judged = ours.filter((rule) => !rule.startsWith('-t '))
  // A rule that is there twice goes once.
  const remove = [
    ...judged.filter((rule, index) => !wanted.includes(rule) || judged.indexOf(rule) !== index),
    ...reversePath.remove,
  ]
  return add.length + remove.length === 0 ? [] : [{ kind: 'set-other-firewall', place, add, remove }]
}

export function familyOf(program: IptablesProgram): Family {
  return program.startsWith('ip6') ? 'ipv6' : 'ipv4'
}

/** A rule behind its chain, exactly as iptables-save prints it, so that rules can be compared. */
function iptablesBody({ from, to, protocol, port, notFrom, visitorSlot }: TunnelNeed): string {
  const words = [
    ...(notFrom === null ? [] : [`! -s ${notFrom}`]),
    ...(from === null ? [] : [`-i ${from}`]),
    ...(to === null ? [] : [`-o ${to}`]),
    ...(protocol === null ? [] : [`-p ${protocol}`]),
    ...(port === null ? [] : [`-m ${protocol} --dport ${port}`]),
    ...(visitorSlot === null ? [] : [visitorMatch(visitorSlot)]),
  ]
  return [...words, COMMENT, '-j ACCEPT'].join(' ')
}

/** Input for `iptables-restore --noflush`: one transaction for each table. */
export function iptablesText({ add, remove }: OtherFirewallStep): string {
  const tableOf = (rule: string): string => /^-t (\S+) /.exec(rule)?.[1] ?? 'filter'
  const bare = (rule: string): string => rule.replace(/^-t \S+ /, '')
  return [...new Set([...remove, ...add].map(tableOf))]
    .flatMap((table) => [
      `*${table}`,
      ...remove.filter((rule) => tableOf(rule) === table).map((rule) => `-D ${bare(rule)}`),
      ...add.filter((rule) => tableOf(rule) === table).map((rule) => `-I ${bare(rule)}`),
      'COMMIT',
    ])
    .concat('')
    .join('\n')
}
