import { describe, expect, test } from 'vitest'
import { homeSnapshot } from '../../agent/report/home-snapshot.ts'
import type { Status } from '../../agent/report/status.ts'
import { durationIn } from '../../cli/text/duration.ts'
import { eventText } from '../../cli/events/event-text.ts'
import { statusText } from '../../cli/home/status-text.ts'
import { status } from './some-status.ts'

const NOW = new Date('2026-11-22T20:04:12Z')

describe('status for people', () => {
  test('says what matters, and is plain where nobody looks', () => {
    const text = statusText(status, NOW, false)
    expect(text).toContain('up since 2026-11-22 20:01:02 UTC (3 min ago)')
    expect(text).toContain('198.51.100.11:40233, changed 3 times, behind NAT, the carrier cuts flows every 24 h')
    expect(text).toContain('2.0 % lost')
    expect(text).not.toContain('\u001B')
  })

  test('says of an upgrade that went back which version was tried, and why it did not stay', () => {
    const wentBack = {
      schema: 1,
      version: '0.2.0',
      at: '2026-11-22T19:00:00Z',
      why: 'homeward does not answer',
    } as const
    expect(statusText({ ...status, wentBack }, NOW, false, 500)).toContain(
      'upgrade    homeward 0.2.0 was tried at 2026-11-22T19:00:00Z and did not stay: homeward does not answer.',
    )
    expect(statusText(status, NOW, false)).not.toContain('upgrade ')
  })

  test('has IPv6 addresses in brackets before a port', () => {
    const endpoint = '[2001:db8::1]:51820'
    const over6: Status = {
      ...status,
      tunnel: { ...status.tunnel, endpoint },
      mapping: { ...status.mapping, address: '2001:db8::7' },
    }
    const text = statusText(over6, NOW, false)
    expect(text).toContain('hub        [2001:db8::1]:51820, ')
    expect(text).toContain('mapping    [2001:db8::7]:40233, ')
    expect(homeSnapshot(over6, new Date()).homes).toMatchObject([{ mapping: '[2001:db8::7]:40233' }])
  })

  test('names the hub, and no port of this machine, while the tunnel goes over TCP', () => {
    const tunnel = { ...status.tunnel, endpoint: '127.0.0.1:37063', notes: ['tcp-carrier'] as const }
    const hub = { ...status.hub, addresses: ['2001:db8::1'] }
    expect(statusText({ ...status, tunnel, hub }, NOW, false)).toContain('hub        [2001:db8::1]:51820 over TCP, ')
  })

  test('ends with the last outages, each with its cause and what helped', () => {
    const outage = {
      began: '2026-11-22T03:00:00Z',
      ended: '2026-11-22T03:04:00Z',
      seconds: 240,
      cause: 'flow-dead',
      tried: [{ at: '2026-11-22T03:03:00Z', remedy: 'new-source-port', helped: true }],
    }
    const open = { ...outage, ended: null, seconds: null, cause: 'home-dark', tried: [] }
    const shown = { ...status, recentOutages: [open, outage] } as unknown as Status
    expect(statusText(shown, NOW, false).split('\n').slice(-2)).toEqual([
      '  outage     2026-11-22 03:00:00 UTC, not over yet: home unreachable',
      '  outage     2026-11-22 03:00:00 UTC, for 4 min: this connection no longer reaches the hub; another source port helped',
    ])
  })

  test('says in a sentence why it repairs', () => {
    const tunnel = { ...status.tunnel, state: 'healing', cause: 'udp-blocked', remedy: 'carrier' } as const
    expect(statusText({ ...status, tunnel }, NOW, false)).toContain(
      '\n  why        No UDP gets through to the hub, TCP does.\n',
    )
  })

  test('is no wider than the terminal', () => {
    const tunnel = { ...status.tunnel, notes: ['registrar-unreachable'] as const }
    const lines = statusText({ ...status, tunnel }, NOW, false, 80).split('\n')
    expect(lines.filter((line) => line.length > 80)).toEqual([])
    expect(lines.length).toBeGreaterThan(statusText({ ...status, tunnel }, NOW, false).split('\n').length)
  })

  test('does not call a registrar reachable that answers something else', () => {
    const text = statusText({ ...status, hub: { ...status.hub, registrar: 'refusing' } }, NOW, false)
    expect(text).toContain('registrar answers, but not as it should')
    expect(text).not.toContain('reachable')
  })

  test('says when the hub was last told', () => {
    const checkedIn = (registration: Status['registration']) =>
      /checked in (.*)/.exec(statusText({ ...status, registration }, NOW, false))?.[1]
    expect(checkedIn(status.registration)).toBe('3 min ago, 4 times since the agent started')
    expect(checkedIn({ at: '2026-11-22T20:04:00Z', count: 1 })).toBe('12 s ago')
    // The clock was set back since.
    expect(checkedIn({ at: '2026-11-22T21:00:00Z', count: 1 })).toBe('0 s ago')
    expect(checkedIn({ at: null, count: 0 })).toBe('not yet')
  })

  test.each([
    [
      { state: 'healing', cause: 'udp-blocked', remedy: 'carrier' },
      'UDP is blocked on this line, trying TCP instead of UDP',
    ],
    [
      { state: 'healing', cause: 'flow-dead', remedy: null },
      'this connection no longer reaches the hub, next try soon',
    ],
  ] as const)('a tunnel under repair says what is wrong, and what is tried: %j', (tunnel, said) => {
    const text = statusText({ ...status, tunnel: { ...status.tunnel, ...tunnel } }, NOW, false)
    expect(text).toContain(`tunnel     repairing since 2026-11-22 20:01:02 UTC (3 min ago): ${said}\n`)
  })

  test('an unsure one says why', () => {
    const text = statusText({ ...status, tunnel: { ...status.tunnel, state: 'doubtful' } }, NOW, false)
    expect(text).toContain('tunnel     unsure since 2026-11-22 20:01:02 UTC (3 min ago): heartbeats are not answered\n')
  })

  test('is coloured on a terminal', () => {
    expect(statusText(status, NOW, true)).toContain('\u001B[32mup')
  })

  test('an offline tunnel says what still answers', () => {
    const offline: Status = { ...status, tunnel: { ...status.tunnel, state: 'offline' } }
    expect(statusText(offline, NOW, false)).toContain('so UDP to it fails')
  })

  test('a hub that does not know this home is said, with what to do', () => {
    const next = 'on the hub: homeward hub invite cabin'
    const text = statusText(
      { ...status, tunnel: { ...status.tunnel, state: 'offline', cause: 'home-unknown', next } },
      NOW,
      false,
    )
    expect(text).toContain('offline since 2026-11-22 20:01:02 UTC (3 min ago); the hub does not know this home')
    expect(text).toContain(`next       ${next}`)
    expect(text).not.toContain('registrar reachable')
    expect(text).not.toContain('UDP to it is what fails')
  })
})

describe('events for people', () => {
  const at = '2026-11-22T20:01:02.345Z'
  test.each([
    [
      'the tunnel is unsure, after 2 min up',
      { at, kind: 'tunnel', from: 'up', to: 'doubtful', cause: null, seconds: 130 },
    ],
    [
      'the tunnel is repairing (this connection no longer reaches the hub), after 2 s unsure',
      { at, kind: 'tunnel', from: 'doubtful', to: 'healing', cause: 'flow-dead', seconds: 2 },
    ],
    [
      'tried another source port (this connection no longer reaches the hub): it helped, after 0.08 s',
      { at, kind: 'remedy', remedy: 'new-source-port', cause: 'flow-dead', helped: true, seconds: 0.08 },
    ],
    [
      'the hub sees this home at 198.51.100.12:2; before at 198.51.100.11:1, its address changed',
      {
        at,
        kind: 'mapping',
        address: '198.51.100.12',
        port: 2,
        changes: 1,
        previous: { address: '198.51.100.11', port: 1, since: null, ended: 'address' },
      },
    ],
    [
      'the hub sees this home at [2001:db8::7]:2; before at [2001:db8::6]:1, its address changed',
      {
        at,
        kind: 'mapping',
        address: '2001:db8::7',
        port: 2,
        changes: 1,
        previous: { address: '2001:db8::6', port: 1, since: null, ended: 'address' },
      },
    ],
    [
      'the registrar is unreachable: no answer in time',
      { at, kind: 'registrar', to: 'unreachable', why: 'no answer in time' },
    ],
  ] as const)('%s', (text, event) => {
    expect(eventText(event)).toBe(`2026-11-22 20:01:02 UTC  ${text}`)
  })
})

describe('a time', () => {
  test.each([
    ['90s', 90_000],
    ['30m', 1_800_000],
    ['24h', 86_400_000],
    ['7d', 604_800_000],
  ])('%s', (text, milliseconds) => {
    expect(durationIn(text, '--since')).toBe(milliseconds)
  })

  test.each(['', '24', 'h', '-1h', '1.5h', '24 h', 'yesterday'])('%j is none', (text) => {
    expect(() => durationIn(text, '--since')).toThrow('expected a time')
  })
})
