import type { Family } from '../../../net/address.ts'
import type { IptablesProgram, OtherFirewall } from '../../observation.ts'
import type { TunnelFirewall } from '../../spec.ts'
import type { HostStep } from '../../step.ts'
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

/** @param saved what `iptables-save -t filter` said of one family. */
export function parseIptables(saved: string): OtherFirewall {
  const lines = saved.split('\n')
  const rules = lines.flatMap((line) => (line.startsWith('-A ') ? [line.slice(3)] : []))
  const isOurs = (rule: string): boolean => rule.includes(` ${COMMENT} `)
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
  const wanted = tunnels
    .flatMap(needsOfTunnel)
    .filter(({ families, hook }) => families.includes(family) && strict.includes(CHAIN_OF.get(hook) ?? ''))
    .map((need) => iptablesRule(need))
  const add = wanted.filter((rule) => !ours.includes(rule))
  // A rule that is there twice goes once.
  const remove = ours.filter((rule, index) => !wanted.includes(rule) || ours.indexOf(rule) !== index)
  return add.length + remove.length === 0 ? [] : [{ kind: 'set-other-firewall', place, add, remove }]
}

export function familyOf(program: IptablesProgram): Family {
  return program.startsWith('ip6') ? 'ipv6' : 'ipv4'
}

/** A rule exactly as iptables-save prints it, so that rules can be compared. */
function iptablesRule({ hook, from, to, protocol, port, visitorSlot }: TunnelNeed): string {
  const words = [
    CHAIN_OF.get(hook) ?? '',
    ...(from === null ? [] : [`-i ${from}`]),
    ...(to === null ? [] : [`-o ${to}`]),
    ...(protocol === null ? [] : [`-p ${protocol}`]),
    ...(port === null ? [] : [`-m ${protocol} --dport ${port}`]),
    ...(visitorSlot === null ? [] : [visitorMatch(visitorSlot)]),
  ]
  return `${words.join(' ')} ${COMMENT} -j ACCEPT`
}

/** Input for `iptables-restore --noflush`: one transaction. */
export function iptablesText({ add, remove }: OtherFirewallStep): string {
  return ['*filter', ...remove.map((rule) => `-D ${rule}`), ...add.map((rule) => `-I ${rule}`), 'COMMIT', ''].join('\n')
}
