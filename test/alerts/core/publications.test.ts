import { describe, expect, test } from 'vitest'
import { untold } from '../../../alerts/core/exchange.ts'
import type { FailingPort } from '../../../alerts/core/incident.ts'
import type { IncidentEvent, IncidentState } from '../../../alerts/core/state.ts'
import { next, sign } from './given-state.ts'
import { someDesk, someIncident } from './some.ts'

const port = (published: string, why = 'nothing listens there'): FailingPort => ({
  published,
  target: '192.168.1.20:443',
  link: 'service',
  why,
})
const about = { scope: 'publication', trouble: 'publication-failing' } as const
const fails = (subject: string, ...failing: readonly FailingPort[]) =>
  sign({ ...about, id: `of-${subject}`, subject, failing })
const well = (subject: string, since: number) =>
  ({ kind: 'well', home: 'cabin', scope: 'publication', subject, since }) as const

/** Runs events of a hub's desk at these seconds; returns what was said. */
function told(...events: readonly (readonly [number, IncidentEvent])[]) {
  let state: IncidentState = someDesk('hub')
  const said: string[] = []
  for (const [seconds, event] of events) {
    const after = next(state, event, seconds * 1_000)
    state = after.state
    for (const act of after.acts)
      if (act.kind === 'say')
        said.push(`${seconds} ${act.what} ${act.incident.failing.map((one) => one.published).join(' ')}`)
  }
  return { said, state }
}
const tick = { kind: 'tick' } as const

describe('publications that fail', () => {
  test('are one incident a subject, beside each other and beside the tunnel’s', () => {
    const { state } = told([0, fails('443/tcp', port('443/tcp'))], [1, fails('25/tcp', port('25/tcp'))], [2, sign({})])
    expect(state.incidents.map(({ scope, subject }) => [scope, subject])).toEqual([
      ['publication', '443/tcp'],
      ['publication', '25/tcp'],
      ['tunnel', null],
    ])
  })

  test('are told once, with all that failed until then, and once that they are well again', () => {
    const both = [port('443/tcp'), port('25/tcp')]
    const { said } = told(
      [0, fails('443/tcp', port('443/tcp'))],
      [10, fails('443/tcp', ...both)],
      [31, fails('443/tcp', ...both)],
      [40, fails('443/tcp', port('25/tcp'))],
      [50, well('443/tcp', 50_000)],
      [56, tick],
      [72, tick],
      [90, tick],
    )
    expect(said).toEqual(['31 down 443/tcp 25/tcp', '72 recovered 25/tcp 443/tcp'])
  })

  test('each with its present reason', () => {
    const { state } = told(
      [0, fails('443/tcp', port('443/tcp'))],
      [9, fails('443/tcp', port('443/tcp', 'no such host'))],
    )
    expect(state.incidents[0]?.failing).toEqual([port('443/tcp', 'no such host')])
  })

  test('one that is well says nothing of another', () => {
    const { state } = told(
      [0, fails('443/tcp', port('443/tcp'))],
      [0, fails('25/tcp', port('25/tcp'))],
      [10, well('25/tcp', 10_000)],
      [20, tick],
    )
    expect(state.incidents.map(({ subject, ended }) => [subject, ended])).toEqual([
      ['443/tcp', null],
      ['25/tcp', 10_000],
    ])
  })

  test('that are taken back end without a message, though people were told', () => {
    const { said, state } = told(
      [0, fails('443/tcp', port('443/tcp'))],
      [31, tick],
      [40, { kind: 'dropped', home: 'cabin', scope: 'publication', subject: '443/tcp' }],
      [80, tick],
    )
    expect(said).toEqual(['31 down 443/tcp'])
    expect(state.incidents[0]).toMatchObject({ ended: 40_000, silenced: true })
  })

  test('that are taken back are over in the record too, and after a restart', () => {
    const { state } = told([0, fails('443/tcp', port('443/tcp'))])
    const dropped = { kind: 'dropped', home: 'cabin', scope: 'publication', subject: '443/tcp' } as const
    const { acts } = next(state, dropped, 40_000)
    const incident: unknown = expect.objectContaining({ id: 'of-443/tcp', ended: 40_000 })
    expect(acts).toEqual([
      { kind: 'write', incident },
      { kind: 'over', incident },
    ])
  })

  test('that are not known are not dropped', () => {
    const state = someDesk('hub')
    expect(next(state, { kind: 'dropped', home: 'cabin', scope: 'publication', subject: '443/tcp' }, 0).kinds).toEqual(
      [],
    )
  })

  test('are told of as coming and going, each by itself', () => {
    const events = [0, 100, 200].flatMap(
      (seconds) =>
        [
          [seconds, { ...fails('443/tcp', port('443/tcp')), since: seconds * 1_000 }],
          [seconds + 31, tick],
          [seconds + 32, well('443/tcp', (seconds + 32) * 1_000)],
          [seconds + 95, tick],
        ] as const,
    )
    const other = { ...fails('25/tcp', port('25/tcp')), since: 296_000 }
    const { said } = told(...events, [296, other], [327, tick])
    expect(said).toEqual([
      '31 down 443/tcp',
      '95 recovered 443/tcp',
      '131 down 443/tcp',
      '195 recovered 443/tcp',
      '200 unstable 443/tcp',
      '327 down 25/tcp',
    ])
  })

  test('are not told of while the home is dark, and are when it is back and they still fail', () => {
    const dark = sign({ trouble: 'home-dark' })
    const { said } = told(
      [0, fails('443/tcp', port('443/tcp'))],
      [20, { ...dark, since: 20_000 }],
      [49, tick],
      [51, { kind: 'well', home: 'cabin', scope: 'tunnel', since: 51_000 }],
      [57, tick],
    )
    expect(said.filter((one) => one.includes('443'))).toEqual(['57 down 443/tcp'])
  })

  test('are not handed to homes, whose versions may not know them', () => {
    const of = (scope: 'publication' | 'agent') => someIncident({ id: scope, scope, seenBy: 'hub', ended: 5_000 })
    const state = someDesk('hub', { incidents: [of('publication'), of('agent')] })
    expect(untold(state, 'cabin').map(({ id }) => id)).toEqual(['agent'])
  })
})
