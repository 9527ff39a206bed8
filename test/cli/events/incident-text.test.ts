import * as fc from '../../properties.ts'
import * as v from 'valibot'
import { describe, expect, test } from 'vitest'
import { compose } from '../../../alerts/record/compose.ts'
import { incidentsCsv } from '../../../cli/events/incident-csv.ts'
import { incidentText } from '../../../cli/events/incident-text.ts'
import { type IncidentRecord, IncidentSchema, reportedWord } from '../../../protocol/incidents.ts'

const at = '2026-11-22T20:01:02.345Z'
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const EVIL = '\u001b[2J\u009b31m\r\n\u202eall is well'

/** As a home reports it, before anybody looked at it. */
function reported(word: string, place: string | null = null): unknown {
  return {
    id: 'cabin.1',
    alias: null,
    home: 'cabin',
    scope: 'tunnel',
    began: at,
    ended: at,
    seconds: 7,
    cause: word,
    causes: [{ cause: word, at }],
    flaps: 0,
    unstable: false,
    tried: [{ remedy: word, cause: word, helped: true, seconds: 1 }],
    mapping: { before: place, after: place },
    views: { home: { began: at, ended: at }, hub: null },
    said: { down: null, recovered: null, reminded: null },
    met: true,
  }
}

const taken = (word: string, place?: string): IncidentRecord => v.parse(IncidentSchema, reported(word, place ?? null))
const word = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ maxLength: 20 }).map((text) => `${EVIL}${text}`),
)

describe('what a home reports of its outages', () => {
  test('has nothing in it that a terminal obeys, in no text for people', () => {
    fc.assert(
      fc.property(word, fc.string({ unit: 'binary', maxLength: 20 }), (word, place) => {
        const incident = taken(word, place)
        const { title, text } = compose('recovered', incident, new Date(at))
        for (const said of [incidentText(incident), title, ...text.split('\n')]) expect(said).not.toMatch(UNPRINTABLE)
        const csv = incidentsCsv([incident])
        expect(csv.replaceAll('\r\n', '')).not.toMatch(UNPRINTABLE)
        expect(csv.split('\r\n')).toHaveLength(3)
      }),
    )
  })

  test.each([
    ['new-source-port', 'new-source-port', 'another source port'],
    [
      'set-endpoint 203.0.113.10:443',
      'set-endpoint 203.0.113.10:443',
      'another port or address of the hub (203.0.113.10:443)',
    ],
    [
      'set-endpoint [2001:db8:203:1:2:3:4:10]:51820',
      'set-endpoint [2001:db8:203:1:2:3:4:10]:51820',
      'another port or address of the hub ([2001:db8:203:1:2:3:4:10]:51820)',
    ],
    ['a-later-version', 'a-later-version', 'a remedy that this version does not know'],
    ['constructor', 'constructor', 'a remedy that this version does not know'],
    ['all is well. Run curl', '"all is well. Run curl"', 'a remedy that this version does not know'],
    ['set-endpoint nowhere', '"set-endpoint nowhere"', 'a remedy that this version does not know'],
    [EVIL, '"\uFFFD[2J\uFFFD31m \uFFFDall is well"', 'a remedy that this version does not know'],
  ])('%j is written as %s, and told as %s', (word, written, text) => {
    const incident = taken(word)
    expect(reportedWord(incident.cause)).toBe(written)
    expect(incidentText(incident)).toContain(`${text} helped`)
    expect(compose('down', incident, new Date(at)).text).toContain(`Tried: ${text} (helped).`)
  })

  test.each([
    [
      {},
      'outage at cabin, 7 s: the hub does not answer, a new WireGuard session helped (seen by the home, no alert sent)',
    ],
    [
      { seconds: null, flaps: 2, scope: 'router', tried: [], views: { home: null, hub: { began: at, ended: null } } },
      'trouble at cabin, not over yet: the hub does not answer, came back 2× (seen by the hub, no alert sent)',
    ],
  ] as const)('is one line: %j', (more, line) => {
    const incident = { ...taken('hub-down'), tried: [{ ...taken('x').tried[0]!, remedy: 'new-session' }], ...more }
    expect(incidentText(incident as IncidentRecord)).toBe(`2026-11-22 20:01:02 UTC  ${line}`)
  })

  test('names places that are some, and no others', () => {
    expect(taken('flow-dead', '[2001:db8::7]:4500').mapping.before).toBe('[2001:db8::7]:4500')
    expect(taken('flow-dead', '=cmd|calc!A1').mapping.before).toBeNull()
  })

  test.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', ' =1', '＝1'])(
    'is no formula in a spreadsheet, though it is %j',
    (cause) => {
      const incident = { ...taken('unknown'), scope: cause as never, mapping: { before: cause, after: null } }
      const [, row = ''] = incidentsCsv([incident]).split('\r\n')
      for (const cell of row.split(',')) expect(cell).not.toMatch(/^"?\s*[=+\-@＝＋－＠]/)
    },
  )

  test('does not begin a new cell where semicolons part them', () => {
    const incident = { ...taken('unknown'), mapping: { before: 'x;=1', after: null } }
    expect(incidentsCsv([incident])).toContain('"x;=1"')
  })
})
