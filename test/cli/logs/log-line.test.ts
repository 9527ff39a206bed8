import { expect, test } from 'vitest'
import { logLine } from '../../../cli/logs/log-line.ts'

const line = (more: Readonly<Record<string, unknown>>): string =>
  JSON.stringify({ level: 30, time: '2026-11-23T03:12:05.123Z', role: 'agent', msg: 'the tunnel is up', ...more })

test.each([
  [line({}), '2026-11-23 03:12:05 UTC  the tunnel is up'],
  [line({ level: 40, home: 'cabin' }), '2026-11-23 03:12:05 UTC  warning: the tunnel is up  home=cabin'],
  [line({ level: 60 }), '2026-11-23 03:12:05 UTC  error: the tunnel is up'],
  [
    line({ lan: ['192.168.1.0/24'], mtu: null, port: 7 }),
    '2026-11-23 03:12:05 UTC  the tunnel is up  lan=["192.168.1.0/24"] port=7',
  ],
  ['Started homeward.service.', 'Started homeward.service.'],
  ['{ half of a line', '{ half of a line'],
  ['{"a":1}', '{"a":1}'],
])('%s is for people: %s', (logged, said) => expect(logLine(logged)).toBe(said))
