import { describe, expect, test } from 'vitest'
import {
  checkLan,
  freeMapping,
  type Occupied,
  occupiedFor,
  otherTunnelNetwork,
  sortedLan,
} from '../../../hub/core/lan.ts'
import { EMPTY_DOCUMENT } from '../../../hub/core/store-document.ts'
import { context, HOUR, invited, joined, later, now, reasonOf, refusal } from './some.ts'

const { network, own } = context
const check = (lan: readonly string[], granted: readonly string[] = [], occupied: readonly Occupied[] = []): unknown =>
  refusal(() => checkLan(lan, granted, occupied, 'joining'))

describe('a LAN', () => {
  test.each([
    '10.0.0.0/8',
    '10.255.255.0/24',
    '172.16.0.0/12',
    '172.31.255.0/24',
    '192.168.0.0/16',
    '100.64.0.0/12',
    '100.127.0.0/16',
  ])('may be the private %s', (prefix) => {
    expect(check([prefix])).toBeUndefined()
  })

  test.each([
    '8.8.8.0/24',
    '11.0.0.0/8',
    '172.32.0.0/16',
    '192.169.0.0/24',
    '100.128.0.0/16',
    '192.168.0.0/15',
    '172.16.0.0/11',
    // Machines of a cloud ask there for what they are: 100.100.100.200 and 168.63.129.16.
    '100.64.0.0/10',
    '100.100.100.0/24',
    '168.63.129.16/32',
  ])('may not draw the internet’s %s to itself', (prefix) => {
    expect(check([prefix])).toBe('prefix-invalid')
    expect(check(['192.168.1.0/24', prefix])).toBe('prefix-invalid')
    // Unless the hub's owner granted it.
    expect(check([prefix], [prefix])).toBeUndefined()
  })

  test('may be a part of what was granted, and no more', () => {
    expect(check(['198.51.100.128/25'], ['198.51.100.0/24'])).toBeUndefined()
    expect(check(['198.51.100.0/23'], ['198.51.100.0/24'])).toBe('prefix-invalid')
    expect(check(['198.51.101.0/24'], ['198.51.100.0/24'])).toBe('prefix-invalid')
  })

  test.each([
    '0.0.0.0/8',
    '0.0.0.0/0',
    '127.0.0.0/8',
    '127.9.9.0/24',
    '169.254.0.0/16',
    '192.0.0.0/24',
    '224.0.0.0/4',
    '240.0.0.0/4',
  ])('is never %s, whoever grants it', (prefix) => {
    expect(check([prefix], [prefix])).toBe('prefix-invalid')
  })

  test('of somebody else is refused with both names, and with a network of that size that nobody has', () => {
    const why = (lan: string, occupied: readonly string[]) =>
      reasonOf(() =>
        checkLan(
          [lan],
          [],
          occupied.map((prefix) => ({ prefix, by: 'the LAN of the home lodge' })),
          'joining',
        ),
      ).why
    expect(why('192.168.1.0/25', ['192.168.1.0/24'])).toBe(
      '192.168.1.0/25 overlaps 192.168.1.0/24, the LAN of the home lodge; 10.168.0.0/25 is free (--lan OWN=10.168.0.0/25)',
    )
    expect(why('192.168.1.0/24', ['192.168.0.0/16', '10.168.0.0/23'])).toContain('10.168.2.0/24 is free')
    expect(why('192.168.0.0/23', ['192.168.0.0/16', '10.0.0.0/15'])).toContain('10.2.0.0/23 is free')
    expect(why('192.168.0.0/16', ['192.168.0.0/16'])).toContain('10.0.0.0/16 is free')
    expect(why('172.16.0.0/15', ['172.16.0.0/12'])).toContain(
      '; name only the parts of it that should be reachable (--lan CIDR)',
    )
    // A cloud that leads all of 10.0.0.0/8.
    expect(why('10.0.1.0/24', ['10.0.0.0/8'])).toContain('172.28.0.0/24 is free')
    expect(why('10.4.0.0/16', ['10.0.0.0/8'])).toContain('172.16.0.0/16 is free')
    expect(why('192.168.1.0/24', ['192.168.0.0/16', '10.0.0.0/8', '172.16.0.0/12'])).not.toContain('free')
    expect(
      why('192.168.1.0/24', [
        '192.168.0.0/16',
        '10.168.0.0/17',
        '10.168.128.0/18',
        '10.168.192.0/19',
        '10.168.224.0/20',
        '10.168.240.0/21',
        '10.168.248.0/22',
        '10.168.252.0/23',
        '10.168.254.0/24',
      ]),
    ).toContain('10.168.255.0/24 is free')
    expect(
      why('192.168.0.0/23', [
        '192.168.0.0/16',
        '10.0.0.0/9',
        '10.128.0.0/10',
        '10.192.0.0/11',
        '10.224.0.0/12',
        '10.240.0.0/13',
        '10.248.0.0/14',
        '10.252.0.0/15',
        '10.254.0.0/16',
      ]),
    ).toContain('10.255.0.0/23 is free')
  })
})

test('a LAN of more prefixes than every device’s file shall hold is refused', () => {
  const parts = Array.from({ length: 33 }, (_, index) => `10.${index}.0.0/24`)
  expect(check(parts.slice(1))).toBeUndefined()
  expect(check(parts)).toBe('lan-too-many')
})

describe('a LAN where the tunnel is', () => {
  const tunnel = { prefix: network, by: 'the tunnel’s own network' }

  test('is refused with another network for the tunnel, which nobody has: other numbers would not help at home', () => {
    const others = [{ prefix: '10.203.0.0/16', by: 'the LAN of the home lodge' }]
    const said = reasonOf(() => checkLan(['10.86.1.0/24', '10.186.0.0/16'], [], [tunnel, ...others], 'joining'))
    expect(said.why).toBe('10.86.1.0/24 overlaps 10.86.0.0/16, the tunnel’s own network')
    expect(said.next).toContain('sudo homeward hub init --network 172.29.0.0/16 (')
  })

  test('is told nothing of the tunnel where another home has it', () => {
    const lodge = { prefix: '192.168.1.0/24', by: 'the LAN of the home lodge' }
    const said = reasonOf(() => checkLan(['192.168.1.0/24'], [], [tunnel, lodge], 'joining'))
    expect(said.why).toContain('is free (--lan OWN=')
    expect(said.next).not.toContain('hub init --network')
  })

  test('leaves the choice to the owner where no candidate is free', () => {
    expect(otherTunnelNetwork(['0.0.0.0/0'])).toContain('sudo homeward hub init --network CIDR (')
  })
})

test('another network for a LAN is a private one to the last', () => {
  const upTo = ['10.0.0.0/8', '172.16.0.0/13', '172.24.0.0/14', '172.28.0.0/15', '172.30.0.0/16']
  expect(freeMapping('192.168.0.0/16', upTo)).toBe('172.31.0.0/16')
  expect(freeMapping('192.168.0.0/16', [...upTo, '172.31.0.0/16'])).toBeNull()
  const few = ['10.168.0.0/16', '10.68.0.0/16', '172.28.0.0/16', '192.168.0.0/16']
  const firsts = few.map((_, index) => freeMapping('192.168.1.0/24', few.slice(0, index)))
  expect(firsts).toEqual(['10.168.0.0/24', '10.68.0.0/24', '172.28.0.0/24', '192.168.0.0/24'])
})

describe('what a home must keep clear of', () => {
  test('is the tunnel, the hub’s own networks, other homes and who is invited, never itself', () => {
    const cabin = joined(EMPTY_DOCUMENT, 'cabin', ['192.168.1.0/24', '192.168.2.0/24'])
    const lodge = joined(cabin.document, 'lodge', ['192.168.3.0/24'])
    const { document } = invited(lodge.document, 'barn', ['192.168.4.0/24'])
    const theirs = [{ prefix: network, by: 'the tunnel’s own network' }, ...own]
    expect(occupiedFor('cabin', document, network, own, now)).toEqual([
      ...theirs,
      { prefix: '192.168.3.0/24', by: 'the LAN of the home lodge' },
      { prefix: '192.168.4.0/24', by: 'the LAN of the invited home barn' },
    ])
    expect(occupiedFor('barn', document, network, own, now)).toEqual([
      ...theirs,
      { prefix: '192.168.1.0/24', by: 'the LAN of the home cabin' },
      { prefix: '192.168.2.0/24', by: 'the LAN of the home cabin' },
      { prefix: '192.168.3.0/24', by: 'the LAN of the home lodge' },
    ])
    // Whoever did not come in time keeps nobody away.
    expect(occupiedFor('cabin', document, network, own, later(HOUR).now)).toHaveLength(3)
  })
})

test('a list of prefixes has one spelling', () => {
  expect(sortedLan(['b', 'a', 'b'])).toEqual(['a', 'b'])
})
