import { pino } from 'pino'
import { expect, test } from 'vitest'
import { makeEventRecorder } from '../../../agent/report/event-recorder.ts'
import type { NewEvent } from '../../../agent/memory/events.ts'
import type { Health } from '../../../agent/core/evidence/health.ts'
import { startWatch } from '../../../agent/core/watch.ts'
import { settings } from '../core/judged/simulation.ts'
import { Problem } from '../../../problems/problem.ts'
import { makeCalendar } from '../../../system/time/calendar.ts'

const mapping = { address: '198.51.100.7', port: 41_000 }

test('a day of registrations is one line in the log; what changes, and a hub that was silent, is one more', () => {
  const lines: string[] = []
  const events: NewEvent[] = []
  const calendar = makeCalendar({ now: () => 0, wall: () => new Date(0) })
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(line) })
  const { registered } = makeEventRecorder((event) => events.push(event), calendar, { lastMapping: () => null }, log)
  const done = { outcome: 'done', problem: null, mapping, answer: null } as const
  registered('start', done)
  for (let nth = 0; nth < 144; nth += 1) registered('periodic', done)
  expect(lines.map((line) => (JSON.parse(line) as { reason: string }).reason)).toEqual(['start'])
  registered('mapping-changed', done)
  const problem = new Problem('hub-unreachable', { what: 'registering', why: 'no answer in time' })
  registered('periodic', { outcome: 'unreachable', problem, mapping: null, answer: null })
  registered('periodic', done)
  const said = lines.slice(1).map((line) => (JSON.parse(line) as { msg: string }).msg)
  expect(said).toEqual(['registered at the hub', expect.stringContaining('no answer in time'), 'registered at the hub'])
  expect(events.map(({ kind }) => kind)).toEqual(['registrar', 'registrar'])
})

test('of an outage the journal warns that it began, and why; what is done against it, and its end, are details', () => {
  const lines: { msg: string; level: number }[] = []
  const calendar = makeCalendar({ now: () => 0, wall: () => new Date(0) })
  const log = pino({ level: 'info' }, { write: (line) => void lines.push(JSON.parse(line)) })
  const recorder = makeEventRecorder(() => undefined, calendar, { lastMapping: () => null }, log)
  const watch = startWatch(
    settings,
    { ledger: { current: null, changes: 0 }, firstSequence: 0, mtu: 1_420, helped: {} },
    0,
  )
  const record = (action: Parameters<typeof recorder.record>[0]): void => recorder.record(action, watch)
  const up: Health = { kind: 'up', since: 0, provenAt: 0 }
  const doubtful: Health = { kind: 'doubtful', since: 1 }
  const offline: Health = { kind: 'offline', since: 2, cause: 'home-offline' }
  const healing: Health = { kind: 'healing', since: 3, cause: 'mapping-changed' }
  const course = [up, doubtful, offline, healing, up, doubtful, healing, up]
  for (const [nth, to] of course.slice(1).entries()) record({ kind: 'tell-health', from: course[nth] ?? up, to })
  const report = { remedy: 'new-session', cause: 'mapping-changed', seconds: 1 } as const
  for (const helped of [true, false]) record({ kind: 'tell-remedy', report: { ...report, helped } })
  record({ kind: 'tell-cause', cause: 'mapping-changed' })
  expect(lines.filter(({ level }) => level >= 40).map(({ msg }) => msg)).toEqual([
    'the tunnel is offline',
    'the tunnel is healing',
    'a cause is named',
  ])
})
