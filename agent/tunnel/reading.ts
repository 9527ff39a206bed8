import type { Adapter, Description } from '../../adapters/adapter.ts'
import type { Observation } from '../../adapters/observation.ts'
import { type RouterTrouble, routerTroubleOf } from '../../adapters/router-trouble.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { asProblem } from '../../problems/problem.ts'
import type { PublishedStandings } from '../../protocol/publications.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { PeerState } from '../../wireguard/dump.ts'
import { cutPeriod } from '../../wireguard/cut-period.ts'
import { type Cgnat, cgnat } from '../probes/cgnat.ts'
import type { Watch } from '../core/state.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { makeHandshakeAge } from '../probes/handshake-age.ts'
import type { EventLog } from '../memory/event-log.ts'
import { routeEnds } from '../../system/sockets/route-ends.ts'
import { LOOPBACK_LISTEN } from '../transport/listen-place.ts'
import { isOnTransport, type Path } from './plan/path.ts'
import type { Judge } from './judge.ts'

/** A tunnel at one moment: as the judge sees it, and as the machine that it ends on shows it. */
export interface TunnelReading {
  readonly config: TunnelConfig
  readonly watch: Watch
  /** The judge's view is old. */
  readonly stale: boolean
  /** null when the router could not be asked. */
  readonly description: Description | null
  /** null when the machine that the tunnel ends on could not be asked. */
  readonly observed: Observation | null
  /** Why it could not be asked, as far as that says something of a router; null also while it is observed. */
  readonly routerTrouble: RouterTrouble | null
  /** The last observation that succeeded, and when, monotonic milliseconds; null: none since the agent began. */
  readonly lastSeen: { readonly observed: Observation; readonly at: number } | null
  /** The hub as a peer of the interface; null when it is not there, or could not be looked at. */
  readonly peer: PeerState | null
  /** The interface sends to a port of this machine, into the TLS transport. */
  readonly isOnTransport: boolean
  /** Warnings of the last apply; what is seen now is added to them. */
  readonly warnings: readonly string[]
  readonly lastHandshakeSeconds: number | null
  readonly cgnat: Cgnat
  readonly cutPeriod: ReturnType<typeof cutPeriod>
  /** The home's publications as the hub said last; null: it does not check them by itself, or was not asked yet. */
  readonly published: PublishedStandings | null
  /** When the present mapping began, if that was before this agent began. */
  readonly earlierMappingSince: string | null
}

export interface ReadingDeps {
  readonly clock: Clock
  readonly look: Judge['look']
  readonly adapter: Adapter
  /** Warnings of the last apply. */
  readonly warnings: () => Promise<readonly string[]>
  readonly config: () => TunnelConfig
  readonly path: Pick<Path, 'endpoint' | 'transport'>
  readonly published: () => PublishedStandings | null
  readonly events: Pick<EventLog, 'lastMapping' | 'mappingTimes'>
}

/** How long a look is reused: everybody on this machine may ask, as often as they like. */
const LOOK_MS = 1_000

/** How long a look may take: usually milliseconds; a router that hangs must not hang `status`. */
const LOOK_TIMEOUT_MS = 5_000

interface Look {
  readonly description: Description | null
  readonly observed: Observation | null
  readonly routerTrouble: RouterTrouble | null
  readonly ownAddress: string | null
}

/** Makes the reader of a tunnel; ages are computed at the moment of asking. */
export function makeReader(deps: ReadingDeps): () => Promise<TunnelReading> {
  const { clock, adapter, config, path, events } = deps
  const handshakeAge = makeHandshakeAge(clock)
  const earlier = events.lastMapping()
  let lastSeen: TunnelReading['lastSeen'] = null
  let latest: { readonly at: number; readonly look: Promise<Look> } | null = null

  async function look(): Promise<Look> {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS)
    const { interface: name, hub, router } = config()
    const description = await adapter.describe(signal).catch(() => null)
    // A machine that cannot be observed now, for lack of rights or since it is being set up, counts as absent.
    let routerTrouble: RouterTrouble | null = null
    const observed = await adapter.observe(signal, 'calm').catch((thrown: unknown) => {
      routerTrouble = routerTroubleOf(asProblem(thrown, 'looking at the tunnel').code)
      return null
    })
    if (observed !== null) lastSeen = { observed, at: clock.now() }
    const endpoint = tunnelIn(observed, name)?.peers.find((peer) => peer.publicKey === hub.publicKey)?.endpoint ?? null
    // This machine's own address says nothing of a router's, and on the way to the TLS transport it is one of loopback.
    const isOwnEnd = endpoint !== null && router.kind === 'linux' && endpoint.address !== LOOPBACK_LISTEN.address
    const ends = isOwnEnd ? await routeEnds(endpoint.address) : null
    return { description, observed, routerTrouble, ownAddress: ends?.own ?? null }
  }

  function recentLook(): Promise<Look> {
    if (latest === null || clock.now() - latest.at > LOOK_MS) latest = { at: clock.now(), look: look() }
    return latest.look
  }

  return async () => {
    const [{ description, observed, routerTrouble, ownAddress }, warnings] = await Promise.all([
      recentLook(),
      deps.warnings(),
    ])
    const { watch, stale } = deps.look()
    const peer =
      tunnelIn(observed, config().interface)?.peers.find((one) => one.publicKey === config().hub.publicKey) ?? null
    return {
      config: config(),
      watch,
      stale,
      description,
      observed,
      routerTrouble,
      lastSeen,
      peer,
      isOnTransport: isInto(peer?.endpoint ?? path.endpoint, path),
      warnings,
      lastHandshakeSeconds: handshakeAge.seconds(peer?.lastHandshakeAt ?? null),
      cgnat: cgnat(ownAddress, watch.ledger.current?.endpoint ?? null),
      published: deps.published(),
      cutPeriod: cutPeriod(events.mappingTimes()),
      earlierMappingSince: earlier === null ? null : `${earlier.at.slice(0, 19)}Z`,
    }
  }
}

/** On loopback is nothing but a transport: that of an agent before this one, too. */
function isInto(endpoint: Path['endpoint'], { transport }: Pick<Path, 'transport'>): boolean {
  return endpoint?.address === LOOPBACK_LISTEN.address || isOnTransport({ endpoint, transport })
}
