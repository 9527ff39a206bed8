import { beforeEach, describe, expect, test } from 'vitest'
import { type InitiationSet, makeInitiations, type SecondsSinceInitiation } from '../../../hub/presence/initiations.ts'
import { type TurnedClock, turnedClock } from '../turned-clock.ts'

let clock: TurnedClock
let listings: InitiationSet[]
let answer: (set: InitiationSet) => Promise<string>
let secondsSince: SecondsSinceInitiation

beforeEach(() => {
  clock = turnedClock()
  listings = []
  answer = async (set) =>
    set === 'initiations' ? listed({ '198.51.100.7': 42, '198.51.100.8': 59 }) : listed({ '2001:db8::7': 30 })
  secondsSince = makeInitiations(clock, (set) => {
    listings.push(set)
    return answer(set)
  })
})

/** As `nft -j list set` of nft 1.0.6 says it. */
function listed(expires: Readonly<Record<string, number>>): string {
  const elem = Object.entries(expires).map(([val, seconds]) => ({ elem: { val, expires: seconds } }))
  const set = { family: 'inet', name: 'initiations', type: 'ipv4_addr', size: 4096, flags: ['timeout'], timeout: 60 }
  return JSON.stringify({
    nftables: [{ metainfo: { version: '1.0.6' } }, { set: elem.length === 0 ? set : { ...set, elem } }],
  })
}

describe('the age of a handshake initiation', () => {
  test('is how much of its minute is over, by the address it came from', async () => {
    expect(await secondsSince('198.51.100.7')).toBe(18)
    expect(await secondsSince('::ffff:198.51.100.8')).toBe(1)
    expect(await secondsSince('2001:db8::7')).toBe(30)
    expect(await secondsSince('198.51.100.9')).toBeNull()
    expect(await secondsSince('')).toBeNull()
  })

  test('is read once for all who ask within half a second, and then anew', async () => {
    await Promise.all(['198.51.100.7', '198.51.100.8', '198.51.100.9'].map(secondsSince))
    clock.turn(400)
    expect(await secondsSince('198.51.100.7')).toBe(18.4)
    expect(listings).toEqual(['initiations'])
    clock.turn(200)
    answer = async () => listed({ '198.51.100.7': 60 })
    expect(await secondsSince('198.51.100.7')).toBe(0)
    expect(listings).toEqual(['initiations', 'initiations'])
  })

  test('is what was read before while nft is slow, and nothing after a minute', async () => {
    expect(await secondsSince('198.51.100.7')).toBe(18)
    answer = () => new Promise(() => undefined)
    clock.turn(10_000)
    expect(await secondsSince('198.51.100.7')).toBe(28)
    clock.turn(33_000)
    expect(await secondsSince('198.51.100.7')).toBeNull()
    expect(listings).toHaveLength(2)
  })

  test.each([
    ['fails', () => Promise.reject(new TypeError('no table'))],
    ['says what nobody foresaw', () => Promise.resolve('{"nftables":[{"set":{"elem":["x"]}}]}')],
    ['says nothing', () => Promise.resolve('')],
  ])('is unknown where nft %s', async (_name, bad) => {
    answer = bad
    expect(await secondsSince('198.51.100.7')).toBeNull()
    clock.turn(600)
    answer = async () => listed({})
    expect(await secondsSince('198.51.100.7')).toBeNull()
  })
})
