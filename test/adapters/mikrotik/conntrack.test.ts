import { describe, expect, test } from 'vitest'
import { Trap } from '../../../adapters/mikrotik/api/api.ts'
import type { Row } from '../../../adapters/mikrotik/api/session.ts'
import { forgetFlow, isFlow } from '../../../adapters/mikrotik/conntrack.ts'

const HUB = { address: '203.0.113.10', port: 51_820 }
const OURS = { 'src-address': '192.168.1.1:49152', 'dst-address': '203.0.113.10:51820' }

const isOurs = (row: Row, hub = HUB) => isFlow(row, hub, 49_152)

describe('the tunnel’s own flow is told from others', () => {
  test('where address and port are one word', () => {
    expect(isOurs(OURS)).toBe(true)
    expect(isOurs({ ...OURS, 'dst-address': '203.0.113.10:518' })).toBe(false)
    expect(isOurs({ ...OURS, 'dst-address': '203.0.113.100:51820' })).toBe(false)
  })

  test('where another machine sends to the hub too', () => {
    expect(isOurs({ ...OURS, 'src-address': '192.168.1.2:40000' })).toBe(false)
  })

  test('where the build splits them', () => {
    const split = { 'src-address': '192.168.1.1', 'src-port': '49152', 'dst-address': '203.0.113.10' }
    expect(isOurs({ ...split, 'dst-port': '51820' })).toBe(true)
    expect(isOurs({ ...split, 'dst-port': '53' })).toBe(false)
  })

  test('where the hub began it', () => {
    expect(isOurs({ 'src-address': '203.0.113.10:51820', 'dst-address': '198.51.100.2:61000' })).toBe(true)
  })

  test('in any spelling of IPv6', () => {
    const hub = { address: '2001:db8:0:0:0:0:0:10', port: 443 }
    expect(isOurs({ 'src-address': '[2001:db8::1]:49152', 'dst-address': '[2001:db8::10]:443' }, hub)).toBe(true)
  })

  test('where a row says nothing of it', () => expect(isOurs({ '.id': '*1' })).toBe(false))
})

test('entries that vanish between looking and removing are as good as removed', async () => {
  const removed: string[] = []
  await forgetFlow('hw0', HUB, {
    signal: new AbortController().signal,
    exec: async ({ command, attributes = {} }) => {
      if (command === '/interface/wireguard/print')
        return { rows: [{ '.id': '*7', name: 'hw0', 'listen-port': '49152' }], ret: null }
      if (command.endsWith('/print')) {
        const other = { '.id': '*3', 'src-address': '192.168.1.9:5000', 'dst-address': '203.0.113.99:53' }
        return { rows: [{ '.id': '*1', ...OURS }, { '.id': '*2', ...OURS }, other], ret: null }
      }
      removed.push(attributes['.id'] ?? '')
      throw new Trap({ message: 'no such item (4)' })
    },
  })
  expect(removed).toEqual(['*1', '*2'])
})
