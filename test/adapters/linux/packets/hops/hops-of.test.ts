import { describe, expect, test } from 'vitest'
import { hopsOf } from '../../../../../adapters/linux/packets/hops/hops-of.ts'
import type { RouterReport } from '../../../../../adapters/linux/packets/hops/hops-table.ts'

const HUB = '203.0.113.10'
const [HOME, CARRIER, LAST] = ['192.168.1.1', '100.64.1.1', '203.0.113.1']

const says =
  (protocol: RouterReport['protocol'], what: RouterReport['what']) =>
  (ttl: number, from: string, count = 3): RouterReport => ({ protocol, what, ttl, from, count })
const expired = says('udp', 'expired')
const refused = says('udp', 'refused')
const connection = says('tcp', 'expired')

const CONNECTIONS = [connection(1, HOME), connection(2, CARRIER), connection(3, LAST)]
const of = (...reports: readonly RouterReport[]) => hopsOf(reports, HUB, 4)

test('what is answered with a TTL of 4 has three routers on its way', () => {
  expect(of(...CONNECTIONS).connections).toEqual({ farthest: { number: 3, address: LAST }, routers: 3 })
  expect(hopsOf(CONNECTIONS, HUB, null).connections.routers).toBeNull()
})

describe('the farthest router of datagrams', () => {
  test('is the last one that reports them, in whatever order the reports are listed', () => {
    expect(of(expired(3, LAST), expired(1, HOME)).datagrams).toEqual({ number: 3, address: LAST })
  })

  test('is the one that refuses what would have passed it, where its own report is missing too', () => {
    expect(of(expired(1, HOME), refused(5, LAST), refused(4, LAST)).datagrams).toEqual({ number: 3, address: LAST })
  })

  test('is no router where the hub’s own address refuses, or nobody says anything', () => {
    expect(of(refused(4, HUB)).datagrams).toBeNull()
    expect(of().datagrams).toBeNull()
  })
})

describe('a router that misses datagrams', () => {
  test('reports connections again and again and none of them: the nearest behind the last that does', () => {
    expect(of(...CONNECTIONS, expired(1, HOME)).missed).toEqual({ number: 2, address: CARRIER })
    expect(of(...CONNECTIONS).missed).toEqual({ number: 1, address: HOME })
  })

  test('is none that reported a connection once: it may say only so much in a second', () => {
    expect(of(expired(2, CARRIER), connection(3, LAST, 1)).missed).toBeNull()
    expect(of(expired(2, CARRIER), connection(3, LAST, 2)).missed).toEqual({ number: 3, address: LAST })
  })

  test('is none where a router behind it reports datagrams', () => {
    expect(of(...CONNECTIONS, expired(3, LAST)).missed).toBeNull()
  })
})
