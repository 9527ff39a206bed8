import { describe, expect, test } from 'vitest'
import type { Row } from '../../../../adapters/mikrotik/api/session.ts'
import { listQueries, rawDropOf } from '../../../../adapters/mikrotik/objects/raw.ts'

const PACKET = { interface: 'hw0', network: '10.86.0.0/16', address: '10.86.0.2/16', isThere: true }
const MEMBERS: readonly Row[] = [
  { list: 'LAN', interface: 'bridge' },
  { list: 'WAN', interface: 'ether1' },
]

/** The vendor's own (manual, "Building Advanced Firewall"), shortened. */
const ADVANCED: readonly Row[] = [
  { chain: 'prerouting', action: 'accept', comment: 'defconf: enable for transparent firewall', disabled: 'true' },
  { chain: 'prerouting', action: 'drop', 'src-address-list': 'bad_ipv4', comment: "defconf: drop bogon IP's" },
  { chain: 'prerouting', action: 'drop', 'in-interface-list': 'WAN', 'src-address-list': 'not_global_ipv4' },
  { chain: 'prerouting', action: 'drop', 'in-interface-list': 'LAN', 'src-address': '!192.168.88.0/24' },
  { chain: 'prerouting', action: 'drop', protocol: 'udp', port: '0', comment: 'defconf: drop bad UDP' },
  { chain: 'prerouting', action: 'jump', 'jump-target': 'bad_tcp', protocol: 'tcp' },
  { chain: 'prerouting', action: 'accept', 'in-interface-list': 'LAN' },
  { chain: 'prerouting', action: 'accept', 'in-interface-list': 'WAN' },
  { chain: 'prerouting', action: 'drop', comment: 'defconf: drop the rest' },
  { chain: 'bad_tcp', action: 'drop' },
]

const dropOf = (rules: readonly Row[], members = MEMBERS, lists: readonly Row[] = []) =>
  rawDropOf({ rules, members, lists }, PACKET)

describe('the raw table that drops what comes out of the tunnel', () => {
  test('the vendor’s own: its last rule is named, and what lets the tunnel in', () => {
    expect(dropOf(ADVANCED)).toEqual({
      rule: 'number 8, “defconf: drop the rest”',
      remedy:
        '/ip/firewall/raw/add chain=prerouting action=accept in-interface=hw0 place-before=[find where comment="defconf: drop the rest"]',
    })
  })

  test.each([
    ['a rule without a comment is named by its number', { action: 'drop' }, 'number 0, without a comment'],
    ['all but the LAN', { action: 'drop', 'in-interface-list': '!LAN' }, 'number 0, without a comment'],
    ['the tunnel’s network', { action: 'drop', 'src-address': '10.0.0.0/8' }, 'number 0, without a comment'],
    ['the home’s address', { action: 'drop', 'dst-address': '10.86.0.2' }, 'number 0, without a comment'],
  ])('%s', (_, rule, named) => {
    expect(dropOf([{ chain: 'prerouting', ...rule }])?.rule).toBe(named)
  })

  test('by a chain of its owner', () => {
    const rules = [
      { chain: 'prerouting', action: 'jump', 'jump-target': 'strangers' },
      { chain: 'strangers', action: 'return', 'in-interface': 'bridge' },
      { chain: 'strangers', action: 'drop', comment: 'no strangers' },
    ]
    expect(dropOf(rules)).toMatchObject({
      rule: 'number 2, “no strangers”',
      remedy: expect.stringContaining('chain=strangers'),
    })
  })

  test('by a list of addresses that holds the tunnel’s network', () => {
    const rules = [
      { chain: 'prerouting', action: 'drop', 'src-address-list': 'bogons', comment: 'no bogons' },
      { chain: 'prerouting', action: 'drop', 'dst-address-list': '!mine', comment: 'no bogons' },
    ]
    const entry = (list: string, address: string, disabled = 'false'): Row => ({ list, address, disabled })
    expect(listQueries(rules)?.slice(0, 5)).toEqual([
      '?list=bogons',
      '?list=mine',
      '?#|',
      '?address=0.0.0.0/0',
      '?address=10.0.0.0/8',
    ])
    expect(listQueries([{ chain: 'prerouting', action: 'drop', 'src-address-list': 'x', disabled: 'true' }])).toBeNull()
    // A comment of two rules names neither.
    expect(dropOf(rules, MEMBERS, [entry('bogons', '10.0.0.0/8')])).toEqual({
      rule: 'number 0, “no bogons”',
      remedy: '/ip/firewall/raw/add chain=prerouting action=accept in-interface=hw0 place-before=0',
    })
    for (const other of [
      entry('bogons', '192.168.0.0/16'),
      entry('others', '10.0.0.0/8'),
      entry('bogons', '10.0.0.0/8', 'true'),
    ])
      expect(dropOf(rules, MEMBERS, [other])).toBeNull()
    // All but a list that holds it is another packet.
    expect(dropOf(rules.slice(1), MEMBERS, [entry('mine', '10.0.0.0/8')])).toBeNull()
  })

  test.each<[string, readonly Row[]]>([
    ['there is none', []],
    ['it is switched off', [{ chain: 'prerouting', action: 'drop', disabled: 'true' }]],
    ['another chain', [{ chain: 'output', action: 'drop' }]],
    ['another interface', [{ chain: 'prerouting', action: 'drop', 'in-interface': 'ether1' }]],
    ['some packets alone', [{ chain: 'prerouting', action: 'drop', 'src-address-list': 'bad' }]],
    ['another protocol', [{ chain: 'prerouting', action: 'drop', protocol: 'tcp' }]],
    ['what was let in before', [{ chain: 'prerouting', 'in-interface': 'hw0' }, ...ADVANCED]],
    ['perhaps let in before', [{ chain: 'prerouting', 'src-address-list': 'friends' }, ...ADVANCED]],
    ['chains that jump to each other', [{ chain: 'prerouting', action: 'jump', 'jump-target': 'prerouting' }]],
  ])('is not blamed: %s', (_, rules) => {
    expect(dropOf(rules)).toBeNull()
  })

  test('the tunnel in a list that is let in', () => {
    expect(dropOf(ADVANCED, [...MEMBERS, { list: 'LAN', interface: 'hw0' }])).not.toEqual(dropOf(ADVANCED))
  })
})
