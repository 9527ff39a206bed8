import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newIncident } from '../../alerts/core/incident.ts'
import { isUnfinished, recentIncidents } from '../../alerts/recent-incidents.ts'
import { openIncidentLog } from '../../alerts/record/incident-log.ts'
import { toRecord } from '../../alerts/record/record.ts'
import type { IncidentRecord } from '../../protocol/incidents.ts'
import { makeLog } from '../../system/process/log.ts'
import type { Clock } from '../../system/time/clock.ts'

const log = makeLog('agent')
log.level = 'silent'

const DAY_MS = 86_400_000
const NOW = Date.parse('2026-11-23T03:00:00.000Z')
const clock: Clock = { now: () => 5_000, wall: () => new Date(NOW) }

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** @param began milliseconds before now. */
function recordOf(id: string, began: number, more: Partial<IncidentRecord> = {}): IncidentRecord {
  const fresh = newIncident({ id, home: 'cabin', scope: 'tunnel', began: -began, trouble: 'flow-dead', seenBy: 'home' })
  return { ...toRecord({ ...fresh, ended: -began + 1_000 }, (moment) => new Date(NOW + moment), 0), ...more }
}

describe('an end begins', () => {
  test('with the incidents of the last week, and with one that lasts, however old', async () => {
    const incidents = openIncidentLog(folder, 'home')
    await incidents.write(recordOf('lasting', 30 * DAY_MS, { ended: null }))
    await incidents.write(recordOf('forgotten', 7 * DAY_MS + 1))
    await incidents.write(recordOf('recent', 7 * DAY_MS))
    expect((await recentIncidents(folder, clock, log)).map(({ id }) => id)).toEqual(['lasting', 'recent'])
  })

  test('with none where they cannot be read', async () => {
    await mkdir(join(folder, 'incidents.jsonl'))
    expect(await recentIncidents(folder, clock, log)).toEqual([])
  })
})

describe('an incident is unfinished', () => {
  const told = { by: 'home', at: new Date(NOW).toISOString() } as const
  const finished = recordOf('a', 1_000, { met: true })

  test('at home while it lasts, while the hub has not heard of it, and while people wait for its end', () => {
    expect(isUnfinished(finished, 'home')).toBe(false)
    expect(isUnfinished({ ...finished, ended: null }, 'home')).toBe(true)
    expect(isUnfinished({ ...finished, met: false }, 'home')).toBe(true)
    expect(isUnfinished({ ...finished, said: { ...finished.said, down: told } }, 'home')).toBe(true)
    expect(isUnfinished({ ...finished, said: { ...finished.said, down: told, recovered: told } }, 'home')).toBe(false)
  })

  test('and is the other end’s to finish where that told people', () => {
    const said = { ...finished.said, down: { ...told, by: 'hub' } as const }
    expect(isUnfinished({ ...finished, said }, 'home')).toBe(false)
  })

  test('on the hub in any case', () => {
    expect(isUnfinished(finished, 'hub')).toBe(true)
  })
})
