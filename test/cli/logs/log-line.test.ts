import { expect, test } from 'vitest'
import { logEntryOf, logLine } from '../../../cli/logs/log-line.ts'

const entry = (more: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ __REALTIME_TIMESTAMP: '1795403525123000', PRIORITY: '6', MESSAGE: 'the tunnel is up', ...more })
/** As an older homeward logged: JSON, whose own time and level count. */
const older = (more: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ level: 30, time: '2026-11-23T03:12:05.123Z', role: 'agent', msg: 'the tunnel is up', ...more })
const AT = '2026-11-23 03:12:05 UTC'

test.each([
  [entry({}), `${AT}  the tunnel is up`],
  [entry({ PRIORITY: '4', _SYSTEMD_UNIT: 'homeward.service' }), `${AT}  warning: the tunnel is up`],
  [entry({ PRIORITY: '3' }), `${AT}  error: the tunnel is up`],
  [entry({ PRIORITY: '2' }), `${AT}  error: the tunnel is up`],
  [entry({ PRIORITY: '7' }), `${AT}  the tunnel is up`],
  [entry({ PRIORITY: undefined }), `${AT}  the tunnel is up`],
  [entry({ MESSAGE: [...Buffer.from('à la carte')] }), `${AT}  à la carte`],
  [entry({ MESSAGE: null }), `${AT}  `],
  [entry({ MESSAGE: '{ half of a line' }), `${AT}  { half of a line`],
  [entry({ MESSAGE: '{"a":1}' }), `${AT}  {"a":1}`],
  [
    entry({ PRIORITY: '6', MESSAGE: older({ level: 40, home: 'cabin' }) }),
    `${AT}  warning: the tunnel is up  home=cabin`,
  ],
  [entry({ MESSAGE: older({ level: 60 }) }), `${AT}  error: the tunnel is up`],
  [
    entry({ MESSAGE: older({ lan: ['192.168.1.0/24'], mtu: null, port: 7 }) }),
    `${AT}  the tunnel is up  lan=["192.168.1.0/24"] port=7`,
  ],
])('%s is for people: %s', (logged, said) => {
  const found = logEntryOf(logged)
  expect(found === null ? null : logLine(found)).toBe(said)
})

test.each(['-- No entries --', '', '[]', '{"MESSAGE":"no time"}'])('%j is no entry', (line) =>
  expect(logEntryOf(line)).toBeNull(),
)
