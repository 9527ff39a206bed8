import { expect, test } from 'vitest'
import { blockRules } from '../../../../adapters/linux/packets/block-sender.ts'

test('a block is one transaction, in a table of its own, and ends by the kernel’s clock', () => {
  const rules = blockRules('198.51.100.11', 51_820, 20)
  expect(rules).toMatch(/^table inet homeward_drill\ndelete table inet homeward_drill\ntable inet homeward_drill \{/)
  expect(rules).toContain('elements = { 198.51.100.11 timeout 20s }')
  expect(rules).toContain('ip saddr @from udp dport 51820 drop')
})

test('of an address of IPv6 too', () => {
  const rules = blockRules('2001:db8::10', 443, 1)
  expect(rules).toContain('type ipv6_addr')
  expect(rules).toContain('ip6 saddr @from udp dport 443 drop')
})
