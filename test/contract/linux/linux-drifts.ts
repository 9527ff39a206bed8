import type { TunnelSpec } from '../../../adapters/spec.ts'
import type { Host } from '../../lab/host/host.ts'
import type { Machine } from '../machine.ts'

/** Shell scripts, by what they do; $PEER is the public key of the first peer. */
const ANY = {
  'the interface is deleted': 'ip link del hw0',
  'WireGuard’s process is killed': `
    kill -9 "$(pgrep -f 'wireguard-go hw0$')"
    while ip link show hw0 >/dev/null 2>&1; do sleep 0.01; done
    touch /run/wireguard/hw0.sock`,
  'the interface is down': 'ip link set hw0 down',
  'the address is removed': 'ip address flush dev hw0',
  'another address is added': 'ip address add 10.50.0.1/24 dev hw0',
  'the MTU is changed': 'ip link set hw0 mtu 1300',
  'a peer is removed': 'wg set hw0 peer "$PEER" remove',
  'a peer is added': 'wg set hw0 peer "$(wg genkey | wg pubkey)" allowed-ips 10.55.0.1/32',
  'a peer’s prefixes are changed': 'wg set hw0 peer "$PEER" allowed-ips 10.55.0.1/32',
  'a peer’s keepalive is changed': 'wg set hw0 peer "$PEER" persistent-keepalive 7',
  'another private key is set': 'umask 077; wg genkey > /run/other.key; wg set hw0 private-key /run/other.key',
  'the firewall’s table is deleted': 'nft delete table inet homeward',
  'a rule is deleted': `
    handle=$(nft -a list chain inet homeward forward | sed -n 's/.* drop .*# handle //p' | head -1)
    nft delete rule inet homeward forward handle "$handle"`,
  'a rule is added at the top': 'nft insert rule inet homeward forward accept',
  'rules change places': `
    nft -a list chain inet homeward forward | sed -n 's/.* drop .*# handle //p' | head -1 > /run/handle
    rule=$(nft list chain inet homeward forward | grep ' drop ' | head -1)
    nft delete rule inet homeward forward handle "$(cat /run/handle)"
    nft insert rule inet homeward forward $rule`,
  'the chain’s policy is changed': 'nft chain inet homeward forward "{ policy drop; }"',
  'the route to the tunnel’s network is removed': 'ip route flush dev hw0 proto kernel',
  'forwarding is turned off': 'echo 0 > /proc/sys/net/ipv4/ip_forward',
} as const

const HOME = {
  'the peer’s endpoint is changed': 'wg set hw0 peer "$PEER" endpoint 203.0.113.99:5000',
} as const

const HUB = {
  'a route is removed': 'ip route del 192.168.1.0/24 dev hw0',
  'a route’s MTU is changed': 'ip route change 192.168.1.0/24 dev hw0 proto 86 mtu 900',
  'a route is added': 'ip route add 192.168.99.0/24 dev hw0 proto 86',
  'a device is taken out of the firewall': 'nft delete element inet homeward tunnel_devices "{ 10.86.0.5 }"',
  'the listen port is changed': 'wg set hw0 listen-port 5555',
  'a preshared key is removed': 'wg set hw0 peer "$PEER" preshared-key /dev/null',
} as const

export const LINUX_DRIFT_NAMES = {
  home: Object.keys({ ...ANY, ...HOME }),
  hub: Object.keys({ ...ANY, ...HUB }),
}

export function linuxDrifts(host: Host): Machine['drifts'] {
  const all = (scripts: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(scripts).map(([name, script]) => [
        name,
        async (spec: TunnelSpec) => void (await host.shell(`PEER='${spec.peers[0]?.publicKey}'\n${script}\n`)),
      ]),
    )
  return { home: all({ ...ANY, ...HOME }), hub: all({ ...ANY, ...HUB }) }
}
