import type { EchoRound, PeerView, Uplink } from '../../../../agent/core/evidence/evidence.ts'
import type { Remedy } from '../../../../agent/core/ladder.ts'
import type { Action, Watch, WatchEvent } from '../../../../agent/core/state.ts'
import { next, startWatch, wakeAt } from '../../../../agent/core/watch.ts'
import type { Endpoint } from '../../../../wireguard/spec.ts'

export const settings = { heartbeatMs: 5_000, inUseMs: 1_000, jitter: 0.5, mtu: 1_420, lifeSeconds: null }
export const mapping = { address: '198.51.100.11', port: 40_233 }
export const start = (): Watch =>
  startWatch(settings, { ledger: { current: null, changes: 0 }, firstSequence: 0, mtu: 1_420, helped: {} }, 0)

export const WAYS: readonly Endpoint[] = [51_820, 4_500].map((port) => ({ address: '203.0.113.10', port }))
export const CARRIER: Endpoint = { address: '127.0.0.1', port: 40_000 }

/** The world around the judge, at one moment of it. What is not said is well. */
export interface World {
  /** What becomes of a heartbeat sent now, given where the tunnel sends. */
  readonly heartbeat?: (now: number, endpoint: Endpoint) => 'answered' | 'lost' | 'refused'
  /** Endpoints at which a fresh socket is answered now. */
  readonly echo?: (now: number) => readonly Endpoint[]
  readonly view?: (now: number, silentMs: number) => PeerView
  /** Whether the registrar can be reached, or what else it answers than that all is well. */
  readonly registrar?: (now: number) => boolean | 'unknown' | 'refused'
  readonly uplink?: (now: number) => Uplink
  /** Whether the hub's machine answers through the tunnel now, and the machine here says so. */
  readonly carries?: (now: number, endpoint: Endpoint) => boolean
  readonly sizes?: (now: number) => number
  /** A remedy was carried out now: whether it could be. */
  readonly remedy?: (remedy: Remedy, now: number) => boolean
  /** From its effect until it is known that it was carried out. */
  readonly remedyMs?: number
  readonly named?: (now: number) => readonly string[] | null
  /** The last handshake as a look at the machine finds it; left out, it tells nothing of handshakes. */
  readonly handshakeAt?: (now: number) => number | null
  /** Whether looking at the machine found something to mend. */
  readonly mends?: (now: number) => boolean
  readonly isInUse?: (now: number) => boolean
  /** Of what is sent now: answers overtake one another, and arrive in another world than they were sent in. */
  readonly roundTripMs?: (now: number) => number
  /** How often the answer to what is sent now arrives. */
  readonly copies?: (now: number) => number
  /** How long what is asked now takes, answered or not. */
  readonly echoMs?: (now: number) => number
  readonly registrarMs?: (now: number) => number
  /** What the hub sees. */
  readonly seen?: (now: number) => Endpoint | null
  /** What its registrar says that it sees. */
  readonly registered?: (now: number) => Endpoint | null
}

export interface Seen {
  readonly at: number
  readonly action: Action
}

export const wellWord = (silentMs: number): PeerView => ({
  peerKnown: true,
  handshakeSeconds: 60,
  heardSeconds: silentMs / 1_000,
  initiatedSeconds: null,
})

/** Runs the judge in a world, on a clock that is turned by hand. */
export function simulate(watch: Watch, from: number, untilMs: number, world: World = {}) {
  const actions: Seen[] = []
  const coming: { readonly at: number; readonly event: WatchEvent }[] = []
  const roundTripMs = world.roundTripMs ?? (() => 20)
  let now = from
  let endpoint: Endpoint = watch.asking.round?.current ?? WAYS[0]!
  let answeredAt = watch.heartbeats.answeredAt ?? from
  const later = (ms: number, event: WatchEvent): void => void coming.push({ at: now + ms, event })

  const shakenAt = (at: number) => (world.handshakeAt === undefined ? {} : { handshakeAt: world.handshakeAt(at) })

  function react(action: Action): void {
    switch (action.kind) {
      case 'send-heartbeat': {
        const fate = world.heartbeat?.(now, endpoint) ?? 'answered'
        if (fate === 'lost') return
        answeredAt = now
        if (fate === 'refused') return later(roundTripMs(now), { kind: 'refused' })
        const seen = world.seen === undefined ? mapping : world.seen(now)
        const inUse = world.isInUse?.(now) ?? false
        for (let copy = world.copies?.(now) ?? 1; copy > 0; copy -= 1)
          later(roundTripMs(now), { kind: 'answer', sequence: action.sequence, mapping: seen, inUse, asks: false })
        return
      }
      case 'register': {
        const said = world.registrar?.(now) ?? true
        const view = said === true ? (world.view ?? ((_, silentMs) => wellWord(silentMs)))(now, now - answeredAt) : null
        const outcome = said === true ? 'done' : said === false ? 'unreachable' : said
        const seen = world.registered?.(now) ?? null
        const tookMs = world.registrarMs?.(now) ?? (said !== false ? 30 : 3_000)
        return later(tookMs, { kind: 'registration-ended', outcome, mapping: seen, view })
      }
      case 'ask-echoes': {
        const answered = world.echo?.(now) ?? WAYS
        const isTransport = endpoint === CARRIER
        const round: EchoRound = {
          askedAt: now,
          current: endpoint,
          isTransport,
          preferred: WAYS[0]!,
          answered,
          silent: WAYS.filter((one) => !answered.includes(one)),
          named: world.named?.(now) ?? null,
        }
        const view = answered.length > 0 ? (world.view ?? ((_, ms) => wellWord(ms)))(now, now - answeredAt) : null
        const tookMs = answered.includes(endpoint) ? 20 : answered.length > 0 ? 400 : 1_500
        return later(world.echoMs?.(now) ?? tookMs, { kind: 'echoed', round, view })
      }
      case 'ask-sizes': {
        const passes = world.sizes?.(now) ?? 1_420
        const passed = action.sizes.filter((size) => size <= passes)
        return later(1_000, { kind: 'sized', round: { passed, smallPassed: passes > 0 } })
      }
      case 'test-uplink':
        return later(100, { kind: 'uplink', uplink: world.uplink?.(now) ?? { gateway: true, beacon: true } })
      case 'prove-tunnel': {
        const carries = world.carries?.(now, endpoint) ?? false
        return later(carries ? 100 : 1_500, { kind: 'tunnel-proof', carries })
      }
      case 'remedy': {
        const executed = world.remedy?.(action.remedy, now) ?? true
        const { remedy } = action
        const to = remedy.kind === 'set-endpoint' ? remedy.endpoint : remedy.kind === 'carrier' ? CARRIER : null
        if (executed && to !== null) endpoint = to
        return later(world.remedyMs ?? 70, { kind: 'remedy-ended', executed, endpoint: executed ? to : null })
      }
      case 'reconcile':
        return later(100, { kind: 'looked', driftRepaired: world.mends?.(now) === true, ...shakenAt(now) })
      case 'close-transport':
      case 'tell-health':
      case 'tell-cause':
      case 'tell-mapping':
      case 'tell-remedy':
        return
      default:
        return action satisfies never
    }
  }

  function feed(event: WatchEvent): void {
    const [after, wanted] = next(watch, event, now)
    watch = after
    for (const action of wanted) {
      actions.push({ at: now, action })
      react(action)
    }
  }

  feed({ kind: 'tick' })
  for (let round = 0; now < untilMs; round += 1) {
    if (round > 200_000) throw new Error('it wakes without getting on')
    const first = coming.reduce((least, one) => Math.min(least, one.at), Infinity)
    now = Math.max(now, Math.min(first, wakeAt(watch), untilMs))
    const arrived = coming.findIndex((one) => one.at <= now)
    feed(arrived < 0 ? { kind: 'tick' } : coming.splice(arrived, 1)[0]!.event)
  }
  return { watch, actions, now, endpoint }
}

/** A world in which nothing is answered at all. */
export const DEAD: World = {
  heartbeat: () => 'lost',
  echo: () => [],
  registrar: () => false,
  uplink: () => ({ gateway: true, beacon: false }),
}

export const told = (actions: readonly Seen[]) =>
  actions.flatMap(({ at, action }) => (action.kind === 'tell-health' ? [[action.to.kind, at] as const] : []))
export const count = (actions: readonly { readonly action: Action }[], kind: Action['kind']) =>
  actions.filter(({ action }) => action.kind === kind).length
/** Remedies begun, with their moments. */
export const begun = (actions: readonly Seen[]) =>
  actions.flatMap(({ at, action }) => (action.kind === 'remedy' ? [{ at, remedy: action.remedy }] : []))
export const reports = (actions: readonly Seen[]) =>
  actions.flatMap(({ action }) => (action.kind === 'tell-remedy' ? [action.report] : []))
/** Every cause that was named, in order, once in a row. */
export const causes = (actions: readonly Seen[]) =>
  actions
    .flatMap(({ action }) => {
      if (action.kind === 'tell-cause') return [action.cause]
      if (action.kind !== 'tell-health') return []
      return action.to.kind === 'healing' || action.to.kind === 'offline' ? [action.to.cause] : []
    })
    .filter((cause, index, all) => cause !== null && cause !== all[index - 1])
