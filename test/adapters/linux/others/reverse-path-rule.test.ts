import { expect, test } from 'vitest'
import { closedWarnings } from '../../../../adapters/linux/others/closed-firewall.ts'
import { contentOf, nativeSteps, parseNative } from '../../../../adapters/linux/others/native-firewall.ts'
import { HOME, HUB } from './given-firewalls.ts'

/** As nft 1.0.6 lists them. */
const fib = (flags: readonly string[], right: unknown = false) => ({
  match: { op: '==', left: { fib: { result: 'oif', flags } }, right },
})
const rule = (handle: number, ...expr: readonly unknown[]) => ({
  rule: { family: 'inet', table: 'rp', chain: 'pre', handle, expr },
})
const CHAIN = {
  chain: { family: 'inet', table: 'rp', name: 'pre', type: 'filter', hook: 'prerouting', policy: 'accept' },
}
const DROP = { drop: null }
const listed = (...rules: readonly unknown[]): string => JSON.stringify({ nftables: [CHAIN, ...rules] })
const IPV6 = { match: { op: '==', left: { meta: { key: 'nfproto' } }, right: 'ipv6' } }

test.each([
  ['without the mark', rule(3, fib(['saddr', 'iif']), DROP), ['inet rp pre reverse-path 3']],
  ['by the mark', rule(4, fib(['saddr', 'mark', 'iif'], '0'), DROP), ['inet rp pre reverse-path-marked 4']],
  ['of iptables', rule(5, { xt: { type: 'match', name: 'rpfilter' } }, DROP), ['inet rp pre reverse-path 5']],
  ['for IPv6 alone, as firewalld’s', rule(6, IPV6, fib(['saddr', 'mark', 'iif']), DROP), []],
  ['of destinations', rule(7, fib(['daddr'], 'local'), DROP), []],
])('a filter of forged sources %s', (_name, one, strict) => {
  expect(parseNative(listed(one)).strict).toEqual(strict)
})

test('gets a rule right before it where it does not ask for the mark, at a hub with exits in any case', () => {
  const there = parseNative(
    listed(rule(2, DROP), rule(3, fib(['saddr', 'iif']), DROP), rule(4, fib(['saddr', 'iif']), DROP)),
  )
  const [step, ...more] = nativeSteps(there, [HOME])
  expect(more).toEqual([])
  expect(step?.add).toEqual([
    expect.stringMatching(
      /^inet rp pre position 3 iifname "hw0" ip saddr != 10\.86\.0\.0\/16 accept comment "homeward [0-9a-f]{12}"$/,
    ),
  ])
  const comment = /homeward [0-9a-f]{12}/.exec(step?.add[0] ?? '')?.[0]
  const ours = { rule: { family: 'inet', table: 'rp', chain: 'pre', handle: 9, comment, expr: [{ accept: null }] } }
  expect(nativeSteps(parseNative(listed(ours, rule(3, fib(['saddr', 'iif']), DROP))), [HOME])).toEqual([])
  const byMark = parseNative(listed(rule(4, fib(['saddr', 'mark', 'iif']), DROP)))
  expect(nativeSteps(byMark, [HOME])).toEqual([])
  expect(nativeSteps(byMark, [HUB])[0]?.add).toHaveLength(1)
})

test('in a table with an owner is told, with the rule that its owner can add, and no more once it is there', () => {
  const warningsOf = (text: string) =>
    closedWarnings(
      [
        {
          name: 'inet rp',
          why: 'Operation not permitted',
          content: contentOf(text, 'inet rp'),
          strict: parseNative(text).strict,
          holdsOurs: false,
        },
      ],
      [HOME],
    )
  const filter = rule(3, fib(['saddr', 'iif']), DROP)
  expect(warningsOf(listed(filter))).toEqual([
    expect.stringMatching(
      /takes no rules of homeward[^]*\ninsert rule inet rp pre iifname "hw0" ip saddr != 10\.86\.0\.0\/16 accept$/,
    ),
  ])
  const added = rule(
    8,
    { match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'hw0' } },
    {
      match: {
        op: '!=',
        left: { payload: { protocol: 'ip', field: 'saddr' } },
        right: { prefix: { addr: '10.86.0.0', len: 16 } },
      },
    },
    { accept: null },
  )
  expect(warningsOf(listed(added, filter))).toEqual([])
  expect(warningsOf(listed(rule(4, fib(['saddr', 'mark', 'iif']), DROP)))).toEqual([])
})
