import { expect, test } from 'vitest'
import { compose, summaryMessage } from '../../../alerts/record/compose.ts'
import { newIncident } from '../../../alerts/core/incident.ts'
import { toRecord } from '../../../alerts/record/record.ts'
import { ALL_TROUBLES, TROUBLES } from '../../../alerts/record/troubles.ts'

const START = Date.parse('2026-11-23T03:00:00.000Z')
const record = toRecord(
  {
    ...newIncident({ id: 'cabin-1', home: 'cabin', scope: 'tunnel', began: 0, trouble: 'unknown', seenBy: 'home' }),
    ended: 95_000,
    causes: [
      { trouble: 'unknown', at: 0 },
      { trouble: 'home-offline', at: 4_000 },
      { trouble: 'flow-dead', at: 90_000 },
    ],
    tried: [{ remedy: 'new-source-port', cause: 'flow-dead', helped: true, seconds: 0.5 }],
    mapping: { before: '198.51.100.11:1', after: '198.51.100.12:2' },
  },
  (moment) => new Date(START + moment),
  95_000,
)

test('a recovery says how long, why and how that changed, what helped, and where the home is now', () => {
  const { id, title, text } = compose('recovered', record, new Date(START + 95_000))
  expect(id).toBe('cabin-1.recovered')
  expect(title).toBe('cabin: back online after 95 s')
  expect(text).toContain('. Cause: the home’s internet is down, then this connection no longer reaches the hub. The')
  expect(text).toContain('Tried: another source port (helped).')
  expect(text).toContain('198.51.100.11:1, now 198.51.100.12:2')
  expect(text).toContain('Seen by the home.')
})

test('a recovery of what was no outage says what is well again', () => {
  const title = (cause: string) => compose('recovered', { ...record, cause, home: 'hub' }, new Date(START)).title
  expect(title('hub-file-damaged')).toBe('hub: the hub’s files are whole again, after 95 s')
  expect(title('key-file-damaged')).toBe('hub: the tunnel’s key is safe again, after 95 s')
})

test('a recovery from what was never proven says so', () => {
  const unknown = { ...record, causes: record.causes.slice(0, 1), tried: [] }
  const text = (cause: string) => compose('recovered', { ...unknown, cause }, new Date(START + 95_000)).text
  expect(text('unknown')).toContain('95 s. Cause unknown. Nothing comes through')
  expect(text('home-dark')).toContain('95 s. Cause: home unreachable. The hub')
})

test.each(ALL_TROUBLES)('%s: what is down, since when, why, and what to do', (cause) => {
  const { title, text, incident } = compose('down', { ...record, cause, ended: null }, new Date(START))
  expect(title).toBe(`cabin: ${TROUBLES[cause].title}`)
  expect(text).toMatch(/^Since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. /)
  expect(text).toContain(TROUBLES[cause].why)
  expect(text).toContain(TROUBLES[cause].advice.replace('HOME', 'cabin'))
  expect(incident).toEqual({ id: 'cabin-1', cause })
})

test('a summary counts outages and causes', () => {
  const [from, to] = [new Date(START), new Date(START + 86_400_000)]
  expect(summaryMessage('s', 'cabin', [record, { ...record, seconds: 5, cause: 'drift' }], from, to).text).toMatch(
    /^2 outages since .*, 100 s in all, the longest 95 s\.\nCauses: this connection no longer reaches the hub 1×, the tunnel was changed from outside 1×\.$/,
  )
  expect(summaryMessage('s', 'cabin', [], from, to).text).toMatch(/^No outage since /)
})
