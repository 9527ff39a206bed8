import { describe, expect, test } from 'vitest'
import { diagnose, NO_EVIDENCE, type PeerView } from '../../../../agent/core/evidence/evidence.ts'
import { NO_REMEDIATION } from '../../../../agent/core/remediation.ts'
import type { Watch, WatchEvent } from '../../../../agent/core/state.ts'
import { UP as UP_HEALTH, awaiting, answer, FIRST, fed, given as givenUp, NOW, roundOf, tick } from '../given-watch.ts'
import { fellBack, onTrial } from '../../../../agent/core/fallback.ts'
import { begun, CARRIER, reports, simulate, start, WAYS, type World } from './simulation.ts'

const onTransport = { ...fellBack('transport', CARRIER, 'udp-blocked', 1_000), goodRounds: 3, failures: 2 }
const looked = (handshakeAt?: number | null): WatchEvent => ({
  kind: 'looked',
  driftRepaired: false,
  ...(handshakeAt === undefined ? {} : { handshakeAt }),
})
const reachable = (watch: Watch): Watch => ({
  ...watch,
  registration: { ...watch.registration, registrar: 'reachable' },
})
const aged = (ageMs: number, more: Partial<Watch> = {}): Watch =>
  reachable(givenUp({ handshake: { stamp: 1_700, since: NOW - ageMs }, ...more }))

describe('a key that nothing renews while data passes', () => {
  test('is renewed over TLS before it ends, with the cause named', () => {
    const { watch, actions } = fed(aged(155_000), looked(1_700))
    expect(actions).toContainEqual({ kind: 'tell-cause', cause: 'handshake-blocked' })
    expect(actions).toContainEqual({ kind: 'remedy', remedy: { kind: 'carrier' } })
    expect(watch.health.kind).toBe('up')
    expect(watch.remediation.underWay).toMatchObject({ cause: 'handshake-blocked', failbackFrom: null })
  })

  test.each<readonly [string, Watch, WatchEvent]>([
    ['is not that old yet', aged(154_999), looked(1_700)],
    ['was renewed', aged(155_000), looked(1_800)],
    ['could not be looked at', aged(155_000), looked()],
    ['is not shown by the machine', aged(155_000, { handshake: { stamp: null, since: 0 } }), looked(null)],
    ['could not be renewed over TLS', { ...aged(155_000), registration: givenUp().registration }, looked(1_700)],
    ['is on a fallback already', aged(155_000, { fallback: onTransport }), looked(1_700)],
    ['is no longer answered', aged(155_000, { health: { kind: 'doubtful', since: NOW - 1 } }), looked(1_700)],
  ])('is left alone where it %s', (_what, watch, event) => {
    expect(fed(watch, event).kinds).not.toContain('remedy')
  })
})

describe('a failback that carries heartbeats', () => {
  const returning = (more: Partial<Watch> = {}): Watch => {
    const underWay = {
      remedy: { kind: 'set-endpoint', endpoint: FIRST },
      cause: 'udp-blocked',
      since: NOW - 1_000,
      proving: { since: NOW - 500, until: NOW + 2_000 },
      hasHelped: false,
      failbackFrom: onTransport,
    } as const
    return awaiting(
      NOW - 100,
      aged(30_000, {
        fallback: onTransport,
        remediation: { ...NO_REMEDIATION, underWay },
        failbackFailures: 2,
        ...more,
      }),
    )
  }

  test('is on trial, with TLS held ready and a look at once', () => {
    const { watch, kinds } = fed(returning(), answer())
    expect(kinds).not.toContain('close-transport')
    expect(kinds).not.toContain('tell-remedy')
    expect(kinds).toContain('reconcile')
    expect(watch.fallback).toMatchObject({ on: 'transport', trial: { since: NOW, stamp: 'unseen' }, goodRounds: 0 })
    expect(watch.failbackFailures).toBe(2)
    // No second failback, and no haste with echoes.
    const later = { ...watch, asking: { ...watch.asking, round: roundOf(), echoedAt: NOW, isEchoPending: false } }
    expect(tick({ ...later, fallback: { ...watch.fallback!, goodRounds: 9 } }, NOW + 60_000).kinds).not.toContain(
      'remedy',
    )
    expect(fed(later, looked(1_700), NOW + 100).watch.fallback?.trial).toEqual({ since: NOW, stamp: 1_700 })
  })

  test('is proven at once where the machine tells nothing of handshakes', () => {
    const { watch, actions } = fed(returning({ handshake: { stamp: null, since: -Infinity } }), answer())
    expect(actions).toContainEqual({ kind: 'close-transport' })
    expect(watch).toMatchObject({ fallback: null, failbackFailures: 0 })
  })

  const trying = (ageMs: number, more: Partial<Watch> = {}): Watch =>
    aged(ageMs, {
      fallback: {
        ...onTrial({ ...onTransport, since: NOW - 40_000 }, NOW - 38_000),
        trial: { since: NOW - 38_000, stamp: 1_700 },
      },
      failbackFailures: 2,
      ...more,
    })

  test('is proven by a handshake, and that is told', () => {
    const { watch, actions } = fed(trying(100_000), looked(1_800))
    expect(actions).toContainEqual({
      kind: 'tell-remedy',
      report: { remedy: 'way-back', cause: 'udp-blocked', helped: true, seconds: 40 },
    })
    expect(actions).toContainEqual({ kind: 'close-transport' })
    expect(watch).toMatchObject({ fallback: null, failbackFailures: 0, health: UP_HEALTH })
  })

  test('goes back to TLS while the key still carries, and comes later the next time', () => {
    const { watch, actions } = fed(trying(140_000), looked(1_700))
    expect(actions).toContainEqual({
      kind: 'tell-remedy',
      report: { remedy: 'way-back', cause: 'udp-blocked', helped: false, seconds: 40 },
    })
    expect(actions).toContainEqual({ kind: 'remedy', remedy: { kind: 'carrier' } })
    expect(watch).toMatchObject({
      health: UP_HEALTH,
      failbackFailures: 3,
      fallback: { failures: 3, notBefore: NOW + 240_000, trial: null },
    })
    expect(fed(trying(139_999), looked(1_700)).kinds).not.toContain('remedy')
    expect(fed(trying(140_000), looked()).kinds).not.toContain('remedy')
  })

  test('does not mind that the TLS connection is lost', () => {
    const watch = trying(100_000)
    expect(fed(watch, { kind: 'transport-lost' }).watch.fallback).toEqual(watch.fallback)
    expect(fed({ ...watch, fallback: onTransport }, { kind: 'transport-lost' }).watch.fallback).toBeNull()
  })
})

test('a silence after a key that nothing had renewed for two and a half minutes is laid to the handshakes', () => {
  const overdue = (sequence: number, sentAt: number) => ({ sequence, sentAt, overdue: true })
  const beats = { ...start().heartbeats, answeredAt: 2_000, underWay: [overdue(1, 12_000), overdue(2, 12_500)] }
  const causeOf = (view: Partial<PeerView>) => {
    // Asked for ten seconds after the last answer.
    const heard = {
      peerKnown: true,
      handshakeSeconds: 60,
      heardSeconds: 10,
      initiatedSeconds: null,
      ...view,
      at: 12_000,
    }
    return diagnose({ ...NO_EVIDENCE, round: roundOf(), view: heard, reachedAt: 12_000 }, beats, 'trusted', 13_000)
  }
  expect(causeOf({ handshakeSeconds: 160 })).toBe('handshake-blocked')
  expect(causeOf({ handshakeSeconds: 159.999 })).toBe('flow-dead')
  expect(causeOf({ handshakeSeconds: null })).toBe('session-lost')
  // Handshakes arrive at the hub, which does not take them.
  expect(causeOf({ handshakeSeconds: 180, heardSeconds: 30, initiatedSeconds: 2 })).toBe('handshake-refused')
})

/** A line that drops handshakes from the beginning, and lets all else pass. The hub's view knows the key's age too. */
function inspected(passes: (now: number) => boolean = () => false) {
  let stamp = 0
  let keyAt = 0
  let endpoint = WAYS[0]!
  let renewedAt = 0
  const world: World = {
    heartbeat: (now, at) => {
      endpoint = at
      const isDue = now - keyAt >= 120_000
      if (isDue && (at === CARRIER || passes(now))) {
        keyAt = now
        stamp += 1
        renewedAt = now
      }
      return now - keyAt < 180_000 ? 'answered' : 'lost'
    },
    handshakeAt: () => stamp,
    view: (now, silentMs) => ({
      peerKnown: true,
      handshakeSeconds: (now - keyAt) / 1_000,
      heardSeconds: silentMs / 1_000,
      initiatedSeconds: null,
    }),
  }
  return { world, at: () => ({ endpoint, renewedAt }) }
}

describe('a line that drops handshakes and lets data pass', () => {
  test('never goes dark: over TLS before the key ends, and each failback is undone in time and comes later', () => {
    const { world } = inspected()
    const { actions, watch } = simulate(start(), 0, 3_600_000, world)
    const kinds = actions.flatMap(({ action }) => (action.kind === 'tell-health' ? [action.to.kind] : []))
    expect(kinds).toEqual(['up'])
    const failed = reports(actions).filter(({ remedy, helped }) => remedy === 'way-back' && !helped)
    expect(failed.length).toBeGreaterThan(2)
    // After 1, 2, 4, 8 and 16 minutes, and not each few minutes for ever.
    expect(failed.length).toBeLessThan(7)
    expect(watch).toMatchObject({ failbackFailures: failed.length, health: { kind: 'up' } })
    expect(
      reports(actions)
        .filter(({ remedy }) => remedy === 'carrier')
        .every(({ helped }) => helped),
    ).toBe(true)
  })

  test('is left for UDP once handshakes pass', () => {
    const { world } = inspected((now) => now > 600_000)
    const { actions, watch, endpoint } = simulate(start(), 0, 3_600_000, world)
    expect(reports(actions).at(-1)).toMatchObject({ remedy: 'way-back', helped: true })
    expect(watch).toMatchObject({ fallback: null, failbackFailures: 0 })
    expect(endpoint).toEqual(WAYS[0])
  })

  test('is remembered: an agent that begins there again waits longer with its first failback', () => {
    const { world } = inspected()
    const known = { ...start(), failbackFailures: 4 }
    const { actions } = simulate(known, 0, 1_000_000, world)
    const [carrier, back] = begun(actions)
    expect(carrier?.remedy.kind).toBe('carrier')
    expect((back?.at ?? Infinity) - (carrier?.at ?? 0)).toBeGreaterThan(480_000)
  })
})
