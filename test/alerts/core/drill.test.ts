import { expect, test } from 'vitest'
import { reported } from '../../../alerts/core/exchange.ts'
import type { IncidentAction } from '../../../alerts/core/state.ts'
import { drillMessage, summaryMessage } from '../../../alerts/record/compose.ts'
import { fromRecord, toRecord } from '../../../alerts/record/record.ts'
import { next, sign } from './given-state.ts'
import { someDesk, someIncident } from './some.ts'

const drill = (until: number) => ({ kind: 'drill', home: 'cabin', until }) as const
const tick = { kind: 'tick' } as const

test('an outage that a drill makes is told to nobody, and makes no line unstable', () => {
  let { state } = next(someDesk('hub'), drill(60_000), 0)
  for (let nth = 0; nth < 5; nth += 1) {
    state = next(state, sign({ id: `n${nth}`, since: nth * 10_000 }), nth * 10_000).state
    state = next(
      state,
      { kind: 'well', home: 'cabin', scope: 'tunnel', since: nth * 10_000 + 1 },
      nth * 10_000 + 1,
    ).state
    state = next(state, tick, nth * 10_000 + 9_000).state
  }
  expect(state.incidents.map(({ drillUntil, isFlapping, ended }) => [drillUntil, isFlapping, ended !== null])).toEqual(
    Array.from({ length: 5 }, () => [60_000, false, true]),
  )
  expect(next(state, tick, 3_600_000).kinds).not.toContain('say')
})

test('one that lasts longer than the drill is a real one, and is told', () => {
  const began = next(next(someDesk('hub'), drill(60_000), 0).state, sign({}), 1_000).state
  expect(next(began, tick, 59_000).kinds).not.toContain('say')
  const { state, kinds } = next(began, tick, 60_000)
  expect(kinds).toContain('say')
  expect(state.incidents).toMatchObject([{ drillUntil: null }])
})

test('after a drill an outage is an outage', () => {
  const { state } = next(next(someDesk('hub'), drill(60_000), 0).state, sign({ since: 60_000 }), 60_000)
  expect(state.incidents).toMatchObject([{ drillUntil: null }])
})

test('a home cannot call an outage a drill that the hub knows nothing of', () => {
  const claimed = someIncident({ drillUntil: 9_000_000, began: 1_000 })
  const report = { kind: 'reported', home: 'cabin', incidents: [claimed], claims: [], canSpeak: false } as const
  const acts: IncidentAction[] = []
  expect(reported(someDesk('hub'), report, 2_000, acts).incidents).toMatchObject([{ drillUntil: null }])
  const drilling = next(someDesk('hub'), drill(60_000), 0).state
  expect(reported(drilling, report, 2_000, acts).incidents).toMatchObject([{ drillUntil: 60_000 }])
  // What the hub saw by itself stays what it is to the hub.
  const own = next(someDesk('hub'), sign({ trouble: 'home-dark', since: 1_000 }), 1_000).state
  const both = reported({ ...own, drills: { cabin: 60_000 } }, report, 2_000, acts)
  expect(both.incidents).toMatchObject([{ drillUntil: null }])
})

test('it is written down as one, and is in no summary', () => {
  const record = toRecord(someIncident({ drillUntil: 60_000, ended: 5_000 }), (moment) => new Date(moment), 9_000)
  expect(record.drillUntil).toBe('1970-01-01T00:01:00.000Z')
  expect(fromRecord(record, { wall: 9_000, now: 9_000 }).drillUntil).toBe(60_000)
  expect(summaryMessage('s', 'cabin', [record], new Date(0), new Date(1)).text).toMatch(/^No outage since/)
})

test('the message begins with drill, and says who sent it', () => {
  const result = { way: 'port', noticedSeconds: 1.52, healedSeconds: null, cause: null, isRight: false } as const
  const { title, text, kind } = drillMessage('id', 'cabin', result, 'hub', new Date(0))
  expect({ title, kind }).toEqual({ title: 'drill: cabin: the hub’s port was blocked on purpose', kind: 'test' })
  expect(text).toBe(
    'Noticed after 1.5 s, not healed in its time; no cause was named, which is not the right one.\nA drill, no outage. Sent by the hub.',
  )
})
