import { expect, test } from 'vitest'
import { nextWatched, type WatchedPorts, yieldedIn } from '../../../../hub/machine/ports/yielding.ts'

const always = (): boolean => true

/** Looks each three seconds, at what listens then; `-` is nobody. @returns what is yielded after each look. */
function looks(pattern: string, everyMs = 3_000, isPublished: (port: string) => boolean = always): readonly string[] {
  let watched: WatchedPorts = new Map()
  return pattern.split('').map((at, index) => {
    watched = nextWatched(watched, new Set(at === '-' ? [] : ['443/tcp']), isPublished, index * everyMs)
    return yieldedIn(watched).has('443/tcp') ? 'y' : '-'
  })
}

test('a program that stays gets its port, after two looks at least', () => {
  expect(looks('LLLLL').join('')).toBe('---yy')
  expect(looks('LL', 60_000).join('')).toBe('-y')
})

test('a socket of a moment takes nobody’s visitors, however often it comes', () => {
  expect(looks('LL-LL-LL-LLL-').join('')).not.toContain('y')
})

test('a restart gives nothing back, and ten minutes without a program do', () => {
  expect(looks('LLLL----LLLL').join('')).toBe('---yyyyyyyyy')
  expect(looks('LL---------L-', 60_000).join('')).toBe('-yyyyyyyyyyyy')
  expect(looks('LL----------L', 60_000).join('')).toBe('-yyyyyyyyyy--')
})

test('what is published no more is forgotten', () => {
  let isPublished = true
  const watched = nextWatched(new Map([['443/tcp', { since: 0, lastSeen: 0, yielded: true }]]), new Set(), always, 1)
  expect([...yieldedIn(watched)]).toEqual(['443/tcp'])
  isPublished = false
  expect(nextWatched(watched, new Set(['443/tcp']), () => isPublished, 2).size).toBe(0)
})
