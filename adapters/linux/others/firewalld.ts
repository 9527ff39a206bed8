import { needsOfTunnel, type TunnelNeed } from './tunnel-needs.ts'
import type { TunnelFirewall } from '../../spec.ts'

/** Whether a table is firewalld's: one for both families since 0.9, before that one for each. */
export function isFirewalld(table: string): boolean {
  return /^(inet|ip|ip6) firewalld$/.test(table)
}

/**
 * Commands for firewalld's owner, since only firewalld can change its table (firewalld.conf(5), NftablesTableOwner):
 * the tunnel gets a zone of its own, and policies (firewalld.policies(5)) let pass what crosses it, before any zone is
 * asked. `--change-interface` works whatever zone the interface is in; a zone lets ICMP in by itself. What is there
 * already is not made again: firewall-cmd answers that with an error, and a person would wonder.
 * @param missing those of the tunnel's needs that do not pass.
 * @param chains the names of its chains; a zone or policy in force has some of its own.
 */
export function firewalldCommands(
  tunnel: TunnelFirewall,
  missing: readonly TunnelNeed[],
  chains: ReadonlySet<string>,
): readonly string[] {
  const hasZone = chains.has('filter_IN_homeward')
  // What another zone let in from the tunnel ends when the tunnel leaves that zone.
  const asked = hasZone ? missing : needsOfTunnel(tunnel)
  const inside = asked.filter(({ hook, from }) => hook === 'input' && from !== null)
  const outside = missing.filter(({ hook, from }) => hook === 'input' && from === null)
  const isStopped = (way: 'from' | 'to') => missing.some((need) => need.hook === 'forward' && need[way] !== null)
  const visitors = inside.some((need) => need.visitorSlot !== null)
  return [
    ...(hasZone ? [] : ['--new-zone=homeward']),
    `--zone=homeward --change-interface=${tunnel.interface}`,
    ...ports('--zone=homeward', inside),
    // Visitors are told by their address: firewalld's rules know no connection mark.
    ...(visitors
      ? [`--zone=homeward --add-rich-rule='rule family="ipv4" source NOT address="${tunnel.network}" accept'`]
      : []),
    ...(isStopped('from') ? policy('homeward-from', 'homeward', 'ANY', chains, '--set-target=ACCEPT') : []),
    ...(isStopped('to') ? policy('homeward-to', 'ANY', 'homeward', chains, '--set-target=ACCEPT') : []),
    ...ports('--policy=homeward-in', outside).flatMap((open) => [
      ...policy('homeward-in', 'ANY', 'HOST', chains),
      open,
    ]),
  ]
    .map((words) => `firewall-cmd --permanent ${words}`)
    .concat('firewall-cmd --reload')
}

/** Commands for a policy. Options of different kinds go on lines of their own: firewall-cmd(1) takes one at a time. */
function policy(
  name: string,
  from: string,
  to: string,
  chains: ReadonlySet<string>,
  ...more: readonly string[]
): readonly string[] {
  // Of a policy with other zones than these nothing is known: its chains stand, and what it lacks is said.
  if ([`filter_FWD_policy_${name}`, `filter_IN_policy_${name}`].some((chain) => chains.has(chain)))
    return more.map((option) => `--policy=${name} ${option}`)
  return [
    `--new-policy=${name}`,
    ...[`--add-ingress-zone=${from}`, `--add-egress-zone=${to}`, ...more].map((option) => `--policy=${name} ${option}`),
  ]
}

function ports(
  where: string,
  needs: readonly { readonly protocol: string | null; readonly port: number | null }[],
): readonly string[] {
  const open = needs.flatMap(({ protocol, port }) => (port === null ? [] : [`--add-port=${port}/${protocol}`]))
  return open.length === 0 ? [] : [[where, ...open].join(' ')]
}
