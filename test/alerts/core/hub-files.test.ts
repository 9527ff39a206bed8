import { expect, test } from 'vitest'
import { untold } from '../../../alerts/core/exchange.ts'
import type { IncidentEvent, IncidentState } from '../../../alerts/core/state.ts'
import { next, sign } from './given-state.ts'
import { someDesk, someIncident } from './some.ts'

const files = { home: 'hub', scope: 'hub-files', trouble: 'hub-file-damaged' } as const

/** What was said after these events of a hub's desk, at these seconds. */
function told(...events: readonly (readonly [number, IncidentEvent])[]) {
  let state: IncidentState = someDesk('hub')
  const said: string[] = []
  for (const [seconds, event] of events) {
    const after = next(state, event, seconds * 1_000)
    state = after.state
    for (const act of after.acts) if (act.kind === 'say') said.push(`${seconds} ${act.what} ${act.incident.home}`)
  }
  return said
}

test('a file that the hub needs is told of once, and that it is whole again, though there is no home of that name', () => {
  const homes = { kind: 'homes', homes: ['cabin'] } as const
  const well = { kind: 'well', home: 'hub', scope: 'hub-files', since: 60_000 } as const
  const events = [
    [0, sign(files)],
    [10, homes],
    [31, { kind: 'tick' }],
    [60, well],
    [80, { kind: 'tick' }],
  ] as const
  expect(told(...events)).toEqual(['31 down hub', '80 recovered hub'])
})

test('no home hears of it, or invents it', () => {
  const ofHub = someIncident({ ...files, id: 'files', seenBy: 'hub', ended: 5_000 })
  expect(untold(someDesk('hub', { incidents: [ofHub] }), 'hub')).toEqual([])
  const invented = someIncident({ ...files, id: 'invented', home: 'cabin' })
  const report = { kind: 'reported', home: 'cabin', incidents: [invented], claims: [], canSpeak: false } as const
  expect(next(someDesk('hub'), report, 0).state.incidents).toEqual([])
})
