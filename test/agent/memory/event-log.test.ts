import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from '../../properties.ts'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventsPath, olderEventsPath, openEventLog, readEvents } from '../../../agent/memory/event-log.ts'
import { type HomeEvent, parseEvent } from '../../../agent/memory/events.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-events-'))
})
afterEach(() => rm(folder, { recursive: true }))

const at = (second: number): string => new Date(Date.UTC(2026, 10, 22, 20, 0, second)).toISOString()
const started = (second: number): HomeEvent => ({ at: at(second), kind: 'agent-started', version: '0.1.0' })
const mapping = (second: number, port: number, changes: number): HomeEvent => ({
  at: at(second),
  kind: 'mapping',
  address: '198.51.100.11',
  port,
  changes,
  previous: null,
})

describe('events', () => {
  test('are read back in order by the next agent', async () => {
    const log = await openEventLog(folder)
    expect(await log.note(started(1))).toBeNull()
    await log.note(mapping(2, 40_000, 0))
    await (await openEventLog(folder)).note(started(3))
    expect(await readEvents(folder)).toEqual([started(1), mapping(2, 40_000, 0), started(3)])
  })

  test('noted at the same moment do not mix', async () => {
    const log = await openEventLog(folder)
    await Promise.all(Array.from({ length: 30 }, (_, second) => log.note(started(second))))
    expect((await readEvents(folder)).length).toBe(30)
  })

  test('a torn last line is skipped, and the next event does not stick to it', async () => {
    await writeFile(eventsPath(folder), `${JSON.stringify(started(1))}\n{"at":"2026-11-22T20:00:02`)
    await (await openEventLog(folder)).note(started(3))
    expect(await readEvents(folder)).toEqual([started(1), started(3)])
  })

  test('the newest mapping is found again, whatever came after it', async () => {
    const log = await openEventLog(folder)
    await log.note(mapping(1, 40_000, 0))
    await log.note(mapping(2, 40_001, 1))
    for (let second = 3; second < 20; second += 1) await log.note(started(second))
    expect((await openEventLog(folder)).lastMapping()).toEqual(mapping(2, 40_001, 1))
  })

  test('when mappings began is remembered, each once, the newest dozen', async () => {
    const log = await openEventLog(folder, 1_500)
    for (let second = 0; second < 30; second += 1) {
      await log.note(mapping(second, 40_000 + second, second))
      await log.note(started(second))
    }
    const newest = log.mappingTimes()
    expect(newest).toEqual(Array.from({ length: 12 }, (_, index) => at(18 + index)))
    const again = (await openEventLog(folder, 1_500)).mappingTimes()
    expect(again.length).toBeGreaterThan(2)
    expect(newest.slice(-again.length)).toEqual(again)
  })

  test('the file begins anew when it is full, keeps one before it, and the ledger goes on', async () => {
    const log = await openEventLog(folder, 2_000)
    await log.note(mapping(0, 40_000, 7))
    for (let second = 1; second < 200; second += 1) await log.note(started(second))
    expect((await stat(eventsPath(folder))).size).toBeLessThan(2_200)
    expect((await stat(olderEventsPath(folder))).size).toBeLessThan(2_200)
    expect((await openEventLog(folder)).lastMapping()).toEqual(mapping(0, 40_000, 7))
    const kept = (await readEvents(folder)).filter((event) => event.kind === 'mapping')
    expect(kept).toEqual([mapping(0, 40_000, 7)])
  })

  test('are for their owner only', async () => {
    await (await openEventLog(folder)).note(started(1))
    expect((await stat(eventsPath(folder))).mode & 0o077).toBe(0)
  })

  test('a folder that cannot be written loses the event and says why', async () => {
    await writeFile(join(folder, 'a-file'), '')
    const log = await openEventLog(join(folder, 'a-file'))
    expect(await log.note(started(1))).toMatch(/making the folder/)
  })

  test('nothing that may stand in the file hides what else does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string(), { maxLength: 5 }), async (lines) => {
        await writeFile(eventsPath(folder), '')
        for (const line of lines) await appendFile(eventsPath(folder), `${line.replaceAll('\n', ' ')}\n`)
        await appendFile(eventsPath(folder), `${JSON.stringify(started(5))}\n`)
        expect(await readEvents(folder)).toEqual([started(5)])
      }),
      { numRuns: 30 },
    )
  })

  test('a line of a newer version is skipped', () => {
    expect(parseEvent('{"at":"2026-11-22T20:00:00.000Z","kind":"earthquake"}')).toBeNull()
  })

  test('a mapping event says where from, where to and what changed', async () => {
    const log = await openEventLog(folder)
    await log.note({
      ...mapping(1, 2, 1),
      previous: { address: '198.51.100.11', port: 1, since: null, ended: 'port' },
    } as HomeEvent)
    expect(JSON.parse(await readFile(eventsPath(folder), 'utf8'))).toEqual({
      at: at(1),
      kind: 'mapping',
      address: '198.51.100.11',
      port: 2,
      changes: 1,
      previous: { address: '198.51.100.11', port: 1, since: null, ended: 'port' },
    })
  })
})
