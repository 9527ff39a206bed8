import { expect, test } from 'vitest'
import type { Health } from '../../../agent/core/evidence/health.ts'
import { howToJoinAgain, isUnknownAtHub } from '../../../agent/core/unknown-home.ts'

test.each<[Health, boolean]>([
  [{ kind: 'offline', since: 1, cause: 'home-unknown' }, true],
  [{ kind: 'offline', since: 1, cause: 'hub-down' }, false],
  [{ kind: 'offline', since: 1, cause: null }, false],
  [{ kind: 'up', since: 1, provenAt: 1 }, false],
])('%j: whether the hub knows no such home is %s', (health, isUnknown) => {
  expect(isUnknownAtHub({ health })).toBe(isUnknown)
})

test('how to join again names the home where it is known', () => {
  const commands = (home: string) =>
    `on the hub: homeward hub invite ${home}; then here: sudo homeward join --again TOKEN`
  expect(howToJoinAgain('cabin')).toBe(commands('cabin'))
  expect(howToJoinAgain()).toBe(commands('HOME'))
})
