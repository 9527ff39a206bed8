import { expect, test } from 'vitest'
import type { OwnServices } from '../../../../adapters/spec.ts'
import { hubServicesTable } from '../../../../adapters/linux/firewall/hub-services.ts'
import { hubForwarding } from '../../forwarding.ts'

const END = { tunnel: '"hw0"', address: '10.86.0.1', listenPort: 51_820 } as const
const CLOSED: OwnServices = { open: [], sshPorts: [], ownerDevices: [] }

/** What was asked for in vain is remembered, and still dropped. */
const NOTED = 'iifname "hw0" ct state new meta l4proto { tcp, udp } update @closed_asked { meta l4proto . th dport }'

const table = (ownServices: OwnServices = CLOSED, end: Parameters<typeof hubServicesTable>[0] = END) =>
  hubServicesTable(end, hubForwarding({ heartbeatPort: 8686, ownServices }))

test('only homeward’s own answers, and the last rule drops', () => {
  expect(table().chain).toMatchObject({ type: 'filter', hook: 'input', priority: 0 })
  expect(table().chain.rules).toEqual([
    'iifname "hw0" ct state established,related accept',
    'iifname "hw0" icmp type echo-request accept',
    'iifname "hw0" ip daddr 10.86.0.1 udp dport 8686 accept',
    'iifname "hw0" meta l4proto { tcp, udp } th dport 51820 accept',
    NOTED,
    'iifname "hw0" drop',
  ])
  expect(table().forward).toEqual([])
})

test('ssh is for devices of the owner alone', () => {
  const { sets, chain } = table({ ...CLOSED, sshPorts: [22, 2222], ownerDevices: ['10.86.0.5', '10.86.0.5'] })
  expect(sets).toEqual([{ name: 'owner_devices', type: 'ipv4_addr', elements: ['10.86.0.5'] }])
  expect(chain.rules).toContain('iifname "hw0" ip saddr @owner_devices tcp dport { 22, 2222 } accept')
})

test('what the owner opens is reached by everybody in the tunnel, in a container too, by its protocol alone', () => {
  const { chain, forward } = table({
    ...CLOSED,
    open: [
      { protocol: 'udp', port: 53 },
      { protocol: 'tcp', port: 8080 },
      { protocol: 'udp', port: 53 },
    ],
  })
  expect(chain.rules.slice(-4)).toEqual([
    'iifname "hw0" tcp dport { 8080 } accept',
    'iifname "hw0" udp dport { 53 } accept',
    NOTED,
    'iifname "hw0" drop',
  ])
  expect(
    forward.map((rule) => /^iifname "hw0" oifname != "hw0" ct status dnat .* daddr (.*) accept$/.exec(rule)?.[1]),
  ).toEqual([
    '10.86.0.1 meta l4proto tcp ct original proto-dst { 8080 }',
    '10.86.0.1 meta l4proto udp ct original proto-dst { 53 }',
  ])
})

test('a hub without ports has no rule with an empty one', () => {
  expect(hubServicesTable({ ...END, listenPort: null }, hubForwarding()).chain.rules).toEqual([
    'iifname "hw0" ct state established,related accept',
    'iifname "hw0" icmp type echo-request accept',
    NOTED,
    'iifname "hw0" drop',
  ])
})
