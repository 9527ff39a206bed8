import { expect, test } from 'vitest'
import { firewallTable } from '../../../../adapters/linux/firewall/firewall.ts'
import { forgedChain, sourcesChain } from '../../../../adapters/linux/firewall/from-tunnel.ts'
import { homeForwarding, hubForwarding } from '../../forwarding.ts'

test('both ends drop what is of the tunnel and comes another way, before it makes a flow', () => {
  for (const forwarding of [hubForwarding(), homeForwarding({ lan: [], mode: 'routed' })]) {
    const chains = firewallTable([
      { interface: 'hw0', listenPort: null, address: '10.86.0.2', network: '10.86.0.0/16', forwarding, visitorSlot: 0 },
    ]).chains
    expect(chains.find(({ name }) => name === 'forged')).toEqual(forgedChain('"hw0"', '10.86.0.2', '10.86.0.0/16'))
  }
  expect(forgedChain('"hw0"', '10.86.0.2', '10.86.0.0/16')).toMatchObject({
    hook: 'prerouting',
    priority: -290,
    rules: [
      'iifname != { "lo", "hw0" } ip daddr 10.86.0.2 drop',
      'iifname != { "lo", "hw0" } ip saddr 10.86.0.0/16 fib saddr . iif oif missing drop',
      'iifname != { "lo", "hw0" } icmp type { destination-unreachable, time-exceeded, parameter-problem } @th,160,32 0x0a560002 drop',
    ],
  })
})

test('a hub takes its peers’ own addresses out of the tunnel, and of others what goes to devices with an exit', () => {
  const { hook, priority, rules } = sourcesChain('"hw0"', '10.86.0.0/16', ['192.168.1.0/24', '10.86.5.0/24'])
  // After connections are known (-200), before destinations are translated (-100).
  expect([hook, priority]).toEqual(['prerouting', -150])
  expect(rules).toEqual([
    'iifname "hw0" ip saddr { 10.86.0.0/16, 192.168.1.0/24 } accept',
    'iifname "hw0" ip daddr @exit_devices accept',
    'iifname "hw0" drop',
  ])
})
