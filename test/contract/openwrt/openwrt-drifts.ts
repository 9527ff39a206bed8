import type { Machine } from '../machine.ts'

/** What somebody does at the router's console behind our back. */
const HOME = {
  'the interface is deleted': 'uci delete network.hw0; uci commit network; ubus call network reload',
  'the interface’s section is deleted, and its device runs on': 'uci delete network.hw0; uci commit network',
  'the device is deleted': 'ubus call network.interface.hw0 down',
  'the interface is disabled': 'uci set network.hw0.disabled=1; uci commit network; ubus call network reload',
  'the interface does not start by itself': 'uci set network.hw0.auto=0; uci commit network',
  'the MTU is changed': 'uci set network.hw0.mtu=1300; uci commit network; ubus call network reload',
  'the configured address is changed': 'uci delete network.hw0.addresses; uci commit network',
  'the running address is removed': 'ip addr del 10.86.0.2/16 dev hw0',
  'another address is added': 'uci add_list network.hw0.addresses=10.50.0.1/24; uci commit network; ifup hw0',
  'the host route is let in': 'uci delete network.hw0.nohostroute; uci commit network',
  'the peer is removed':
    'uci show network | sed -n "s/^network\\.\\(homeward_hw0_p[0-9a-f]*\\)=.*/\\1/p" | while read s; do uci delete network.$s; done; uci commit network; ifup hw0',
  'the running peer is removed': 'wg set hw0 peer "$(wg show hw0 peers)" remove',
  'a peer is added':
    'uci set network.other=wireguard_hw0; uci set network.other.public_key=aVhJ7lC2rmuGwQqVDNjZzHhpjcjhVNCbC8Oz10Mv0Fk=; uci add_list network.other.allowed_ips=10.55.0.1/32; uci commit network; ifup hw0',
  'the peer’s running prefixes are changed': 'wg set hw0 peer "$(wg show hw0 peers)" allowed-ips 10.55.0.1/32',
  'the peer’s running keepalive is changed': 'wg set hw0 peer "$(wg show hw0 peers)" persistent-keepalive 7',
  'the peer’s running endpoint is changed': 'wg set hw0 peer "$(wg show hw0 peers)" endpoint 203.0.113.99:5000',
  'the zone is deleted': 'uci delete firewall.homeward_hw0_zone; uci commit firewall',
  'a rule is deleted': 'uci delete firewall.homeward_hw0_in; uci commit firewall; fw4 reload',
  'a rule is changed': 'uci set firewall.homeward_hw0_in.dest_ip=10.0.0.0/8; uci commit firewall; fw4 reload',
  'a rule is there twice':
    'uci set firewall.homeward_hw0_in2=rule; uci set firewall.homeward_hw0_in2.src=hw0; uci set firewall.homeward_hw0_in2.target=ACCEPT; uci commit firewall; fw4 reload',
  'the translation is deleted': 'uci delete firewall.homeward_hw0_nat0; uci commit firewall; fw4 reload',
  'a loaded chain of the tunnel is flushed': 'nft flush chain inet fw4 forward_hw0',
  'a loaded jump to the tunnel is flushed': 'nft flush chain inet fw4 srcnat',
  'a loaded rule of the LAN is flushed': 'nft flush chain inet fw4 forward_lan',
  'our file of rules is deleted': 'rm /etc/nftables.d/homeward-*; fw4 reload',
  'our file of rules is changed': 'echo "# mine" >> $(ls /etc/nftables.d/homeward-*)',
  'the loaded firewall is flushed': 'nft flush ruleset',
} as const

/**
 * Of those, what changes a file, uci's or ours, or takes the interface away: of what changes in the kernel alone no event
 * tells.
 */
export const OPENWRT_TELLS: readonly (keyof typeof HOME)[] = [
  'the interface is deleted',
  'the interface’s section is deleted, and its device runs on',
  'the device is deleted',
  'the MTU is changed',
  'the configured address is changed',
  'the zone is deleted',
  'a rule is deleted',
  'the translation is deleted',
  'our file of rules is deleted',
  'our file of rules is changed',
]

export const OPENWRT_DRIFT_NAMES = { home: Object.keys(HOME), hub: [] }

export function openwrtDrifts(console: (script: string) => Promise<string>): Machine['drifts'] {
  const acts = Object.entries(HOME).map(([name, script]) => [name, async () => void (await console(script))] as const)
  return { home: Object.fromEntries(acts), hub: {} }
}
