import type { Remedy } from '../../../../agent/core/ladder.ts'
import type { Endpoint } from '../../../../wireguard/spec.ts'
import { causes, simulate, start, told, WAYS, type World } from './simulation.ts'

export const FAULT_AT = 100_000
export const [FIRST, SECOND] = WAYS as readonly [Endpoint, Endpoint]

/** A tunnel that was up for a while, and then this. */
export function after(world: (broken: { cured: boolean }) => World, forMs = 60_000) {
  const up = simulate(start(), 0, FAULT_AT)
  const broken = { cured: false }
  const end = simulate(up.watch, up.now, FAULT_AT + forMs, world(broken))
  const back = told(end.actions).find(([kind]) => kind === 'up')
  return { ...end, healedMs: back === undefined ? null : back[1] - FAULT_AT, causes: causes(end.actions) }
}

/** Heartbeats are lost until a remedy of this kind was carried out. */
export const until =
  (kind: Remedy['kind'], rest: World = {}) =>
  (broken: { cured: boolean }): World => ({
    heartbeat: () => (broken.cured ? 'answered' : 'lost'),
    remedy: (remedy) => {
      if (remedy.kind === kind) broken.cured = true
      return true
    },
    ...rest,
  })

/** When an echo's datagrams leave, milliseconds after the first. */
const ECHOES_AT_MS = [0, 250, 600]

/**
 * A line that works, and on which each round trip is lost with this probability, and takes 40 to 340 ms otherwise: of
 * heartbeats, echoes, TCP, full sizes and handshakes alike. The same for the same seed.
 */
export function lossyWorld(seed: number, lossAt: (now: number) => number): World {
  // Park and Miller's.
  let state = 48_271 * seed
  const random = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647
  const isLost = (now: number): boolean => random() < lossAt(now)
  const roundTripMs = (): number => 40 + 300 * random()
  const isEchoed = (now: number): boolean => ECHOES_AT_MS.some((after) => !isLost(now + after))
  const isConnected = (now: number): boolean => !isLost(now) || !isLost(now + 1_000)
  let heardAt = 0
  let shakenAt = 0
  let shakesAt = 120_000
  let registration = { isReached: true, tookMs: 0 }

  /** Three round trips of TCP and TLS, each repeated after a pause that doubles. */
  function register(now: number): boolean {
    let tookMs = 0
    for (const firstPauseMs of [1_000, 600, 600]) {
      for (let pauseMs = firstPauseMs; isLost(now + tookMs) && tookMs < 3_000; pauseMs *= 2) tookMs += pauseMs
      tookMs += roundTripMs()
    }
    registration = { isReached: tookMs < 3_000, tookMs: Math.min(3_000, tookMs) }
    return registration.isReached
  }

  return {
    heartbeat: (now) => {
      const isAnswered = !isLost(now)
      // Half of what is lost is lost on the way back.
      if (isAnswered || random() < 0.5) heardAt = now
      return isAnswered ? 'answered' : 'lost'
    },
    roundTripMs,
    echo: (now) => WAYS.filter(() => isEchoed(now)),
    echoMs: () => 100 + 400 * random(),
    carries: (now) => isConnected(now) && isConnected(now + 100),
    view: (now) => ({
      peerKnown: true,
      handshakeSeconds: (now - shakenAt) / 1_000,
      heardSeconds: (now - heardAt) / 1_000,
      initiatedSeconds: null,
    }),
    registrar: register,
    registrarMs: () => registration.tookMs,
    uplink: (now) => ({ gateway: true, beacon: isConnected(now) || isConnected(now) }),
    sizes: (now) => (isEchoed(now) ? 1_420 : isEchoed(now) ? 1_340 : 0),
    handshakeAt: (now) => {
      for (; shakesAt <= now; shakesAt += shakenAt === shakesAt ? 120_000 : 5_000)
        if (!isLost(shakesAt)) shakenAt = shakesAt
      return shakenAt
    },
  }
}
