import { describe, expect, test } from 'vitest'
import { listedPublications, outside } from '../../../hub/core/publications.ts'
import { LAST_LOW_PORT } from '../../../hub/rights/rights.ts'
import { add, cabin, codeOf, empty, lodge, NONE_WITHHELD } from './given-publications.ts'
import { reasonOf } from './some.ts'

/** What somebody reads whose publication does not lead where it should, or may not be. */

describe('a service that left the LAN', () => {
  const [there, web] = add(empty, cabin)
  const at = (lan: string[]) => ({ ...there, homes: [{ ...cabin, lan }, lodge] })

  test('is said to be outside, with the networks that the home has and the way back', () => {
    expect(outside(there, web)).toBeNull()
    expect(outside(at(['192.168.5.0/24', '192.168.6.0/24']), web)).toBe(
      '192.168.1.20 is no longer in the LAN of cabin (192.168.5.0/24, 192.168.6.0/24); homeward publish remove 443/tcp, then add it with the address that the service has now',
    )
    expect(outside(at([]), web)).toContain('longer in the LAN of cabin (none); homeward publish remove 443/tcp')
    // In a file that somebody edited.
    expect(outside({ ...there, homes: [] }, web)).toBeNull()
  })

  test('is listed with that reason, and others without one', () => {
    expect(listedPublications(there, cabin, NONE_WITHHELD)).toStrictEqual([web])
    expect(listedPublications(at([]), cabin, NONE_WITHHELD)).toStrictEqual([
      { ...web, whyOutside: expect.stringContaining('192.168.1.20 is no longer in the LAN of cabin') },
    ])
  })
})

test('where visitors’ own addresses cannot be kept, it says for which hosts they can', () => {
  const why = (keeps: string[] | undefined) => {
    const { keeps: _, ...silent } = cabin
    const home = keeps === undefined ? silent : { ...silent, keeps }
    return reasonOf(() => add({ ...empty, homes: [home] }, home, { source: 'keep' })).why
  }
  expect(why(['10.86.0.2/32', '192.168.1.2/32'])).toContain('at cabin only 10.86.0.2/32, 192.168.1.2/32 can see')
  for (const none of [undefined, []]) expect(why(none)).toContain('at cabin only no address can see')
})

describe('a home', () => {
  const low = { port: LAST_LOW_PORT, lastPort: LAST_LOW_PORT }
  const across = { port: LAST_LOW_PORT, lastPort: LAST_LOW_PORT + 1, targetPort: 1 }

  test('publishes low ports by the one right, the others by the other, and a range across by both', () => {
    const asked = (may: ('publish' | 'publish-low')[], range: object) => {
      const home = { ...cabin, may }
      return codeOf(() => add({ ...empty, homes: [home] }, home, range)[1].home)
    }
    expect(asked(['publish-low'], low)).toBe('cabin')
    expect(asked(['publish'], low)).toBe('right-missing')
    expect(asked(['publish'], { port: 1_024, lastPort: 1_024 })).toBe('cabin')
    expect(asked(['publish-low'], { port: 1_024, lastPort: 1_024 })).toBe('right-missing')
    for (const right of ['publish', 'publish-low'] as const) expect(asked([right], across)).toBe('right-missing')
    expect(asked(['publish', 'publish-low'], across)).toBe('cabin')
  })

  test('has its ports for itself: those of others do not count', () => {
    const home = { ...cabin, quota: { ports: 1 } }
    const others = add({ ...empty, homes: [home, lodge] }, lodge, { ...low, address: '192.168.88.20' })[0]
    const [after] = add(others, home)
    expect(codeOf(() => add(after, home, { port: 444, lastPort: 444 }))).toBe('quota-reached')
  })
})
