import { needsOfTunnel } from './tunnel-needs.ts'
import type { TunnelFirewall } from '../../spec.ts'

/** Whether a table is firewalld's: one for both families since 0.9, before that one for each. */
export function isFirewalld(table: string): boolean {
  return /^(inet|ip|ip6) firewalld$/.test(table)
}

/**
 * Commands for firewalld's owner, since only firewalld can change its table (firewalld.conf(5), NftablesTableOwner):
 * the tunnel gets a zone of its own, and policies (firewalld.policies(5)) let pass what crosses it, before any zone is
 * asked. `--change-interface` works whatever zone the interface is in; a zone lets ICMP in by itself.
 */
export function firewalldCommands(tunnel: TunnelFirewall): readonly string[] {
  const inside = needsOfTunnel(tunnel).filter(({ hook, from }) => hook === 'input' && from !== null)
  const outside = needsOfTunnel(tunnel).filter(({ hook, from }) => hook === 'input' && from === null)
  const visitors = inside.some((need) => need.visitorSlot !== null)
  return [
    '--new-zone=homeward',
    `--zone=homeward --change-interface=${tunnel.interface}`,
    ...ports('--zone=homeward', inside),
    // Visitors are told by their address: firewalld's rules know no connection mark.
    ...(visitors
      ? [`--zone=homeward --add-rich-rule='rule family="ipv4" source NOT address="${tunnel.network}" accept'`]
      : []),
    ...policy('homeward-from', 'homeward', 'ANY', '--set-target=ACCEPT'),
    ...policy('homeward-to', 'ANY', 'homeward', '--set-target=ACCEPT'),
    ...ports('--policy=homeward-in', outside).flatMap((open) => [...policy('homeward-in', 'ANY', 'HOST'), open]),
  ]
    .map((words) => `firewall-cmd --permanent ${words}`)
    .concat('firewall-cmd --reload')
}

/** Commands for a policy. Options of different kinds go on lines of their own: firewall-cmd(1) takes one at a time. */
function policy(name: string, from: string, to: string, ...more: readonly string[]): readonly string[] {
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
