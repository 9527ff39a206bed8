import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type ClockGuard, clockPath, openClockGuard } from '../../../agent/memory/clock-guard.ts'
import type { NewEvent } from '../../../agent/memory/events.ts'
import { writeFileAtomic } from '../../../system/files/atomic-file.ts'
import { makeLog } from '../../../system/process/log.ts'
import { type TurnedClock, turnedClock } from '../../hub/turned-clock.ts'

const log = makeLog('agent')
log.level = 'silent'

const MINUTE = 60_000
const START = '2026-11-23T10:00:00.000Z'

let folder: string
let clock: TurnedClock
let events: NewEvent[]
let ending: AbortController
let running: Promise<void> | null
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-clock-'))
  clock = turnedClock(START)
  events = []
  ending = new AbortController()
  running = null
})
afterEach(async () => {
  ending.abort()
  await running
  await rm(folder, { recursive: true })
})

const open = (): Promise<ClockGuard> => openClockGuard(folder, clock, (event) => events.push(event), log)
const remembered = async (): Promise<string> => {
  const { seen } = JSON.parse(await readFile(clockPath(folder), 'utf8')) as { seen: string }
  return seen
}
const remember = (seen: string): Promise<void> => writeFile(clockPath(folder), JSON.stringify({ seen }))
const isDown = async (): Promise<boolean> => false

/** Runs the guard to its end: what it remembers then is written. */
async function runToEnd(guard: ClockGuard): Promise<void> {
  running = guard.run(ending.signal)
  ending.abort()
  await running
}

/** Begins to hold, and ends when it waits. */
async function beginHold(guard: ClockGuard): Promise<{ readonly ended: Promise<void> }> {
  const ended = guard.hold(isDown, ending.signal)
  await vi.waitFor(() => expect(guard.behindSeconds()).not.toBeNull())
  return { ended }
}

describe('a tunnel begins', () => {
  test('at once where no time was ever seen', async () => {
    const guard = await open()
    await guard.hold(isDown, ending.signal)
    expect(events).toEqual([])
  })

  test.each(['', '{"seen":"yesterday"}', '{}'])('at once with a memory damaged into %j', async (text) => {
    await writeFile(clockPath(folder), text)
    const guard = await open()
    await guard.hold(isDown, ending.signal)
    expect(events).toEqual([])
  })

  test('at once with a clock that is ahead of what was seen, without looking at the machine', async () => {
    await remember('2026-11-23T09:59:59.999Z')
    const isUp = vi.fn(isDown)
    await (await open()).hold(isUp, ending.signal)
    expect(isUp).not.toHaveBeenCalled()
  })

  test('at once where its interface is up', async () => {
    await remember('2027-01-01T00:00:00.000Z')
    await (await open()).hold(async () => true, ending.signal)
    expect(events).toEqual([])
  })

  test('when NTP has set the clock past what was seen', async () => {
    await remember('2026-11-23T10:10:00.000Z')
    const guard = await open()
    const { ended } = await beginHold(guard)
    expect(guard.behindSeconds()).toBe(600)
    clock.turn(3_000)
    clock.stepCalendar(10 * MINUTE)
    await ended
    expect(guard.behindSeconds()).toBeNull()
    expect(events).toEqual([{ kind: 'clock', behindSeconds: 600, waitedSeconds: 3 }])
  })

  test('after a minute with a clock that nobody sets', async () => {
    await remember('2027-11-23T10:00:00.000Z')
    const guard = await open()
    const { ended } = await beginHold(guard)
    clock.turn(MINUTE)
    await ended
    expect(events).toEqual([expect.objectContaining({ kind: 'clock', waitedSeconds: 60 })])
    // Not again for an interface that vanishes later.
    await guard.hold(isDown, ending.signal)
    expect(events.length).toBe(1)
  })

  test('when the hub says that the clock is right and its memory wrong', async () => {
    await remember('2037-01-01T00:00:00.000Z')
    const guard = await open()
    const { ended } = await beginHold(guard)
    guard.heard('2026-11-23T10:00:20.000Z')
    await ended
    expect(events).toEqual([expect.objectContaining({ kind: 'clock', waitedSeconds: 0 })])
    await runToEnd(guard)
    expect(await remembered()).toBe(START)
  })

  test('and is not held when the hub’s word comes first', async () => {
    await remember('2037-01-01T00:00:00.000Z')
    const guard = await open()
    guard.heard(START)
    await guard.hold(isDown, ending.signal)
    expect(events).toEqual([])
  })

  test('not when the agent ends first; then nothing is said', async () => {
    await remember('2027-01-01T00:00:00.000Z')
    const { ended } = await beginHold(await open())
    ending.abort()
    await ended
    expect(events).toEqual([])
  })
})

describe('the hub’s clock', () => {
  test('a minute away is worth a word, once', async () => {
    const guard = await open()
    guard.heard('2026-11-23T10:02:00.000Z')
    guard.heard('2026-11-23T10:02:01.000Z')
    expect(events).toEqual([{ kind: 'clock', behindSeconds: 120, waitedSeconds: null }])
  })

  test('behind ours is told as ahead, and again after it was right in between', async () => {
    const guard = await open()
    guard.heard('2026-11-23T09:00:00.000Z')
    guard.heard(START)
    guard.heard('2026-11-23T09:00:00.000Z')
    const said = { kind: 'clock', behindSeconds: -3_600, waitedSeconds: null }
    expect(events).toEqual([said, said])
  })

  test('that agrees or says nonsense is worth none', async () => {
    const guard = await open()
    guard.heard('2026-11-23T10:00:59.000Z')
    guard.heard('soon')
    expect(events).toEqual([])
  })
})

describe('the time', () => {
  test('is written at the first start and at the end', async () => {
    const guard = await open()
    running = guard.run(ending.signal)
    await vi.waitFor(async () => expect(await remembered()).toBe(START))
    clock.turn(5 * MINUTE)
    ending.abort()
    await running
    expect(await remembered()).toBe('2026-11-23T10:05:00.000Z')
  })

  test('is written at an end that comes while the first is being written', async () => {
    const guard = await open()
    running = guard.run(ending.signal)
    clock.turn(5 * MINUTE)
    ending.abort()
    await running
    expect(await remembered()).toBe('2026-11-23T10:05:00.000Z')
  })

  test('is not written anew by agents that follow each other closely and die', async () => {
    await remember('2026-11-23T09:50:00.000Z')
    running = (await open()).run(ending.signal)
    // What the guard would have begun to write before this is written after it.
    await writeFileAtomic(join(folder, 'other'), '')
    expect(await remembered()).toBe('2026-11-23T09:50:00.000Z')
  })

  test('only goes forward', async () => {
    await remember('2026-11-23T11:00:00.000Z')
    await runToEnd(await open())
    expect(await remembered()).toBe('2026-11-23T11:00:00.000Z')
  })

  test('is not remembered from a clock that runs ahead of the hub’s', async () => {
    const guard = await open()
    guard.heard('2026-11-20T10:00:00.000Z')
    await runToEnd(guard)
    expect(await readdir(folder)).toEqual([])
  })

  test('that cannot be written does not end the agent', async () => {
    const guard = await openClockGuard(join(folder, 'nowhere'), clock, () => undefined, log)
    await runToEnd(guard)
    expect(await readdir(folder)).toEqual([])
  })
})
