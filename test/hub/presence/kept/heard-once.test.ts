import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openHeardOnce } from '../../../../hub/presence/kept/heard-once.ts'
import { captureLog } from '../../captured-log.ts'
import { CABIN, listening } from '../../heard-home.ts'
import { turnedClock } from '../../turned-clock.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

const open = () => openHeardOnce(join(folder, 'heard.json'), turnedClock(), captureLog().log)

test('a home that was heard before the hub was restarted, and stays silent, is dark; one that never was is awaited', async () => {
  const barn = { ...CABIN, name: 'barn', address: '10.86.0.3' }
  const before = listening(await open())
  before.hears({ heartbeat: 1 })
  await before.presences.note([CABIN])
  before.hears({ heartbeat: null })
  await before.presences.note([CABIN, barn])

  const after = listening(await open())
  expect([after.of(CABIN).kind, after.of(barn).kind]).toEqual(['awaited', 'awaited'])
  after.clock.turn(60_000)
  expect([after.of(CABIN), after.of(barn)]).toEqual([{ kind: 'dark', silentSeconds: 60 }, { kind: 'awaited' }])
})

test('a home that was removed and comes again under its name is awaited', async () => {
  const before = listening(await open())
  before.hears({ heartbeat: 1 })
  await before.presences.note([CABIN])
  await before.presences.note([])
  const again = { ...CABIN, joinedAt: '2026-11-23T12:00:00.000Z' }
  const after = listening(await open())
  after.clock.turn(3_600_000)
  expect(after.of(CABIN)).toEqual({ kind: 'awaited' })
  expect(after.of(again)).toEqual({ kind: 'awaited' })
})

test('a damaged file is an empty one, and is written anew', async () => {
  await writeFile(join(folder, 'heard.json'), '{"cabin":')
  const heard = await open()
  expect(heard.has(CABIN)).toBe(false)
  heard.note(CABIN)
  await heard.save()
  expect((await open()).has(CABIN)).toBe(true)
})
