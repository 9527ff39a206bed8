import { describe, expect, test } from 'vitest'
import {
  homeLink,
  hubLink,
  outgoingLink,
  type Reply,
  rangeLink,
  serviceLink,
  tunnelLink,
} from '../../../hub/visitors/links.ts'
import type { Publication, Withheld } from '../../../protocol/publications.ts'

const publication: Publication = {
  protocol: 'tcp',
  port: 2220,
  lastPort: 2224,
  address: '192.168.1.20',
  targetPort: 22,
  source: 'keep',
  home: 'cabin',
  addedAt: '2026-11-23T10:00:00.000Z',
}
const kept = (port: number, lastPort = port): Withheld => ({
  protocol: 'tcp',
  port,
  lastPort,
  code: 'port-taken',
  why: 'it is kept for ssh on the hub',
})

describe('the hub', () => {
  test('works when its machine is as it should be and something of the range is led', () => {
    expect(hubLink(publication, [], null)).toEqual({
      link: 'hub',
      works: true,
      said: 'the hub forwards 2220-2224/tcp into the tunnel',
    })
    expect(hubLink(publication, [kept(2220)], null)).toEqual({
      link: 'hub',
      works: true,
      said: 'the hub forwards 2220-2224/tcp into the tunnel; 2220/tcp does not: it is kept for ssh on the hub',
    })
  })

  test('does not when nothing of it is led, or with a problem of its machine', () => {
    expect(hubLink(publication, [kept(2220, 2224)], null)).toEqual({
      link: 'hub',
      works: false,
      said: '2220-2224/tcp does not: it is kept for ssh on the hub',
    })
    expect(hubLink(publication, [], 'bringing hw0 up failed')).toEqual({
      link: 'hub',
      works: false,
      said: 'bringing hw0 up failed',
    })
  })
})

test('the tunnel is down when the home was not heard for 75 s, and who never was heard says nothing', () => {
  expect(tunnelLink('cabin', 75)).toEqual({ link: 'tunnel', works: true, said: 'cabin was heard 75 s ago' })
  expect(tunnelLink('cabin', 75.6)).toEqual({
    link: 'tunnel',
    works: false,
    said: 'cabin was heard 76 s ago: its tunnel is down',
  })
  expect(tunnelLink('cabin', null).works).toBeNull()
})

test('the home must lead answers back, unless visitors are hidden from it', () => {
  const worksWith = (source: 'keep' | 'hide') => [true, false, null].map((one) => homeLink('cabin', source, one).works)
  expect(worksWith('keep')).toEqual([true, false, null])
  expect(worksWith('hide')).toEqual([true, true, true])
  expect(homeLink('cabin', 'keep', false).said).toContain('cabin does not say')
})

test.each<[Reply, boolean | null, RegExp]>([
  [{ kind: 'answered' }, true, /^192\.168\.1\.20:22 answers$/],
  [{ kind: 'refused' }, false, /^nothing listens at 192\.168\.1\.20:22$/],
  [{ kind: 'data' }, true, /^192\.168\.1\.20:22 answers: data came back through the tunnel$/],
  [{ kind: 'untold' }, null, /^no data came back from 192\.168\.1\.20:22, and no error/],
  [{ kind: 'silent' }, false, /nothing comes back from 192\.168\.1\.20:22/],
  [
    { kind: 'failed', code: 'ECONNREFUSED' },
    false,
    /^the host 192\.168\.1\.20 is there, and nothing listens at port 22$/,
  ],
  [
    { kind: 'failed', code: 'EHOSTUNREACH' },
    false,
    /^192\.168\.1\.20 cannot be reached .* no such host, or a firewall at the home rejects/,
  ],
  [
    { kind: 'failed', code: 'ENETUNREACH' },
    false,
    /^192\.168\.1\.20 cannot be reached .* no such host, or a firewall at the home rejects/,
  ],
  [{ kind: 'failed', code: 'EACCES' }, false, /^asking 192\.168\.1\.20:22 failed: EACCES$/],
])('of the service %j tells whether it works', (reply, works, said) => {
  const link = serviceLink('192.168.1.20', 22, reply)
  expect([link.link, link.works]).toEqual(['service', works])
  expect(link.said).toMatch(said)
})

test.each<[readonly [number, Reply][], boolean | null, RegExp]>([
  [
    [
      [22, { kind: 'silent' }],
      [30, { kind: 'answered' }],
    ],
    true,
    /:30 answers$/,
  ],
  [
    [
      [22, { kind: 'refused' }],
      [30, { kind: 'data' }],
    ],
    true,
    /:30 answers: data/,
  ],
  [
    [
      [22, { kind: 'refused' }],
      [30, { kind: 'untold' }],
    ],
    null,
    /192\.168\.1\.20 is there, and nothing listens at port 22 of/,
  ],
  [
    [
      [22, { kind: 'failed', code: 'ECONNREFUSED' }],
      [30, { kind: 'refused' }],
    ],
    null,
    /nothing listens at ports 22, 30 of the range/,
  ],
  [
    [
      [22, { kind: 'untold' }],
      [30, { kind: 'untold' }],
    ],
    null,
    /^no data came back from 192\.168\.1\.20:22/,
  ],
  [
    [
      [22, { kind: 'failed', code: 'EHOSTUNREACH' }],
      [30, { kind: 'silent' }],
    ],
    false,
    /no such host/,
  ],
  [[], null, /no port/],
])('of a range %j tells whether the way works', (asked, works, said) => {
  const link = rangeLink(
    '192.168.1.20',
    asked.map(([port, reply]) => ({ port, reply })),
  )
  expect([link.link, link.works]).toEqual(['service', works])
  expect(link.said).toMatch(said)
})

test.each([
  ['the home does not say that it leads it', false, null, null, false, /its agent may not run/],
  [
    'it was sent and answered',
    true,
    { sentSeconds: 4.2, answeredSeconds: 4 },
    null,
    true,
    /last 4 s ago, and was answered$/,
  ],
  ['what was seen outranks what was measured', true, { sentSeconds: 4, answeredSeconds: 4 }, 'past', true, /answered/],
  ['nothing came back', true, { sentSeconds: 4, answeredSeconds: null }, null, null, /nothing came back: .*internet$/],
  ['it takes another way', true, { sentSeconds: null, answeredSeconds: null }, 'past', false, /^past$/],
  ['nothing was sent yet', true, { sentSeconds: null, answeredSeconds: null }, null, null, /not seen here yet/],
  ['nobody can tell', null, null, null, null, /not seen here yet/],
])('of what the service sends: %s', (_, isReady, seen, whyNot, works, said) => {
  const link = outgoingLink(publication, isReady, seen, whyNot)
  expect([link.link, link.works]).toEqual(['outgoing', works])
  expect(link.said).toMatch(said)
})

test.each([
  ['tcp', 25, 25, true],
  ['tcp', 20, 30, true],
  ['tcp', 26, 30, false],
  ['udp', 25, 25, false],
] as const)('of unanswered %s %i to %i, mail is spoken of: %s', (protocol, port, lastPort, isMail) => {
  const seen = { sentSeconds: 4, answeredSeconds: null }
  const { said } = outgoingLink({ ...publication, protocol, port, lastPort }, true, seen, null)
  expect(said.includes('provider')).toBe(isMail)
})
