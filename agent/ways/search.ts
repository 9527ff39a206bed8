import { type Endpoint, sameEndpoint } from '../../wireguard/spec.ts'

/**
 * The search of a join for a way to the hub. Pure; times are monotonic milliseconds. Echoes by sockets of their own ask
 * all endpoints at once; but only an answered heartbeat proves a way, since a line may let echoes pass and drop
 * WireGuard's handshakes. So the endpoints are tried one after the other with the live interface, those whose echoes
 * came back first, and the TLS transport last.
 */
export interface Search {
  readonly beganAt: number
  /** When the first echo came back; null: none did yet. */
  readonly firstEchoAt: number | null
  /** Endpoints of the hub, best first, with what their echoes said. */
  readonly endpoints: readonly AskedEndpoint[]
  readonly tls: TlsState
  /** The attempt under way; null: the next one is to be chosen. */
  readonly current: Attempt | null
  readonly ended: readonly EndedAttempt[]
  /** The way that carried a heartbeat and its answer. */
  readonly proven: Way | null
}

/** A way to the hub's WireGuard. */
export type Way = { readonly kind: 'udp'; readonly endpoint: Endpoint } | { readonly kind: 'tls' }

interface AskedEndpoint {
  readonly endpoint: Endpoint
  readonly echo: Echo
}

/** What the echoes to an endpoint said. */
export type Echo =
  | { readonly kind: 'pending' }
  | { readonly kind: 'passes'; readonly roundTripMs: number }
  | { readonly kind: 'silent' }
  /** This machine has no route there: a line without that family of addresses. */
  | { readonly kind: 'no-route' }

export type TlsState =
  | { readonly kind: 'unopened' | 'opening' | 'open' }
  /** The transport could not be opened. */
  | { readonly kind: 'failed'; readonly why: string }

interface Attempt {
  readonly way: Way
  readonly since: number
}

interface EndedAttempt {
  readonly way: Way
  /** An echo had come back from there when the attempt ended. */
  readonly hadEcho: boolean
  /** WireGuard shook hands on this way, and no heartbeat was answered; null: nobody looked. */
  readonly shookHands: boolean | null
}

export type Decision =
  | { readonly kind: 'wait'; readonly until: number }
  /** Answered by noteTls, later. */
  | { readonly kind: 'open-tls' }
  /** The attempt under way was given its time. Answered by noteLeft; `look`: whether hands were shaken is to be seen. */
  | { readonly kind: 'leave'; readonly look: boolean }
  /** Answered by noteTrying. */
  | { readonly kind: 'try'; readonly way: Way }
  /** A way is proven, or none is left. */
  | { readonly kind: 'end' }

/** How long echoes are waited for: with repetitions after 250 and 600 ms, also a line by satellite or at its limit. */
export const ECHO_MS = 3_000

/** How long a new interface waits for its first endpoint, and the best of them for its echo when another one's is back. */
const FIRST_MS = 1_250
const GRACE_MS = 400

/**
 * How long an endpoint whose echo came back has for a handshake and a heartbeat. WireGuard repeats a lost initiation
 * after 5 s only (REKEY_TIMEOUT): another way is sooner.
 */
const HANDSHAKE_MS = { first: 2_000, later: 1_200, longest: 4_000 } as const
const HANDSHAKE_ROUND_TRIPS = 4

/** How long an endpoint has from which no echo came back: the hub's own firewall may drop echoes and let WireGuard in. */
const WITHOUT_ECHO_MS = 1_000

/** How many such endpoints are tried before TLS, when no echo comes back from any: more ports change little. */
const MOST_WITHOUT_ECHO = 2
const MOST_WITH_ECHO = 4

/** When the TLS transport is opened beside the other attempts, so that it is ready when it is needed. */
const OPEN_TLS_MS = 1_500

/** How long the TLS transport has. TCP loses nothing; but a router may take seconds to be told where to send. */
const TLS_MS = 6_000

/** How long the best endpoint has when it is tried again, since TLS did no better: for a second initiation. */
const AGAIN_MS = 6_500

export function beginSearch(endpoints: readonly Endpoint[], now: number): Search {
  return {
    beganAt: now,
    firstEchoAt: null,
    endpoints: endpoints.map((endpoint) => ({ endpoint, echo: { kind: 'pending' } })),
    tls: { kind: 'unopened' },
    current: null,
    ended: [],
    proven: null,
  }
}

export function noteEcho(search: Search, endpoint: Endpoint, echo: Echo, now: number): Search {
  const endpoints = search.endpoints.map((one) =>
    sameEndpoint(one.endpoint, endpoint) ? { ...one, echo: better(one.echo, echo) } : one,
  )
  const firstEchoAt = search.firstEchoAt ?? (echo.kind === 'passes' ? now : null)
  return { ...search, endpoints, firstEchoAt }
}

/** Of two echoes the one that tells more: a machine that is busy with the join adds its own time to a round trip. */
function better(before: Echo, echo: Echo): Echo {
  if (before.kind !== 'passes') return echo
  return echo.kind === 'passes' && echo.roundTripMs < before.roundTripMs ? echo : before
}

export function noteTls(search: Search, tls: TlsState): Search {
  return { ...search, tls }
}

/** The live interface uses this way now. */
export function noteTrying(search: Search, way: Way, now: number): Search {
  return { ...search, current: { way, since: now } }
}

/** Takes the end of the attempt under way, which no heartbeat proved. */
export function noteLeft(search: Search, { shookHands }: Pick<EndedAttempt, 'shookHands'>): Search {
  if (search.current === null) return search
  const { way } = search.current
  return { ...search, current: null, ended: [...search.ended, { way, hadEcho: hasEcho(search, way), shookHands }] }
}

/** A heartbeat came back: by the way in use, or late by the one that was just left and that the interface still has. */
export function noteProven(search: Search): Search {
  return { ...search, proven: search.current?.way ?? search.ended.at(-1)?.way ?? null }
}

export function decide(search: Search, now: number): Decision {
  if (search.proven !== null) return { kind: 'end' }
  const opensTlsAt = search.tls.kind === 'unopened' ? search.beganAt + OPEN_TLS_MS : Infinity
  if (now >= opensTlsAt) return { kind: 'open-tls' }
  if (search.current !== null) {
    const until = Math.min(givenUntil(search, search.current), opensTlsAt)
    return now < until ? { kind: 'wait', until } : { kind: 'leave', look: isTelling(search, search.current) }
  }
  const way = nextWay(search)
  if (way !== null) return { kind: 'try', way }
  if (search.tls.kind === 'unopened') return { kind: 'open-tls' }
  return search.tls.kind === 'opening' ? { kind: 'wait', until: Infinity } : { kind: 'end' }
}

/**
 * The endpoint that a new interface should begin with: the best one whose echo came back, as soon as nothing better can
 * be hoped for; null while that is so. When it is late, the best one that may work.
 */
export function firstEndpoint(search: Search, now: number): Endpoint | null {
  const { endpoints } = search
  const isLate = now >= firstDueAt(search)
  const hopeful = endpoints.filter(({ echo }) => echo.kind === 'passes' || (!isLate && echo.kind === 'pending'))
  const [best] = hopeful
  if (best?.echo.kind === 'passes') return best.endpoint
  if (hopeful.length > 0) return null
  return (endpoints.find(({ echo }) => echo.kind !== 'no-route') ?? endpoints[0])?.endpoint ?? null
}

/** When the first endpoint is chosen at the latest. */
export function firstDueAt({ beganAt, firstEchoAt }: Search): number {
  return Math.min(beganAt + FIRST_MS, (firstEchoAt ?? Infinity) + GRACE_MS)
}

/** Whether a look tells more than it costs: a second on a router. The first way and the last stand for all. */
function isTelling(search: Search, { way }: Attempt): boolean {
  return way.kind === 'tls' || (hasEcho(search, way) && !search.ended.some(({ hadEcho }) => hadEcho))
}

function givenUntil(search: Search, { way, since }: Attempt): number {
  if (way.kind === 'tls') return since + TLS_MS
  const echo = echoOf(search, way)
  if (triesOf(search, way) > 1) return since + AGAIN_MS
  switch (echo.kind) {
    case 'passes':
      return since + handshakeMs(search, echo.roundTripMs)
    case 'pending':
      return Math.max(since + WITHOUT_ECHO_MS, isAnyUntried(search) ? 0 : search.beganAt + ECHO_MS)
    case 'silent':
    case 'no-route':
      return since + WITHOUT_ECHO_MS
    default:
      return echo satisfies never
  }
}

function handshakeMs({ ended }: Search, roundTripMs: number): number {
  const least = ended.length === 0 ? HANDSHAKE_MS.first : HANDSHAKE_MS.later
  return Math.min(Math.max(least, HANDSHAKE_ROUND_TRIPS * roundTripMs), HANDSHAKE_MS.longest)
}

function nextWay(search: Search): Way | null {
  const { ended, tls } = search
  const withEcho = udpWays(search, 'passes')
  const isTlsTried = ended.some(({ way }) => way.kind === 'tls')
  // Hands were shaken: the next UDP way would do no better, and only TLS differs.
  const isShaken = ended.some(({ shookHands }) => shookHands === true)
  if (!isShaken) {
    const triedWithEcho = ended.filter(({ hadEcho }) => hadEcho).length
    const fresh = withEcho.find((way) => !ended.some((one) => one.hadEcho && isSame(one.way, way)))
    if (fresh !== undefined && triedWithEcho < MOST_WITH_ECHO) return fresh
  }
  if (!isTlsTried && withEcho.length === 0 && ended.length < MOST_WITHOUT_ECHO + 1) {
    const blind = [...udpWays(search, 'pending'), ...udpWays(search, 'silent')]
    const untried = blind.find((way) => triesOf(search, way) === 0)
    if (untried !== undefined) return untried
  }
  if (!isTlsTried && tls.kind !== 'failed') return tls.kind === 'open' ? { kind: 'tls' } : null
  if (isShaken) return null
  const [best] = withEcho
  return best !== undefined && triesOf(search, best) < 2 ? best : null
}

/** Whether an endpoint whose echo came back waits to be tried. */
function isAnyUntried(search: Search): boolean {
  return udpWays(search, 'passes').some((way) => triesOf(search, way) === 0)
}

function udpWays({ endpoints }: Search, kind: Echo['kind']): readonly Extract<Way, { kind: 'udp' }>[] {
  return endpoints.flatMap(({ endpoint, echo }) => (echo.kind === kind ? [{ kind: 'udp', endpoint }] : []))
}

/** Attempts with a way, the one under way included. */
function triesOf({ ended, current }: Search, way: Way): number {
  return [...ended, ...(current === null ? [] : [current])].filter((one) => isSame(one.way, way)).length
}

function hasEcho(search: Search, way: Way): boolean {
  return way.kind === 'udp' && echoOf(search, way).kind === 'passes'
}

function echoOf({ endpoints }: Search, { endpoint }: Extract<Way, { kind: 'udp' }>): Echo {
  return endpoints.find((one) => sameEndpoint(one.endpoint, endpoint))?.echo ?? { kind: 'silent' }
}

export function isSame(a: Way, b: Way): boolean {
  return a.kind === 'udp' && b.kind === 'udp' ? sameEndpoint(a.endpoint, b.endpoint) : a.kind === b.kind
}
