import { expect, test } from 'vitest'
import type { FollowEnd, Heard } from '../../../adapters/follow.ts'
import { followMachine, pauseMs } from '../../../agent/tunnel/follow-machine.ts'
import { makeLog } from '../../../system/process/log.ts'
import { systemClock } from '../../../system/time/clock.ts'
import type { WatchEvent } from '../../../agent/core/state.ts'

const log = makeLog('agent')
log.level = 'silent'

/** Listens to a machine that does in turn what it is told, and then nothing. */
async function follow(...turns: readonly ((heard: Heard) => FollowEnd)[]): Promise<{
  readonly noticed: readonly WatchEvent[]
  readonly tries: () => number
  readonly stop: () => Promise<void>
}> {
  const noticed: WatchEvent[] = []
  const ending = new AbortController()
  let tries = 0
  const adapter = {
    follow: async (heard: Heard, signal: AbortSignal): Promise<FollowEnd> => {
      const turn = turns[tries]
      tries += 1
      if (turn !== undefined) return turn(heard)
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      return { kind: 'ended', why: 'it was called off' }
    },
  }
  const deps = { notice: (event: WatchEvent) => void noticed.push(event), clock: systemClock, log }
  const running = followMachine(adapter, deps, ending.signal)
  return {
    noticed,
    tries: () => tries,
    stop: async () => {
      ending.abort()
      await running
    },
  }
}

test('hands on what is told, and says at once when nothing is told any more', async () => {
  const { noticed, tries, stop } = await follow(({ begun, changed }) => {
    begun()
    changed()
    return { kind: 'ended', why: 'the session ended' }
  })
  await expect.poll(tries).toBe(2)
  await stop()
  expect(noticed.slice(0, 3)).toEqual([
    { kind: 'followed', isFollowed: true },
    { kind: 'hinted' },
    { kind: 'followed', isFollowed: false },
  ])
})

test('a machine that never tells is asked again when it may have been upgraded, one that told soon, and ever later', () => {
  expect(pauseMs('unsupported', 1)).toBe(3_600_000)
  expect([1, 2, 3, 20].map((failures) => pauseMs('ended', failures))).toEqual([1_000, 2_000, 4_000, 60_000])
})

test('a kind of machine without events is left alone', async () => {
  const noticed: WatchEvent[] = []
  const deps = { notice: (event: WatchEvent) => void noticed.push(event), clock: systemClock, log }
  await followMachine({}, deps, new AbortController().signal)
  expect(noticed).toEqual([])
})
