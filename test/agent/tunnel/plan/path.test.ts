import { expect, test } from 'vitest'
import { knownLiterals, newPath, noteNamed } from '../../../../agent/tunnel/plan/path.ts'
import { UNKNOWN_UPLINK } from '../../../../agent/memory/uplink-memory.ts'
import { sampleTunnel } from '../../sample-config.ts'

const PROVEN = { publicKey: sampleTunnel.hub.publicKey, address: '203.0.113.9' }
const ADDRESSES = ['hub.example', '203.0.113.10']

test('before its names were asked, a hub is known by what needs no name: agent.yaml, the interface, and memory', () => {
  const path = newPath(sampleTunnel, { ...UNKNOWN_UPLINK, provenHub: PROVEN })
  expect(knownLiterals(path, ['hub.example'])).toEqual(['203.0.113.9'])
  path.endpoint = { address: '203.0.113.11', port: 443 }
  expect(knownLiterals(path, ADDRESSES)).toEqual(['203.0.113.10', '203.0.113.11', '203.0.113.9'])
})

test('afterwards by where they lead, the one in use and the one that answered last behind', () => {
  const path = newPath(sampleTunnel, { ...UNKNOWN_UPLINK, provenHub: PROVEN })
  path.endpoint = { address: '203.0.113.11', port: 443 }
  noteNamed(path, ['192.168.1.50'])
  expect(knownLiterals(path, ADDRESSES)).toEqual(['192.168.1.50', '203.0.113.11', '203.0.113.9'])
})

test('where the interface sends into the TLS transport is no address of the hub', () => {
  const endpoint = { address: '127.0.0.1', port: 40_000 }
  const path = { ...newPath(sampleTunnel, UNKNOWN_UPLINK), endpoint, transport: { endpoint } as never }
  expect(knownLiterals(path, ['hub.example'])).toEqual([])
})
