import { describe, expect, test } from 'vitest'
import type { Cause } from '../../../agent/core/evidence/cause.ts'
import { type Evidence, NO_EVIDENCE, type PeerView } from '../../../agent/core/evidence/evidence.ts'
import { onTrial } from '../../../agent/core/fallback.ts'
import { handshakeSeen, proven, remediated, remedyEnded } from '../../../agent/core/remediate.ts'
import type { Watch } from '../../../agent/core/state.ts'
import {
  back,
  carriedOutSince,
  DETOUR,
  FIRST,
  FLOW_DEAD,
  given,
  made,
  proving,
  ROUND,
  SECOND,
  UP,
} from './given-remediation.ts'

const TO_FIRST = { kind: 'set-endpoint', endpoint: FIRST } as const
const TRIAL = onTrial(DETOUR, 9_500)

const seen = (view: Partial<PeerView>): Evidence => ({
  ...FLOW_DEAD,
  view: { ...FLOW_DEAD.view!, ...view },
})
/** What the hub and the echoes say in a silence, by the cause that it proves. */
const SILENCES: readonly (readonly [Cause, Evidence])[] = [
  ['flow-dead', FLOW_DEAD],
  ['return-dead', seen({ heardSeconds: 1 })],
  ['handshake-blocked', seen({ handshakeSeconds: 400 })],
  ['port-blocked', { ...FLOW_DEAD, elsewhereRounds: 9, round: { ...ROUND, answered: [SECOND] } }],
  [
    'udp-blocked',
    {
      ...NO_EVIDENCE,
      round: { ...ROUND, answered: [] },
      silentRounds: 9,
      registrar: { askedAt: 10_000, at: 10_400, reachable: true },
    },
  ],
]

describe('a failback on trial', () => {
  const heal = (watch: Watch) => made((actions) => remediated(watch, 12_000, actions))

  test.each(SILENCES)('is the first suspect of a silence that is %s: what worked is taken again', (cause, evidence) => {
    // The same without a trial is that cause.
    expect(heal(given({ evidence })).watch.health).toMatchObject({ kind: 'healing', cause })
    const { watch, actions } = heal(given({ evidence, fallback: TRIAL }))
    expect(actions).toEqual([
      {
        kind: 'tell-remedy',
        report: { remedy: 'way-back', cause: 'udp-blocked', helped: false, seconds: 11 },
      },
      { kind: 'remedy', remedy: { kind: 'carrier' } },
    ])
    expect(watch.fallback).toMatchObject({ trial: null, failures: 1 })
    expect(watch.evidence).toBe(NO_EVIDENCE)
  })

  test('is none of a session that is gone', () => {
    const evidence = seen({ handshakeSeconds: null })
    const { watch, actions } = heal(given({ evidence, fallback: TRIAL }))
    expect(watch.health).toMatchObject({ kind: 'healing', cause: 'session-lost' })
    expect(watch.fallback).toEqual(TRIAL)
    expect(actions.map(({ kind }) => kind)).toEqual(['tell-health', 'remedy'])
  })

  test('begins when a heartbeat came back, with a look at the machine at once', () => {
    const before = given({
      health: UP,
      fallback: DETOUR,
      remediation: back(proving(TO_FIRST), DETOUR),
      handshake: { stamp: 7, since: 20 },
    })
    const { watch } = made((actions) => proven(before, { sentAt: 12_500 }, 12_600, actions))
    expect(watch.fallback?.trial).toEqual({ since: 12_600, stamp: 'unseen' })
    expect(watch.asking.reconciledAt).toBe(-Infinity)
  })

  test('is not judged by handshakes while a remedy is under way', () => {
    const trial = { since: 9_500, stamp: 7 }
    const before = given({ health: UP, fallback: { ...DETOUR, trial }, handshake: { stamp: 7, since: 20 } })
    const look = (watch: Watch) => made((actions) => handshakeSeen(watch, 8, 12_000, actions))
    expect(look(before).watch.fallback).toBeNull()
    const amid = look({ ...before, remediation: carriedOutSince(11_000) })
    expect(amid.watch.fallback?.trial).toEqual(trial)
    expect(amid.actions).toEqual([])
  })
})

test('a failback that ends after the tunnel was down and up again is still to be proven', () => {
  const remediation = back(carriedOutSince(11_000, TO_FIRST), DETOUR)
  const before = given({ health: { ...UP, since: 11_500, provenAt: 11_500 }, fallback: DETOUR, remediation })
  const ended = { kind: 'remedy-ended', executed: true, endpoint: FIRST } as const
  const { watch } = made((actions) => remedyEnded(before, ended, 12_000, actions))
  expect(watch.remediation.underWay?.proving?.since).toBe(12_000)
})

test('an interface that is gone is no cause by itself: a tunnel may be silent for less', () => {
  const before = given({ isGone: true, evidence: NO_EVIDENCE })
  expect(made((actions) => remediated(before, 12_000, actions))).toEqual({ watch: before, actions: [] })
})
