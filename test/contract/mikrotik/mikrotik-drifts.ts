import type { Machine } from '../machine.ts'

/** What somebody does at the router's console behind our back. */
const HOME = {
  'the interface is deleted': '/interface/wireguard/remove [find where name=hw0]',
  'the interface is disabled': '/interface/wireguard/disable [find where name=hw0]',
  'the interface has another name': '/interface/wireguard/set [find where name=hw0] name=tunnel',
  'the MTU is changed': '/interface/wireguard/set [find where name=hw0] mtu=1300',
  'the address is removed': '/ip/address/remove [find where interface=hw0]',
  'the address is disabled': '/ip/address/disable [find where interface=hw0]',
  'another address is added': '/ip/address/add address=10.50.0.1/24 interface=hw0',
  'the peer is removed': '/interface/wireguard/peers/remove [find where interface=hw0]',
  'the peer is disabled': '/interface/wireguard/peers/disable [find where interface=hw0]',
  'a peer is added':
    '/interface/wireguard/peers/add interface=hw0 public-key="aVhJ7lC2rmuGwQqVDNjZzHhpjcjhVNCbC8Oz10Mv0Fk=" allowed-address=10.55.0.1/32',
  'the peer’s prefixes are changed':
    '/interface/wireguard/peers/set [find where interface=hw0] allowed-address=10.55.0.1/32',
  'the peer’s keepalive is changed':
    '/interface/wireguard/peers/set [find where interface=hw0] persistent-keepalive=7s',
  'the peer’s endpoint is changed':
    '/interface/wireguard/peers/set [find where interface=hw0] endpoint-address=203.0.113.99 endpoint-port=5000',
  'the network’s way into nowhere is removed': '/ip/route/remove [find where comment~"^homeward hw0 "]',
  'a filter rule is deleted': '/ip/firewall/filter/remove [find where comment="homeward hw0 forward-drop"]',
  'a filter rule is disabled': '/ip/firewall/filter/disable [find where comment="homeward hw0 input-drop"]',
  'a filter rule is changed': '/ip/firewall/filter/set [find where comment="homeward hw0 forward-drop"] action=accept',
  'a filter rule is moved to the end': '/ip/firewall/filter/move [find where comment="homeward hw0 forward-known"]',
  'a filter rule is there twice':
    '/ip/firewall/filter/add chain=forward action=drop in-interface=hw0 comment="homeward hw0 forward-drop"',
  'the translation is deleted': '/ip/firewall/nat/remove [find where comment~"^homeward hw0 "]',
  'the clamp is deleted': '/ip/firewall/mangle/remove [find where comment~"^homeward hw0 "]',
} as const

export const MIKROTIK_DRIFT_NAMES = { home: Object.keys(HOME), hub: [] }

export function mikrotikDrifts(console: (script: string) => Promise<string>): Machine['drifts'] {
  const acts = Object.entries(HOME).map(([name, script]) => [name, async () => void (await console(script))] as const)
  return { home: Object.fromEntries(acts), hub: {} }
}
