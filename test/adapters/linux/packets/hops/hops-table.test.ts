import { expect, test } from 'vitest'
import { hopsTable, reportsOf, type Sweep } from '../../../../../adapters/linux/packets/hops/hops-table.ts'

const UDP: Sweep = { protocol: 'udp', address: '203.0.113.10', port: 51_820, sourcePorts: [40_001] }
const TCP: Sweep = { ...UDP, protocol: 'tcp', sourcePorts: [61_500, 61_501] }
const rulesOf = (lines: readonly string[], chain: string) =>
  lines.filter((line) => line.startsWith(`add rule inet t ${chain} `)).map((line) => line.slice(17 + chain.length))

test('reports are told apart by the protocol and the port of the packet that they are about', () => {
  expect(rulesOf(hopsTable('inet t', 4, [UDP]), 'in')).toEqual([
    'icmp type time-exceeded @th,136,8 17 @th,224,16 40001 add @udp_expired_1 { ip saddr counter }',
    'icmp type destination-unreachable @th,136,8 17 @th,224,16 40001 add @udp_refused_1 { ip saddr counter }',
  ])
})

test('the TTLs of connections are set, those of datagrams are their sockets’ own', () => {
  expect(rulesOf(hopsTable('inet t', 4, [UDP, TCP]), 'out')).toEqual([
    'ip daddr 203.0.113.10 tcp dport 51820 tcp sport 61500 ip ttl set 1',
    'ip daddr 203.0.113.10 tcp dport 51820 tcp sport 61501 ip ttl set 2',
  ])
})

test('the same over IPv6, whose header is longer', () => {
  const lines = hopsTable('inet t', 6, [{ ...TCP, address: '2001:db8::10', sourcePorts: [61_500] }])
  expect(rulesOf(lines, 'in')).toEqual([
    'icmpv6 type time-exceeded @th,112,8 6 @th,384,16 61500 add @tcp_expired_1 { ip6 saddr counter }',
    'icmpv6 type destination-unreachable @th,112,8 6 @th,384,16 61500 add @tcp_refused_1 { ip6 saddr counter }',
  ])
  expect(rulesOf(lines, 'out')).toEqual(['ip6 daddr 2001:db8::10 tcp dport 51820 tcp sport 61500 ip6 hoplimit set 1'])
})

const listing = (...sets: readonly object[]) =>
  JSON.stringify({ nftables: [{ metainfo: { version: '1.0.6' } }, ...sets.map((set) => ({ set }))] })

test('reports are read by their sets, once all of the table is there', () => {
  const elem = [{ elem: { val: '192.168.1.1', counter: { packets: 3, bytes: 168 } } }]
  const sets = [{ name: 'udp_expired_12', elem }, { name: 'tcp_refused_2' }]
  expect(reportsOf(listing(...sets))).toBeNull()
  expect(reportsOf(listing(...sets, { name: 'ready' }))).toEqual([
    { protocol: 'udp', what: 'expired', ttl: 12, from: '192.168.1.1', count: 3 },
  ])
})
