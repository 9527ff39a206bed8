import { ROUTING_TABLES } from '../../../adapters/linux/routing/slots.ts'
import type { Host } from '../../lab/host/host.ts'

/**
 * Somebody else's WireGuard, firewall, routes and rules. Some look much like ours: a route of our protocol number through
 * their own interface, a table whose name begins like ours, of another family.
 */
export const FOREIGN = `
  umask 077
  WG_PROCESS_FOREGROUND=1 setsid wireguard-go wg9 >/dev/null 2>&1 &
  until [ -S /run/wireguard/wg9.sock ] && wg show wg9 >/dev/null 2>&1; do sleep 0.02; done
  wg genkey > /run/wg9.key
  wg genkey | wg pubkey > /run/wg9.peer
  wg set wg9 private-key /run/wg9.key listen-port 51999 peer "$(cat /run/wg9.peer)" allowed-ips 10.9.0.2/32
  ip address add 10.9.0.1/24 dev wg9
  ip link set wg9 up alias 'somebody else'
  ip route add 10.77.0.0/16 via 198.51.100.1
  ip route add 10.78.0.0/16 dev eth0 proto 86
  ip rule add from 10.9.0.0/24 lookup 99
  ip route add default dev wg9 table 99
  nft -f - <<'END'
  table ip homeward {
    chain forward { type filter hook forward priority 0; policy accept; ip daddr 10.77.0.0/16 counter accept comment "homeward"; }
  }
  table inet homeward2 {
    set hosts { type ipv4_addr; elements = { 192.0.2.1 }; }
    chain input { type filter hook input priority 0; policy accept; udp dport 51999 accept; }
  }
END
`

const BETWEEN = '\n----\n'
/** Whatever there may be of somebody else's. */
const ASKS = [
  'ip -j -d address show',
  'ip -j route show table all',
  'ip -j rule',
  'nft list ruleset',
  'wg show wg9 dump',
].join("; printf '\\n----\\n'; ")

/** All of the above and whatever else there is, without what belongs to the interface of this name and to our table. */
export async function foreignThings(host: Host, interfaceName: string): Promise<string> {
  // One shell: five programs, and not a way into the host for each.
  const { stdout } = await host.shell(ASKS)
  const [links = '', routes = '', rules = '', ruleset = '', wireguard = ''] = stdout.split(BETWEEN)
  const others = (text: string, key: 'ifname' | 'dev'): string =>
    JSON.stringify(
      (JSON.parse(text) as Record<string, unknown>[]).filter(
        // Our routing tables have routes that are of no interface.
        (item) => item[key] !== interfaceName && !ROUTING_TABLES.includes(String(item['table'])),
      ),
      null,
      1,
    )
  return [
    others(links, 'ifname'),
    others(routes, 'dev'),
    // Without the one that leads answers to visitors.
    JSON.stringify((JSON.parse(rules) as { protocol?: string }[]).filter(({ protocol }) => protocol !== '86')),
    ...ruleset.split(/^(?=table )/m).filter((table) => !table.startsWith('table inet homeward {')),
    wireguard,
  ].join('\n')
}
