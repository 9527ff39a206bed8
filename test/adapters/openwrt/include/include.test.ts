import { expect, test } from 'vitest'
import { homeForwarding } from '../../forwarding.ts'
import { includeSection, tunnelInclude } from '../../../../adapters/openwrt/include/include.ts'

const SPEC = {
  interface: 'hw0',
  address: '10.86.0.2',
  network: '10.86.0.0/16',
  visitorSlot: 0,
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'routed' }),
}
const BARE = tunnelInclude(SPEC)
const FULL = tunnelInclude({
  ...SPEC,
  forwarding: {
    ...SPEC.forwarding,
    visitors: true,
    exit: true,
    seenAs: [{ prefix: '192.168.1.0/24', seen: '10.168.1.0/24' }],
  },
})

test('each tunnel has what drops the forged, and the rest where it is wanted', () => {
  expect(BARE.text.match(/^chain \S+/gm)).toEqual(['chain homeward_hw0_filter_prerouting_m290'])
  expect(FULL.text.match(/^chain \S+/gm)).toEqual([
    'chain homeward_hw0_filter_prerouting_m290',
    'chain homeward_hw0_nat_prerouting_m100',
    'chain homeward_hw0_nat_postrouting_99',
    'chain homeward_hw0_filter_prerouting_350',
    'chain homeward_hw0_filter_postrouting_350',
  ])
})

test('the name says what is in it, and uci’s section leads to it', () => {
  expect(BARE.name).toMatch(/^homeward-hw0-[0-9a-f]{12}\.inc$/)
  expect(tunnelInclude({ ...SPEC }).name).toBe(BARE.name)
  for (const other of [FULL, tunnelInclude({ ...SPEC, address: '10.86.0.3' })]) expect(other.name).not.toBe(BARE.name)
  expect(includeSection('hw0', BARE).options['path']).toBe(`/etc/nftables.d/${BARE.name}`)
})

test('each rule says which one it is, and of how many', () => {
  const numbers = [...FULL.text.matchAll(/comment "homeward hw0 [0-9a-f]{12} (\d+)\/(\d+)"$/gm)]
  expect(numbers.map(([, nth]) => Number(nth))).toEqual(numbers.map((_, index) => index + 1))
  expect(new Set(numbers.map(([, , count]) => Number(count)))).toEqual(new Set([numbers.length]))
  expect(FULL.text.split('\n').filter((line) => line.startsWith('\t') && !line.startsWith('\ttype'))).toHaveLength(
    numbers.length,
  )
})

test('marks of others stay: ours are written into their own byte alone', () => {
  expect(FULL.text.match(/mark set .*?(?= comment)/g)).toEqual([
    'mark set ct mark and 0x00ffffff or 0x86000000',
    'mark set meta mark and 0x00ffffff',
    'mark set meta mark and 0x00ffffff or 0x86000000',
    'mark set ct mark and 0x00ffffff or 0x86000000',
  ])
})
