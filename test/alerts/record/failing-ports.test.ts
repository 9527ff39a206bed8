import { describe, expect, test } from 'vitest'
import { newIncident } from '../../../alerts/core/incident.ts'
import { compose } from '../../../alerts/record/compose.ts'
import { fromRecord, toRecord } from '../../../alerts/record/record.ts'

const START = Date.parse('2026-11-30T03:00:00.000Z')
const at = (moment: number): Date => new Date(START + moment)
const port = (number: number, link: 'hub' | 'service' = 'service') => ({
  published: `${number}/tcp`,
  target: `192.168.1.20:${number}`,
  link,
  why: link === 'hub' ? 'table ip nat leads them to 172.18.0.2' : `nothing listens at port ${number}`,
})

function incident(...failing: readonly ReturnType<typeof port>[]) {
  const of = { id: 'cabin-1', home: 'cabin', scope: 'publication', subject: '443/tcp', failing, began: 0 } as const
  return newIncident({ ...of, trouble: 'publication-failing', seenBy: 'hub' })
}
const record = (...failing: readonly ReturnType<typeof port>[]) => toRecord(incident(...failing), at, 0)

describe('a message about published ports', () => {
  test('of one names the port, its service, the link and what to do', () => {
    const { title, text } = compose('down', record(port(443)), at(60_000))
    expect(title).toBe('cabin: visitors of 443/tcp do not reach 192.168.1.20:443')
    expect(text.split('\n').slice(1)).toEqual([
      '443/tcp to 192.168.1.20:443, link service: nothing listens at port 443.',
      'Look at that host at home, and whether its service runs.',
      'homeward publish check 443/tcp, at home or on the hub, tests the path again, step by step.',
    ])
  })

  test('of several names each, and the places to look at once', () => {
    const { title, text } = compose('down', record(port(443), port(80), port(8080, 'hub')), at(60_000))
    expect(title).toBe('cabin: visitors of 443/tcp and 2 more do not reach their services')
    expect(text.split('\n').slice(3, 6)).toEqual([
      '8080/tcp to 192.168.1.20:8080, link hub: table ip nat leads them to 172.18.0.2.',
      'Look at that host at home, and whether its service runs.',
      'Look on the VPS: what is named is there.',
    ])
    expect(text.toLowerCase()).not.toContain('provider')
  })

  test('of very many stays readable', () => {
    const many = record(...Array.from({ length: 200 }, (_, index) => port(1_000 + index)))
    const { title, text } = compose('reminder', many, at(60_000))
    expect(title).toBe('cabin: still: visitors of 1000/tcp and 199 more do not reach their services')
    expect(text).toContain('And 192 more: homeward publish list says which.')
    expect(text.split('\n')).toHaveLength(12)
  })

  test('that they are reached again, and that one comes and goes', () => {
    const over = { ...record(port(443)), ended: at(300_000).toISOString(), seconds: 300 }
    expect(compose('recovered', over, at(300_000)).title).toBe(
      'cabin: visitors of 443/tcp reach 192.168.1.20:443 again, after 5 min',
    )
    const { title, text } = compose('unstable', record(port(443)), at(0))
    expect(title).toBe('cabin: the way to 443/tcp comes and goes')
    expect(text).toContain('link service: nothing listens at port 443.')
  })
})

test('the record tells subject and ports, and is read back as they were', () => {
  const one = { ...incident(port(443), port(80)), isWritten: true }
  expect(fromRecord(toRecord(one, at, 0), { wall: START, now: 0 })).toEqual(one)
  expect(record()).not.toHaveProperty('failing')
})
