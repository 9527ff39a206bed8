import { expect, test } from 'vitest'
import { overlapWarnings } from '../../../hub/core/overlaps.ts'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import { invited, joined } from './some.ts'

const { document } = joined(EMPTY_DOCUMENT, 'cabin', ['10.0.1.0/24', '192.168.1.0/24'])
const route = (prefix: string) => ({ prefix, by: 'the hub’s own network: a route via 10.0.0.1 (enp7s0)' })

test('nothing is said while no network of this machine is a home’s too', () => {
  expect(overlapWarnings(document, '10.86.0.0/16', [route('10.1.0.0/16'), route('203.0.113.0/24')])).toEqual([])
})

test('a route that came later is told with the home’s LAN, and with numbers that are free', () => {
  expect(overlapWarnings(document, '10.86.0.0/16', [route('10.0.0.0/16')])).toEqual([
    'the LAN 10.0.1.0/24 of the home cabin overlaps 10.0.0.0/16, the hub’s own network: a route via 10.0.0.1 (enp7s0): of addresses in both, this machine reaches only one of the two. Let the hub know that LAN by other numbers: at cabin, under lan in agent.yaml, seenAs: { 10.0.1.0/24: 10.168.0.0/24 }',
  ])
})

test('the numbers are neither a home’s, an invited home’s, the tunnel’s, nor this machine’s', () => {
  const { document } = joined(joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24']).document, 'lodge', ['10.168.0.0/24'])
  const { invites } = invited(EMPTY_DOCUMENT, 'barn', ['10.168.1.0/24']).document
  const all = { ...document, invites }
  expect(overlapWarnings(all, '10.168.2.0/24', [route('192.168.1.0/24'), route('10.168.3.0/24')])).toEqual([
    expect.stringMatching(
      /^the LAN 192\.168\.1\.0\/24 of the home cabin .* \{ 192\.168\.1\.0\/24: 10\.168\.4\.0\/24 \}$/,
    ),
  ])
})

test('one that overlaps the tunnel’s network is told with another network for it', () => {
  expect(overlapWarnings(EMPTY_DOCUMENT, '10.86.0.0/16', [route('10.0.0.0/8')])).toEqual([
    'the tunnel’s network 10.86.0.0/16 overlaps 10.0.0.0/8, the hub’s own network: a route via 10.0.0.1 (enp7s0): of addresses in both, only one of the two can be reached. Give the tunnel another network, on the hub: sudo homeward hub init --network 172.29.0.0/16 (homes follow by themselves)',
  ])
})

test('a LAN that is too large for other numbers is to be named in parts', () => {
  const { document } = joined(EMPTY_DOCUMENT, 'cabin', ['172.16.0.0/12'])
  expect(overlapWarnings(document, '10.86.0.0/16', [route('172.17.0.0/16')])[0]).toContain(
    'Let that home name only the parts of its LAN that should be reachable',
  )
})
