import { describe, expect, test } from 'vitest'
import { explainedNoWay, isNoWay } from '../../protocol/no-route.ts'
import { Problem } from '../../problems/problem.ts'

const failed = (code: string, address: string): Error =>
  Object.assign(new Error(`connect ${code} ${address}`), { code, address })
const problem = (cause: Error): Problem =>
  new Problem('hub-unreachable', { what: 'asking the hub at H', why: cause.message, cause })
const lineWith =
  (...families: readonly ('IPv4' | 'IPv6')[]) =>
  async (address: string): Promise<boolean> =>
    families.includes(address.includes(':') ? 'IPv6' : 'IPv4')
const ONLY4 = lineWith('IPv4')
const ONLY6 = lineWith('IPv6')
const BOTH = lineWith('IPv4', 'IPv6')

describe('a hub to which no way leads', () => {
  test.each([
    [
      'ENETUNREACH',
      '203.0.113.10',
      ONLY6,
      '203.0.113.10',
      'this line has no IPv4, and 203.0.113.10 is an IPv4 address',
    ],
    [
      'ENETUNREACH',
      '203.0.113.10',
      ONLY6,
      'hub.example',
      'this line has no IPv4, and hub.example has IPv4 addresses only',
    ],
    [
      'ENETUNREACH',
      '2001:db8::10',
      ONLY4,
      '2001:db8::10',
      'this line has no IPv6, and 2001:db8::10 is an IPv6 address',
    ],
    [
      'EADDRNOTAVAIL',
      '2001:db8::10',
      ONLY4,
      'hub.example',
      'this line has no IPv6, and hub.example has IPv6 addresses only',
    ],
    [
      'EAFNOSUPPORT',
      '2001:db8::10',
      ONLY4,
      '2001:db8::10',
      'this line has no IPv6, and 2001:db8::10 is an IPv6 address',
    ],
    ['ENETUNREACH', '203.0.113.10', lineWith(), '203.0.113.10', 'this machine has no route to the internet'],
    [
      'EHOSTUNREACH',
      '203.0.113.10',
      BOTH,
      '203.0.113.10',
      'a router or a firewall on the way, or on the VPS, says that 203.0.113.10 cannot be reached',
    ],
  ])('%s of %s', async (code, address, hasRoute, host, why) => {
    const explained = await explainedNoWay(problem(failed(code, address)), host, hasRoute)
    expect(explained).toMatchObject({ code: 'hub-unreachable', what: 'asking the hub at H', why })
    expect(explained.next).not.toMatch(/provider/)
  })

  test('says what to change on the hub for a line without IPv4', async () => {
    const { next } = await explainedNoWay(problem(failed('ENETUNREACH', '203.0.113.10')), '203.0.113.10', ONLY6)
    expect(next).toMatch(
      /On the hub, put its IPv6 address, or a name, into addresses of hub\.yaml.*homeward hub invite HOME.*NAT64/,
    )
  })

  test('of both families is the router’s word, or there is no route at all', async () => {
    const cause = new AggregateError([failed('ENETUNREACH', '203.0.113.10'), failed('ENETUNREACH', '2001:db8::10')])
    expect((await explainedNoWay(problem(cause), 'hub.example', BOTH)).why).toMatch(
      /^a router or a firewall on the way/,
    )
    expect((await explainedNoWay(problem(cause), 'hub.example', lineWith())).why).toMatch(/^this machine has no route/)
  })

  test('is none where one of its addresses was tried: that one’s failure counts', async () => {
    const cause = new AggregateError([failed('ENETUNREACH', '203.0.113.10'), failed('ETIMEDOUT', '2001:db8::10')])
    expect(isNoWay(cause)).toBe(false)
    const one = problem(cause)
    expect(await explainedNoWay(one, 'hub.example', ONLY6)).toBe(one)
  })

  test.each([['ECONNREFUSED'], ['ETIMEDOUT'], ['EPERM']])('%s is another matter', async (code) => {
    const one = problem(failed(code, '203.0.113.10'))
    expect(await explainedNoWay(one, '203.0.113.10', ONLY6)).toBe(one)
    expect(isNoWay(undefined)).toBe(false)
  })
})
