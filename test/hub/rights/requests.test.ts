import { describe, expect, test } from 'vitest'
import {
  noteRequest,
  openRequests,
  refuseRequest,
  type WaitingRequest,
  type Wish,
  wishText,
} from '../../../hub/rights/requests.ts'
import { DAY, now } from '../core/some.ts'

const lan = (...prefixes: string[]): Wish => ({ kind: 'lan', lan: prefixes })
const port = (port: number): Wish => ({
  kind: 'publication',
  protocol: 'tcp',
  port,
  lastPort: port,
  address: '192.168.1.20',
  targetPort: port,
  source: null,
})
/** Ids in order. */
const ids = () => {
  let count = 0
  return () => `r-aaa${String.fromCodePoint(97 + count++)}`
}
const noteAll = (wishes: readonly (readonly [string, Wish])[], next = ids()): readonly WaitingRequest[] =>
  wishes.reduce<readonly WaitingRequest[]>(
    (requests, [home, wish]) => noteRequest(requests, home, wish, next, now).requests,
    [],
  )

describe('a request', () => {
  test('is noted once, however often it is asked for', () => {
    const next = ids()
    const first = noteRequest([], 'cabin', port(443), next, now)
    expect(first).toMatchObject({ isNew: true, request: { id: 'r-aaaa', home: 'cabin' } })
    expect(noteRequest(first.requests, 'cabin', port(443), next, now)).toEqual({ ...first, isNew: false })
    expect(noteRequest(first.requests, 'lodge', port(443), next, now).isNew).toBe(true)
  })

  test('that was refused is no news when it is asked for again', () => {
    const [one] = noteAll([['cabin', port(443)]])
    const refused = refuseRequest([one!], one!.id)
    expect(noteRequest(refused, 'cabin', port(443), ids(), now)).toMatchObject({ isNew: false, requests: refused })
  })

  test('has an id of its own', () => {
    const taken = ['r-aaaa', 'r-aaaa', 'r-aaab']
    const requests = noteAll([['cabin', port(1)]], () => 'r-aaaa')
    const { request } = noteRequest(requests, 'cabin', port(2), () => taken.shift() ?? 'r-none', now)
    expect(request.id).toBe('r-aaab')
  })

  test('for a LAN takes the place of the one before, and of nobody else’s', () => {
    const requests = noteAll([
      ['lodge', lan('192.168.7.0/24')],
      ['cabin', lan('192.168.8.0/24')],
      ['cabin', port(443)],
      ['cabin', lan('192.168.9.0/24')],
    ])
    expect(requests.map(({ home, wish }) => `${home}: ${wishText(wish)}`)).toEqual([
      'lodge: announce 192.168.7.0/24',
      'cabin: publish 443/tcp to 192.168.1.20:443',
      'cabin: announce 192.168.9.0/24',
    ])
  })

  test('makes room for newer ones of its home, which has eight, and is forgotten after a month', () => {
    const wishes = Array.from({ length: 20 }, (_, index) => ['cabin', port(index + 1)] as const)
    const requests = noteAll([['lodge', port(443)], ...wishes])
    expect(requests.filter(({ home }) => home === 'cabin').map(({ wish }) => wishText(wish))).toEqual(
      wishes.slice(12).map(([, wish]) => wishText(wish)),
    )
    expect(requests.filter(({ home }) => home === 'lodge')).toHaveLength(1)
    expect(openRequests(requests, new Date(now.getTime() + 30 * DAY - 1))).toHaveLength(9)
    expect(openRequests(requests, new Date(now.getTime() + 30 * DAY))).toEqual([])
  })
})
