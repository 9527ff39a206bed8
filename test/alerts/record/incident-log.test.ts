import { appendFile, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newIncident } from '../../../alerts/core/incident.ts'
import { openIncidentLog, readIncidents } from '../../../alerts/record/incident-log.ts'
import { fromRecord, toRecord } from '../../../alerts/record/record.ts'
import type { IncidentRecord } from '../../../protocol/incidents.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

const START = Date.parse('2026-11-23T03:00:00.000Z')
const at = (moment: number): Date => new Date(START + moment)
const recordOf = (id: string, began: number, ended: number | null = null): IncidentRecord => {
  const fresh = newIncident({ id, home: 'cabin', scope: 'tunnel', began, trouble: 'flow-dead', seenBy: 'home' })
  return toRecord({ ...fresh, ended }, at, began + 1_000)
}

test('the last line of an incident counts, and by when they began they come', async () => {
  const log = openIncidentLog(folder, 'home')
  await log.write(recordOf('b', 2_000))
  await log.write(recordOf('a', 1_000))
  await log.write(recordOf('b', 2_000, 9_500))
  expect((await readIncidents(folder)).map(({ id, seconds }) => [id, seconds])).toEqual([
    ['a', null],
    ['b', 7.5],
  ])
  expect((await stat(join(folder, 'incidents.jsonl'))).mode & 0o777).toBe(0o600)
})

test('what both ends came to call otherwise is one incident', async () => {
  const log = openIncidentLog(folder, 'home')
  await log.write(recordOf('of-home', 1_000))
  await log.write({ ...recordOf('of-hub', 1_000, 5_000), alias: 'of-home' })
  expect((await readIncidents(folder)).map(({ id }) => id)).toEqual(['of-hub'])
})

test('a line that a power cut tore hides none of the others', async () => {
  await openIncidentLog(folder, 'home').write(recordOf('a', 1_000))
  await appendFile(join(folder, 'incidents.jsonl'), '{"id":"torn","home":"ca')
  await openIncidentLog(folder, 'home').write(recordOf('b', 2_000))
  expect((await readIncidents(folder)).map(({ id }) => id)).toEqual(['a', 'b'])
})

test('it stays bounded, and the newest stay', async () => {
  const log = openIncidentLog(folder, 'home', 4_096)
  for (let number = 100; number < 200; number += 1) await log.write(recordOf(`i${number}`, number))
  expect((await readdir(folder)).sort()).toEqual(['incidents.1.jsonl', 'incidents.jsonl'])
  expect((await readFile(join(folder, 'incidents.jsonl'))).length).toBeLessThan(5_200)
  expect((await readIncidents(folder)).at(-1)?.id).toBe('i199')
})

test('on the hub each home has a file of its own: what one reports pushes out nothing of another', async () => {
  const log = openIncidentLog(folder, 'hub', 4_096)
  await log.write({ ...recordOf('lodge-1', 5), home: 'lodge' })
  // Homes choose the ids that they report.
  await log.write({ ...recordOf('lodge-1', 6), alias: 'lodge-1' })
  for (let number = 100; number < 200; number += 1) await log.write(recordOf(`i${number}`, number))
  const names = ['cabin.1.jsonl', 'cabin.jsonl', 'lodge.jsonl']
  expect((await readdir(join(folder, 'incidents'))).sort()).toEqual(names)
  for (const name of names) expect((await stat(join(folder, 'incidents', name))).size).toBeLessThan(5_200)
  const read = await readIncidents(folder)
  expect(read.filter(({ home }) => home === 'lodge').map(({ id }) => id)).toEqual(['lodge-1'])
  expect(read.at(-1)?.id).toBe('i199')
})

test('what a hub wrote before there was a file for each home is read, and goes on in the new one', async () => {
  await openIncidentLog(folder, 'home').write(recordOf('a', 1_000))
  await openIncidentLog(folder, 'home').write(recordOf('b', 2_000))
  await openIncidentLog(folder, 'hub').write(recordOf('a', 1_000, 5_000))
  expect((await readIncidents(folder)).map(({ id, seconds }) => [id, seconds])).toEqual([
    ['a', 4],
    ['b', null],
  ])
})

test('an incident comes back from its record, on the clock of whoever reads it', () => {
  const incident = {
    ...newIncident({ id: 'a', home: 'cabin', scope: 'tunnel', began: 1_000, trouble: 'flow-dead', seenBy: 'home' }),
    ended: 8_000,
    tried: [{ remedy: 'new-source-port', cause: 'flow-dead', helped: true, seconds: 0.5 }],
    said: { down: { by: 'home', at: 3_000 }, recovered: null, remindedAt: null },
  } as const
  // The other end's calendar is an hour ahead, and its monotonic clock began elsewhere.
  const there = toRecord(incident, (moment) => new Date(START + 3_600_000 + moment), 9_000)
  const here = fromRecord(there, { wall: START + 3_600_000 + 10_000, now: 510_000 })
  expect(here).toMatchObject({ began: 501_000, ended: 508_000, said: { down: { at: 503_000 } }, tried: incident.tried })
})

test.for(['home', 'hub'] as const)('what is written at once is in the file in its order, at the %s', async (end) => {
  // Rounds, since each has one folder to make and one order to keep.
  for (let round = 0; round < 200; round += 1) {
    const log = openIncidentLog(join(folder, `${round}`), end)
    for (let second = 1; second <= 3; second += 1) void log.write(recordOf('a', 0, second * 1_000))
    await log.settled()
    expect((await readIncidents(join(folder, `${round}`))).map(({ seconds }) => seconds)).toEqual([3])
  }
})
