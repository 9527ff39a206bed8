import * as v from 'valibot'
import { expect, test } from 'vitest'
import { IncidentReport, IncidentSchema } from '../../protocol/incidents.ts'
import { someIncident } from './some-incident.ts'

const AT = '2026-11-23T10:00:00.000Z'
const outage = someIncident()
const many = <One>(count: number, one: One): One[] => Array.from({ length: count }, () => one)
/** Whether the report is read, with all of its incidents. */
const isRead = (more: object, of: object = {}): boolean => {
  const report = { now: AT, incidents: [{ ...outage, ...of }], claims: [], canSpeak: true, ...more }
  const read = v.safeParse(IncidentReport, report)
  return read.success && read.output.incidents.length === report.incidents.length
}

test('a remedy is one that homeward knows, or another: no end is refused for a word, and none puts one into our mouth', () => {
  const words = ['reset', 'set-endpoint 203.0.113.10:443', 'set-endpoint [2001:db8::1]:443', 'other']
  const foreign = [
    'a-later-version',
    'reset 1',
    'set-endpoint 203.0.113.10:443 x',
    'run-curl',
    '',
    '\u001B[2J',
    'constructor',
  ]
  const read = (remedy: string): string | undefined =>
    v.parse(IncidentSchema, { ...outage, tried: [{ remedy, cause: 'flow-dead', helped: true, seconds: 1 }] }).tried[0]
      ?.remedy
  expect(words.map(read)).toEqual(words)
  expect(foreign.map(read)).toEqual(foreign.map(() => 'other'))
})

test('of a home’s report so much is read and no more, whatever the home sends', () => {
  expect([8, 9].map((count) => isRead({ incidents: many(count, outage) }))).toEqual([true, false])
  expect([8, 9].map((count) => isRead({ claims: many(count, 'cabin-1') }))).toEqual([true, false])
  const cause = { cause: 'flow-dead', at: AT }
  expect([16, 17].map((count) => isRead({}, { causes: many(count, cause) }))).toEqual([true, false])
  const tried = { remedy: 'reset', cause: 'flow-dead', helped: false, seconds: 1 }
  expect([32, 33].map((count) => isRead({}, { tried: many(count, tried) }))).toEqual([true, false])
  expect([80, 81].map((length) => isRead({}, { cause: 'x'.repeat(length) }))).toEqual([true, false])
  expect([100, 101].map((length) => isRead({}, { id: 'x'.repeat(length) }))).toEqual([true, false])
  expect([80, 81].map((length) => isRead({}, { mapping: { before: 'x'.repeat(length), after: null } }))).toEqual([
    true,
    false,
  ])
  expect([isRead({}, { flaps: -1 }), isRead({}, { flaps: 0.5 }), isRead({}, { id: '../x' })]).toEqual([
    false,
    false,
    false,
  ])
})
