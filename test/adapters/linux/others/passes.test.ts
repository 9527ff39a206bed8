import { describe, expect, test } from 'vitest'
import type { NeededPacket } from '../../../../adapters/linux/others/packet-match.ts'
import { passes } from '../../../../adapters/linux/others/passes.ts'
import { needsOfTunnel } from '../../../../adapters/linux/others/tunnel-needs.ts'
import { homeForwarding, hubForwarding } from '../../forwarding.ts'

const NETWORK = '10.86.0.0/16'
const HUB = {
  interface: 'hw0',
  listenPort: 51_820,
  network: NETWORK,
  address: '10.86.0.2',
  visitorSlot: 0,
  forwarding: hubForwarding({ heartbeatPort: 8686 }),
} as const
const HOME = {
  interface: 'hw0',
  listenPort: null,
  network: NETWORK,
  address: '10.86.0.2',
  visitorSlot: 0,
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade', visitors: true }),
} as const

const is = (left: unknown, right: unknown, op = '==') => ({ match: { op, left, right } })
const meta = (key: string) => ({ meta: { key } })
const ct = (key: string) => ({ ct: { key } })
const payload = (protocol: string, field: string) => ({ payload: { protocol, field } })
const port = (protocol: string, number: unknown) => is(payload(protocol, 'dport'), number)
const jump = (target: string) => ({ jump: { target } })
const [accept, drop, reject, back] = [{ accept: null }, { drop: null }, { reject: null }, { return: null }]

type Rule = readonly [chain: string, ...expr: unknown[]]
const table = (policy: string, rules: readonly Rule[]): readonly unknown[] => [
  { name: 'input', policy },
  { name: 'forward', policy },
  ...rules.map(([chain, ...expr]) => ({ chain, expr })),
]

/** Which needs pass, by the protocol and port of what comes from outside, or by interface. */
function passed(spec: typeof HUB | typeof HOME, content: readonly unknown[]): readonly string[] {
  return needsOfTunnel(spec).flatMap((need) => {
    if (need.hook !== 'input' && need.hook !== 'forward') return []
    const packet: NeededPacket = { need, family: 'ipv4', tunnel: 'hw0', network: NETWORK }
    const name = [need.from, need.to, need.protocol, need.port, need.visitorSlot === null ? null : 'visitors']
    return passes(content, need.hook, packet) ? [name.filter((one) => one !== null).join(' ')] : []
  })
}

const STATES: readonly Rule[] = ['input', 'forward'].flatMap((chain) => [
  [chain, is(ct('state'), { set: ['established', 'related'] }), accept] as const,
  [chain, is(ct('status'), 'dnat', 'in'), accept] as const,
  [chain, is(meta('iifname'), 'lo'), accept] as const,
  [chain, is(ct('state'), 'invalid', 'in'), drop] as const,
])

describe('a table of somebody else’s', () => {
  test('as firewalld makes it, lets the tunnel pass once the zone and the policies are there, and not before', () => {
    const firewalld = (rules: readonly Rule[]) =>
      table('accept', [
        ...STATES,
        ['forward', is(payload('ip6', 'daddr'), { set: [{ prefix: { addr: '::', len: 96 } }] }), reject],
        ['input', jump('in_zones')],
        ['input', reject],
        ['forward', jump('fwd_zones')],
        ['forward', reject],
        ...rules,
        ['in_zones', jump('in_public')],
        ['in_zones', reject],
        ['in_public', jump('in_public_allow')],
        ['in_public', is(meta('l4proto'), { set: ['icmp', 'ipv6-icmp'] }), accept],
        ['in_public_allow', port('tcp', 22), accept],
        ['fwd_zones', reject],
      ])
    expect(passed(HUB, firewalld([]))).toEqual(['hw0 icmp'])
    const [inside, toTunnel] = [is(meta('iifname'), 'hw0'), is(meta('oifname'), 'hw0')]
    const added: readonly Rule[] = [
      ['in_zones', inside, jump('policy_in')],
      ['in_zones', inside, jump('in_homeward')],
      ['in_zones', inside, reject],
      ['in_zones', jump('policy_in')],
      ['policy_in', port('udp', 51_820), accept],
      ['policy_in', port('tcp', 51_820), accept],
      ['policy_in', port('udp', 8687), accept],
      ['in_homeward', port('udp', 8686), accept],
      ['in_homeward', is(meta('l4proto'), { set: ['icmp', 'ipv6-icmp'] }), accept],
      ['fwd_zones', inside, toTunnel, accept],
      ['fwd_zones', inside, accept],
      ['fwd_zones', toTunnel, accept],
    ]
    expect(passed(HUB, firewalld(added))).toHaveLength(needsOfTunnel(HUB).length)
    const notNetwork = is(payload('ip', 'saddr'), { prefix: { addr: '10.86.0.0', len: 16 } }, '!=')
    expect(passed(HOME, firewalld(added))).toEqual(['hw0', 'hw0'])
    expect(passed(HOME, firewalld([...added, ['in_homeward', notNetwork, accept]]))).toContain('hw0 visitors')
  })

  test.each<[string, readonly Rule[], readonly string[]]>([
    [
      'a set of ports and a range',
      [['input', port('udp', { set: [53, { range: [51_000, 52_000] }] }), accept]],
      ['udp 51820'],
    ],
    [
      'a map of states, then ports',
      [
        [
          'input',
          {
            vmap: {
              key: ct('state'),
              data: {
                set: [
                  ['established', accept],
                  ['invalid', drop],
                ],
              },
            },
          },
        ],
        ['input', port('tcp', 51_820), accept],
      ],
      ['tcp 51820'],
    ],
    ['a wildcard of interfaces', [['forward', is(meta('iifname'), 'hw*'), accept]], ['hw0']],
    [
      'the port of the interface that is the internet’s',
      [['input', is(meta('iifname'), 'eth0'), port('udp', 8687), accept]],
      ['udp 8687'],
    ],
    [
      'everything but a port that is not ours',
      [
        ['input', port('tcp', 22), drop],
        ['input', accept],
      ],
      ['hw0 icmp', 'hw0 udp 8686', 'udp 51820', 'tcp 51820', 'udp 8687'],
    ],
    ['another protocol’s port', [['input', port('sctp', 51_820), accept]], []],
    ['a limit, behind which it stops', [['input', { limit: { rate: 10 } }, accept]], []],
    ['a set whose elements are not listed', [['input', port('udp', '@ports'), accept]], []],
    ['what nobody knows', [['input', { xt: null }, accept]], []],
    [
      'a chain that returns before it accepts',
      [
        ['input', jump('x')],
        ['x', back],
        ['x', accept],
      ],
      [],
    ],
    ['a circle', [['input', jump('input')]], []],
  ])('with %s', (_what, rules, expected) => {
    expect(passed(HUB, table('drop', rules))).toEqual(expected)
  })
})
