import type { PublicKey } from '../../../wireguard/keys.ts'
import { type RotatedKey, withKey } from '../../secrets/rotated-key.ts'
import { withFollowedLan } from '../../settings/followed-lan.ts'
import { type KeptPlace, keptPlace, type Place } from '../../settings/place.ts'
import {
  type HubIdentity,
  hubIdentityOf,
  hubInForce,
  type KeptHubIdentity,
  keptHubIdentity,
} from '../../settings/hub-identity.ts'
import { type ToldAddresses, toldAddresses } from '../../settings/told-addresses.ts'
import type { TunnelConfig } from '../../settings/config.ts'

/** The settings in effect: those of agent.yaml, with the key and the place that the tunnel got since. Read again at each use. */
export interface Settings {
  readonly current: TunnelConfig
  /** agent.yaml's key, whatever the tunnel has now. */
  readonly joined: PublicKey
  /** The key that replaced agent.yaml's; null: none did. */
  readonly rotated: RotatedKey | null
  /**
   * Takes what agent.yaml says now, except the router: an agent keeps the one that it began with.
   * @returns `joined-again` when agent.yaml is of another join; then nobody is told, since this agent ends.
   */
  readonly take: (written: TunnelConfig) => 'taken' | 'joined-again'
  readonly takeKey: (rotated: RotatedKey | null) => void
  /** Takes the place that the hub gave this home. @returns what must be kept of it, for the next start. */
  readonly takePlace: (place: Place) => KeptPlace
  /** What the hub is known by now, and what it has announced. */
  readonly hubIdentity: HubIdentity
  /** Takes what the hub signed of its identity. @returns what must be kept of it, for the next start. */
  readonly takeHubIdentity: (heard: HubIdentity) => KeptHubIdentity
  /** Takes where the hub says that it is reached. @returns what must be kept of it; null: nothing is new. */
  readonly takeAddresses: (addresses: readonly string[]) => ToldAddresses | null
  /** Takes the LAN that is followed, where agent.yaml says `auto`. */
  readonly takeLan: (prefixes: readonly string[]) => void
  /** Calls `changed` after each `take`, in the order of subscription. */
  readonly onChange: (changed: () => void) => void
}

export function makeSettings(
  written: TunnelConfig,
  rotated: RotatedKey | null,
  kept: KeptPlace | null = null,
  followed: readonly string[] = [],
  keptHub: KeptHubIdentity | null = null,
  keptTold: ToldAddresses | null = null,
): Settings {
  const listeners: (() => void)[] = []
  let asWritten = written
  let key = rotated
  let place = kept
  let lan = followed
  let hub = keptHub
  let told = keptTold
  let current = inForce()

  function inForce(): TunnelConfig {
    return withFollowedLan(withKey({ ...asWritten, hub: hubInForce(asWritten.hub, place, hub, told) }, key), lan)
  }

  return {
    get current() {
      return current
    },
    get joined() {
      return asWritten.publicKey
    },
    get rotated() {
      return key
    },
    take: (written) => {
      const isSameJoin = joinOf(written) === joinOf(asWritten)
      asWritten = { ...written, router: asWritten.router }
      current = inForce()
      if (!isSameJoin) return 'joined-again'
      for (const changed of listeners) changed()
      return 'taken'
    },
    takeKey: (rotated) => {
      key = rotated
      current = inForce()
    },
    get hubIdentity() {
      return hubIdentityOf(asWritten.hub, hub)
    },
    takeHubIdentity: (heard) => {
      const before = hubIdentityOf(asWritten.hub, hub)
      hub = keptHubIdentity(asWritten.hub, heard)
      current = inForce()
      // What is only announced changes nothing yet.
      if (heard.present.certificate !== before.present.certificate) for (const changed of listeners) changed()
      return hub
    },
    takeAddresses: (addresses) => {
      const next = toldAddresses(asWritten.hub, addresses)
      if (JSON.stringify(next) === JSON.stringify(told)) return null
      const before = current.hub.addresses.join()
      told = next
      current = inForce()
      if (current.hub.addresses.join() !== before) for (const changed of listeners) changed()
      return next
    },
    takeLan: (prefixes) => {
      lan = prefixes
      current = inForce()
      for (const changed of listeners) changed()
    },
    takePlace: (given) => {
      place = keptPlace(asWritten.hub, given)
      current = inForce()
      for (const changed of listeners) changed()
      return place
    },
    onChange: (changed) => void listeners.push(changed),
  }
}

/** Tells which join a configuration is of; everything else in agent.yaml may change under a running agent. */
function joinOf(config: TunnelConfig): string {
  const { publicKey, certificate, address, network } = config.hub
  return JSON.stringify([config.home, config.publicKey, publicKey, certificate, address, network])
}
