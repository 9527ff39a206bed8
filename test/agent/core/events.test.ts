import { describe, expect, test } from 'vitest'
import { NO_EVIDENCE } from '../../../agent/core/evidence/evidence.ts'
import type { Watch, WatchEvent } from '../../../agent/core/state.ts'
import { startWatch } from '../../../agent/core/watch.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { mapping, settings } from './judged/simulation.ts'
import {
  MOVED,
  DOUBTFUL,
  OFFLINE,
  HEALING,
  NOW,
  given,
  awaiting,
  answer,
  fed,
  tick,
  pendingSince,
  remedy,
  told,
} from './given-watch.ts'

describe('the judge begins', () => {
  const began = startWatch(
    { ...settings, mtu: 1_400 },
    { ledger: { current: null, changes: 3 }, firstSequence: 77, mtu: 1_280, helped: { 'flow-dead': 'reset' } },
    5_000,
  )

  test('with a heartbeat and a registration, and with what is remembered', () => {
    const { watch, actions } = tick(began, 5_000)
    expect(actions).toEqual([
      { kind: 'send-heartbeat', sequence: 77 },
      { kind: 'register', reason: 'start' },
    ])
    expect(watch).toMatchObject({
      health: { kind: 'starting', since: 5_000 },
      ledger: { changes: 3 },
      helped: { 'flow-dead': 'reset' },
      pathMtu: { configured: 1_400, mtu: 1_280 },
      fallback: null,
      canForgetFlow: false,
      isDaemonSilent: false,
    })
  })

  test('and with the failbacks of this line that failed, where an earlier agent counted any', () => {
    const failuresOf = (more: { readonly failbackFailures?: number }): number =>
      startWatch(
        settings,
        { ledger: { current: null, changes: 0 }, firstSequence: 1, mtu: 1_420, helped: {}, ...more },
        5_000,
      ).failbackFailures
    expect([failuresOf({ failbackFailures: 3 }), failuresOf({})]).toEqual([3, 0])
  })

  test('looks at the machine eight seconds later, and asks for echoes after one', () => {
    expect(tick(began, 5_999).kinds).not.toContain('ask-echoes')
    expect(tick(began, 6_000).kinds).toContain('ask-echoes')
    expect(tick(began, 12_999).kinds).not.toContain('reconcile')
    expect(tick(began, 13_000).kinds).toContain('reconcile')
  })

  test('and takes a mapping that moved while it was away for the carrier’s doing', () => {
    const ledger = { current: { endpoint: mapping, since: null }, changes: 3 }
    const { watch } = tick(startWatch(settings, { ...settings, ledger, firstSequence: 7, helped: {} }, 5_000), 5_000)
    expect(told(fed(watch, answer({ mapping: MOVED }), 5_020).actions)).toContainEqual({
      kind: 'tell-cause',
      cause: 'mapping-changed',
    })
  })
})

describe('an answer', () => {
  test('to what is not under way is nothing', () => {
    const before = awaiting(99_500, given())
    expect(fed(before, answer({ sequence: 6, inUse: true, asks: true, mapping: MOVED }))).toMatchObject({
      watch: before,
      actions: [],
    })
  })

  test('takes the misses of a tunnel that was up for the line’s everyday loss, and those of an outage for none', () => {
    const missed = awaiting(99_900, given())
    const heartbeats = { ...missed.heartbeats, missesInARow: 2 }
    expect(fed({ ...missed, heartbeats }, answer()).watch.heartbeats.outcomes).toEqual(['missed', 'missed', 'answered'])
    for (const health of [DOUBTFUL, OFFLINE, HEALING])
      expect(fed({ ...missed, heartbeats, health }, answer()).watch.heartbeats.outcomes).toEqual(['answered'])
  })

  test('that says the tunnel is used counts for ten seconds', () => {
    const before = awaiting(99_900, given({ inUseUntil: 100_500 }))
    expect(fed(before, answer({ inUse: true })).watch.inUseUntil).toBe(110_000)
    expect(fed(before, answer()).watch.inUseUntil).toBe(100_500)
  })

  test('of a hub that wants to be asked registers, but not beside one that is under way', () => {
    const before = awaiting(99_900, given())
    expect(fed(before, answer({ asks: true })).actions).toEqual([{ kind: 'register', reason: 'asked' }])
    const pending = pendingSince(99_990, before)
    expect(fed(pending, answer({ asks: true })).watch.registration).toEqual(pending.registration)
    expect(fed(before, answer()).watch.registration).toEqual(before.registration)
  })

  const asked = { isProofPending: true, proofAskedAt: 99_950 }
  const CARRIES: WatchEvent = { kind: 'tunnel-proof', carries: true }

  test('ends that the hub’s daemon is silent; a proof of the tunnel without it begins it', () => {
    const silent = fed(given({ health: DOUBTFUL }, asked), CARRIES)
    expect(silent.watch).toMatchObject({
      health: { kind: 'up', since: NOW },
      heartbeats: { answeredAt: NOW },
      isDaemonSilent: true,
      asking: { isProofPending: false },
    })
    // The registrar is asked too, once.
    expect(silent.actions).toContainEqual({ kind: 'register', reason: 'doubt' })
    expect(fed(given({ health: DOUBTFUL, isDaemonSilent: true }, asked), CARRIES).kinds).not.toContain('register')
    expect(fed(awaiting(99_900, silent.watch), answer()).watch.isDaemonSilent).toBe(false)
  })

  test('a refusal proves nothing, and has the tunnel prove itself, once', () => {
    const before = awaiting(99_900, given({ health: DOUBTFUL }))
    const refused = fed(before, { kind: 'refused' })
    expect(refused.actions).toEqual([{ kind: 'prove-tunnel' }])
    expect(refused.watch).toMatchObject({
      health: DOUBTFUL,
      heartbeats: { ...before.heartbeats },
      isDaemonSilent: false,
      asking: { isProofPending: true, proofAskedAt: NOW, isRefused: false },
    })
    const again = fed(refused.watch, { kind: 'refused' }, NOW + 1)
    expect(again.kinds).not.toContain('prove-tunnel')
    // What was refused while a proof was under way is asked after when that has ended.
    const ended = fed(again.watch, { kind: 'tunnel-proof', carries: false }, NOW + 2)
    expect(ended.kinds).toContain('prove-tunnel')
    expect(ended.watch.health).toEqual(DOUBTFUL)
  })

  test('a tunnel that is not proven is remembered as that while the silence lasts, and nothing else follows', () => {
    const before = given({ health: DOUBTFUL }, asked)
    const { watch, kinds } = fed(before, { kind: 'tunnel-proof', carries: false })
    expect(kinds).toEqual(['send-heartbeat'])
    expect(watch).toMatchObject({ health: DOUBTFUL, isDaemonSilent: false, evidence: { isNotCarried: true } })
    expect(fed(awaiting(99_960, watch), answer()).watch.evidence).toEqual(NO_EVIDENCE)
  })

  test('a proof that was asked for before the daemon answered says nothing of the daemon', () => {
    for (const [answeredAt, isDaemonSilent] of [
      [null, true],
      [99_950, false],
      [99_949, true],
    ] as const) {
      const before = given({}, asked)
      const { watch } = fed({ ...before, heartbeats: { ...before.heartbeats, answeredAt } }, CARRIES)
      expect(watch).toMatchObject({ isDaemonSilent, asking: { isProofPending: false } })
    }
  })

  test('a proof that was asked for before a remedy says nothing of it; one from since then does', () => {
    const amid = (since: number) => given({ health: HEALING, remediation: remedy(since) }, asked)
    expect(fed(amid(99_951), CARRIES).watch.remediation.underWay?.hasHelped).toBe(false)
    expect(fed(amid(99_950), CARRIES).watch.remediation.underWay?.hasHelped).toBe(true)
  })

  test('to a heartbeat from before the remedy says nothing of it; to one from since then it does', () => {
    const amid = given({ health: HEALING, remediation: remedy(99_500) })
    expect(fed(awaiting(99_499, amid), answer()).watch.remediation.underWay?.hasHelped).toBe(false)
    expect(fed(awaiting(99_500, amid), answer()).watch.remediation.underWay?.hasHelped).toBe(true)
  })
})

describe('a mapping that changed', () => {
  const seen = (more: Partial<Watch>, to: Endpoint | null = MOVED, now = NOW) =>
    fed(awaiting(now - 20, given(more)), answer({ mapping: to }), now)

  test('is told as the carrier’s doing, registered, and the path looked at again', () => {
    const { watch, actions } = seen({})
    expect(actions).toMatchObject([
      { kind: 'tell-mapping', change: { ended: 'address', changes: 1, to: { endpoint: MOVED, since: NOW } } },
      { kind: 'tell-cause', cause: 'mapping-changed' },
      { kind: 'register', reason: 'mapping-changed' },
      { kind: 'ask-sizes' },
    ])
    expect(watch.ledger.current?.endpoint).toEqual(MOVED)
  })

  test('is not told again when it is seen again, nor when the hub has not looked yet', () => {
    const { watch } = seen({})
    expect(fed(awaiting(100_100, watch), answer({ mapping: { ...MOVED } }), 100_120).actions).toEqual([])
    expect(seen({}, null)).toMatchObject({ actions: [], watch: { ledger: { current: { endpoint: mapping } } } })
  })

  test('in its port alone leaves the path as it is', () => {
    const { watch, kinds } = seen({}, { ...mapping, port: 1 })
    expect(kinds).toEqual(['tell-mapping', 'tell-cause', 'register'])
    expect(watch.pathMtu.checkedAt).toBe(50_000)
  })

  test('within twelve seconds of a remedy is its doing, and not a moment later', () => {
    expect(seen({ remediedAt: 88_000 }).kinds).not.toContain('tell-cause')
    expect(seen({ remediedAt: 87_999 }).kinds).toContain('tell-cause')
  })

  test('while the interface is made again is the new one’s, though the look has not ended yet', () => {
    const { watch } = fed(given({}), { kind: 'remaking' }, NOW - 900)
    expect(seen(watch).kinds).toEqual(expect.arrayContaining(['tell-mapping']))
    expect(seen(watch).kinds).not.toContain('tell-cause')
    expect(seen(watch, MOVED, NOW + 12_000).kinds).toContain('tell-cause')
  })

  test('and is told by an answer that a later one overtook is none', () => {
    const before = given()
    const underWay = [6, 7].map((sequence) => ({ sequence, sentAt: 99_900 + sequence, overdue: false }))
    const both = { ...before, heartbeats: { ...before.heartbeats, underWay } }
    const { watch } = fed(both, answer({ mapping: MOVED }))
    const late = fed(watch, answer({ sequence: 6, mapping }), NOW + 100)
    expect(late.actions).toEqual([])
    expect(late.watch.ledger.current?.endpoint).toEqual(MOVED)
    // In order each of them is news.
    const first = fed(both, answer({ sequence: 6, mapping: MOVED }))
    expect(fed(first.watch, answer({ mapping }), NOW + 100).watch.ledger).toMatchObject({ changes: 2 })
  })

  test('amid a remedy is its doing', () => {
    expect(seen({ health: HEALING, remediation: remedy(50_000) }).kinds).not.toContain('tell-cause')
  })

  test('is explained by a remedy once', () => {
    const { watch } = seen({ remediedAt: 99_000 })
    const again = fed(awaiting(100_500, watch), answer({ mapping }), 100_520)
    expect(again.actions).toContainEqual({ kind: 'tell-cause', cause: 'mapping-changed' })
    // On a machine that has just booted too.
    const early = seen({ remediedAt: 4_000 }, MOVED, 5_000)
    expect(early.kinds).not.toContain('tell-cause')
    const twice = fed(awaiting(5_100, early.watch), answer({ mapping }), 5_120)
    expect(twice.kinds).toContain('tell-cause')
  })

  test('and is the first one is no change: nothing more is registered, and it is nobody’s doing', () => {
    const ledger = { current: null, changes: 0 }
    const { watch, kinds } = seen({ ledger, remediedAt: 99_000 })
    expect(kinds).toEqual(['tell-mapping'])
    expect(watch).toMatchObject({ remediedAt: 99_000, ledger: { current: { endpoint: MOVED } } })
  })

  test('after more than a minute of silence was forgotten', () => {
    const ended = (answeredAt: number | null) => {
      const before = awaiting(99_980, given())
      const { actions } = fed(
        { ...before, heartbeats: { ...before.heartbeats, answeredAt } },
        answer({ mapping: MOVED }),
      )
      return actions.flatMap((action) => (action.kind === 'tell-mapping' ? [action.change.ended] : []))
    }
    expect(ended(39_999)).toEqual(['silence'])
    expect(ended(40_000)).toEqual(['address'])
    expect(ended(null)).toEqual(['address'])
  })
})
