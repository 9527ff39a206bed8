import { pino } from 'pino'
import { expect, test } from 'vitest'
import { makeEventRecorder } from '../../../agent/report/event-recorder.ts'
import type { NewEvent } from '../../../agent/memory/events.ts'
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
