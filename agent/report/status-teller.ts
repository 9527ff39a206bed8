import type { Adapter, Description } from '../../adapters/adapter.ts'
import type { Observation } from '../../adapters/observation.ts'
import type { Alerting } from '../../alerts/alerting.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { PeerState } from '../../wireguard/dump.ts'
import { cutPeriod } from '../../wireguard/cut-period.ts'
import type { Calendar } from '../../system/time/calendar.ts'
import { carrierNat } from '../probes/carrier-nat.ts'
import { type AgentConfig, firstHub } from '../settings/config.ts'
import { makeHandshakeAge } from '../probes/handshake-age.ts'
import type { LineMemory } from '../memory/line-memory.ts'
import type { Judge } from '../tunnel/judge.ts'
import { routeEnds } from '../lan/route-ends.ts'
import { type Status, statusOf } from './status.ts'

export interface StatusTeller {
  readonly status: () => Promise<Status>
  /** The hub as a peer of the interface; null when it is not there, or could not be looked at. */
  readonly hubPeer: () => Promise<PeerState | null>
}

export interface StatusSources {
  readonly version: string
  readonly clock: Clock
  readonly calendar: Calendar
  readonly look: Judge['look']
  readonly adapter: Adapter
  /** Of the last time that the machine was brought to the plan. */
  readonly warnings: () => Promise<readonly string[]>
  readonly config: () => AgentConfig
  readonly line: LineMemory
  readonly clockBehindSeconds: () => number | null
  /** When mappings began, oldest first. */
  readonly mappingTimes: () => readonly string[]
  readonly alerting: Pick<Alerting, 'last' | 'channels'>
  /** The mapping that was there when the agent began. */
  readonly earlier: { readonly at: string } | null
}

/** Everybody on this machine may ask, as often as they like: the machine is looked at once a second at most. */
const LOOK_MS = 1_000

/** Looking takes milliseconds; a router that hangs must not hang `status`. */
const LOOK_TIMEOUT_MS = 5_000

interface Look {
  readonly description: Description | null
  readonly observed: Observation | null
  readonly ownAddress: string | null
}

/** Computes ages at the moment of asking. */
export function makeStatusTeller(sources: StatusSources): StatusTeller {
  const { version, clock, calendar, adapter, config, line, earlier } = sources
  const handshakeAge = makeHandshakeAge(clock)
  let latest: { readonly at: number; readonly look: Promise<Look> } | null = null

  async function look(): Promise<Look> {
    const signal = AbortSignal.timeout(LOOK_TIMEOUT_MS)
    const { interface: name, hubs, router } = config()
    const description = await adapter.describe(signal).catch(() => null)
    // What cannot be looked at now, for want of rights or because it is being made, is not there.
    const observed = await adapter.observe(name, signal).catch(() => null)
    const endpoint = observed?.interface?.peers.find((peer) => peer.publicKey === hubs[0]?.publicKey)?.endpoint ?? null
    // What this machine's own address is says nothing of a router's.
    const ends = endpoint === null || router.kind !== 'linux' ? null : await routeEnds(endpoint.address)
    return { description, observed, ownAddress: ends?.own ?? null }
  }

  function recentLook(): Promise<Look> {
    if (latest === null || clock.now() - latest.at > LOOK_MS) latest = { at: clock.now(), look: look() }
    return latest.look
  }

  function peerIn({ observed }: Look): PeerState | null {
    return observed?.interface?.peers.find((one) => one.publicKey === firstHub(config()).publicKey) ?? null
  }

  return {
    hubPeer: async () => peerIn(await recentLook()),
    status: async () => {
      const [seen, warnings] = await Promise.all([recentLook(), sources.warnings()])
      const { description, observed, ownAddress } = seen
      const { watch, stale } = sources.look()
      const peer = peerIn(seen)
      return statusOf({
        version,
        description,
        observed,
        warnings,
        watch,
        stale,
        calendar,
        config: config(),
        lastHandshakeSeconds: handshakeAge.seconds(peer?.lastHandshakeAt ?? null),
        carrierNat: carrierNat(ownAddress, watch.ledger.current?.endpoint ?? null),
        clockBehindSeconds: sources.clockBehindSeconds(),
        cutPeriod: cutPeriod(sources.mappingTimes()),
        lifeSeconds: line.current.lifeSeconds,
        earlierMappingSince: earlier === null ? null : `${earlier.at.slice(0, 19)}Z`,
        lastIncident: sources.alerting.last(),
        channels: sources.alerting.channels(),
        now: clock.now(),
      })
    },
  }
}
