import { describe, expect, test } from 'vitest'
import { Trap } from '../../../adapters/mikrotik/api.ts'
import { forgetFlow, leadsTo } from '../../../adapters/mikrotik/conntrack.ts'

const HUB = { address: '203.0.113.10', port: 51_820 }

describe('the tunnel’s own flow is told from others', () => {
  test('where address and port are one word', () => {
    expect(leadsTo(HUB, { 'src-address': '192.168.1.1:49152', 'dst-address': '203.0.113.10:51820' })).toBe(true)
    expect(leadsTo(HUB, { 'src-address': '192.168.1.1:49152', 'dst-address': '203.0.113.10:518' })).toBe(false)
    expect(leadsTo(HUB, { 'src-address': '192.168.1.1:51820', 'dst-address': '203.0.113.100:51820' })).toBe(false)
  })

  test('where the build splits them', () => {
    expect(leadsTo(HUB, { 'dst-address': '203.0.113.10', 'dst-port': '51820' })).toBe(true)
    expect(leadsTo(HUB, { 'dst-address': '203.0.113.10', 'dst-port': '53' })).toBe(false)
  })

  test('where the hub began it', () => {
    expect(leadsTo(HUB, { 'src-address': '203.0.113.10:51820', 'dst-address': '198.51.100.2:49152' })).toBe(true)
  })

  test('in any spelling of IPv6', () => {
    const hub = { address: '2001:db8:0:0:0:0:0:10', port: 443 }
    expect(leadsTo(hub, { 'dst-address': '[2001:db8::10]:443' })).toBe(true)
  })

  test('where a row says nothing of it', () => expect(leadsTo(HUB, { '.id': '*1' })).toBe(false))
})

test('entries that vanish between looking and removing are as good as removed', async () => {
  const removed: string[] = []
  await forgetFlow(HUB, {
    signal: new AbortController().signal,
    exec: async ({ command, attributes = {} }) => {
      if (command.endsWith('/print')) {
        const row = { 'src-address': '192.168.1.1:49152', 'dst-address': '203.0.113.10:51820' }
        const other = { '.id': '*3', 'src-address': '192.168.1.9:5000', 'dst-address': '203.0.113.99:53' }
        return { rows: [{ '.id': '*1', ...row }, { '.id': '*2', ...row }, other], ret: null }
      }
      removed.push(attributes['.id'] ?? '')
      throw new Trap({ message: 'no such item (4)' })
    },
  })
  expect(removed).toEqual(['*1', '*2'])
})
