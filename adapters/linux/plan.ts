import { isPeerAsWanted } from '../peer-as-wanted.ts'
import { sameList } from '../same-list.ts'
import type { PeerState } from '../../wireguard/dump.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import type { Observation, ObservedInterface, OtherFirewallPlace } from '../observation.ts'
import type { TunnelSpec } from '../spec.ts'
import type { Plan } from '../step.ts'
import type { LinuxStep } from './steps.ts'
import { closedWarnings } from './others/closed-firewall.ts'
import { networkOf } from '../../net/prefix.ts'
import { firewallTable } from './firewall/firewall.ts'
import { fingerprintsOf } from './firewall/nft-table.ts'
import { keptPublished, publishedSteps, withoutPublished } from './firewall/plan-published.ts'
import { nativeSteps } from './others/native-firewall.ts'
import { iptablesSteps } from './others/other-firewall.ts'

/** The steps from what is to what should be. Pure. */
export function planLinux(observed: Observation, desired: TunnelSpec | null): Plan<LinuxStep> {
  // Undo needs no room: what stands where ours would stand is left alone.
  const { clashes } = observed
  const warnings = [...observed.warnings, ...closedWarnings(observed.closedFirewalls, desired)]
  if (desired === null) return { steps: undo(observed), refusals: [], warnings }
  if (clashes.length > 0) return { steps: [], refusals: clashes, warnings }
  return { steps: [...clearStrays(observed), ...build(observed, desired)], refusals: [], warnings }
}

/** Our firewall goes after all that it judges: until then it is what keeps the tunnel from reaching more than it should. */
function undo(observed: Observation): readonly LinuxStep[] {
  const own = observed.interface
  return [
    ...exitSteps(observed, own?.name ?? '', null),
    ...(observed.visitors === 'none' ? [] : [{ kind: 'unlead-visitors' } as const]),
    ...(own === null ? [] : [{ kind: 'remove-interface', interface: own.name } as const]),
    ...clearStrays(observed),
    ...(observed.forwarding && observed.forwardingIsOurs ? [{ kind: 'disable-forwarding' } as const] : []),
    ...(observed.firewall === null ? [] : [{ kind: 'remove-firewall' } as const]),
    // By then they let nothing in: there is no tunnel.
    ...otherFirewallSteps(observed, null),
  ]
}

/** Before anything is made: a stray may hold the port, the address and the routes that are wanted. */
function clearStrays(observed: Observation): readonly LinuxStep[] {
  return observed.strayInterfaces.map((name) => ({ kind: 'remove-interface', interface: name }))
}

/** Nothing may pass before the firewall judges it: it stands before forwarding is on, peers are known, the link is up. */
function build(observed: Observation, desired: TunnelSpec): readonly LinuxStep[] {
  const name = desired.interface
  const own = observed.interface
  const firewall = firewallSteps(observed, desired)
  return [
    ...(own === null ? [{ kind: 'create-interface', interface: name } as const] : []),
    ...(desired.publicKey === null || own?.publicKey === desired.publicKey
      ? []
      : [{ kind: 'set-private-key', interface: name, publicKey: desired.publicKey } as const]),
    ...(desired.listenPort === null || own?.listenPort === desired.listenPort
      ? []
      : [{ kind: 'set-listen-port', interface: name, port: desired.listenPort } as const]),
    ...(own?.mtu === desired.mtu ? [] : [{ kind: 'set-mtu', interface: name, mtu: desired.mtu } as const]),
    ...addressSteps(own, desired),
    ...firewall,
    ...peerSteps(own, desired),
    ...(own?.up === true ? [] : [{ kind: 'bring-up', interface: name } as const]),
    // Last: a link that is down has no routes.
    ...routeSteps(own, desired),
    ...visitorSteps(observed, desired),
    ...exitSteps(observed, desired.interface, desired.forwarding),
    // What is somebody else's: it may refuse, and what it lets pass is judged by ours all the same.
    ...otherFirewallSteps(observed, desired),
    // After all else: they may be many, and nothing waits for them.
    ...publishedSteps(observed, desired, firewall),
  ]
}

function addressSteps(own: ObservedInterface | null, desired: TunnelSpec): readonly LinuxStep[] {
  const there = own?.addresses ?? []
  const rest = there.filter((address) => address !== desired.address)
  return [
    ...(there.includes(desired.address)
      ? []
      : [{ kind: 'add-address', interface: desired.interface, address: desired.address } as const]),
    ...rest.map((address) => ({ kind: 'remove-address', interface: desired.interface, address }) as const),
    ...(own?.cutOff.includes(desired.address) === true
      ? [{ kind: 'lead-network', interface: desired.interface, address: desired.address } as const]
      : []),
  ]
}

function firewallSteps(observed: Observation, desired: TunnelSpec): readonly LinuxStep[] {
  const { interface: name, listenPort, forwarding } = desired
  const wanted = fingerprintsOf(firewallTable({ ...desired, network: networkOf(desired.address) }))
  // The mark stands before forwarding is turned on, so that a crash in between loses nothing.
  const markMissing = !observed.forwarding && !observed.forwardingIsOurs
  const isRight = observed.firewall !== null && sameList(observed.firewall, wanted)
  return [
    ...(isRight && !markMissing
      ? []
      : [
          {
            kind: 'set-firewall',
            interface: name,
            listenPort,
            forwarding: withoutPublished(forwarding),
            network: networkOf(desired.address),
            forwardingWasOff: observed.forwardingIsOurs || markMissing,
            replaces: keptPublished(observed, forwarding),
          } as const,
        ]),
    ...(observed.forwarding ? [] : [{ kind: 'enable-forwarding' } as const]),
  ]
}

/** Set before removed: a prefix that moves to another peer is never without one. */
function peerSteps(own: ObservedInterface | null, desired: TunnelSpec): readonly LinuxStep[] {
  const there = new Map((own?.peers ?? []).map((peer) => [peer.publicKey, peer]))
  const wanted = new Set(desired.peers.map((peer) => peer.publicKey))
  const changed = desired.peers.filter((peer) => !isAsWanted(there.get(peer.publicKey), peer))
  const gone = [...there.keys()].filter((key) => !wanted.has(key))
  return [
    ...(changed.length === 0 ? [] : [{ kind: 'set-peers', interface: desired.interface, peers: changed } as const]),
    ...(gone.length === 0 ? [] : [{ kind: 'remove-peers', interface: desired.interface, publicKeys: gone } as const]),
  ]
}

function isAsWanted(observed: PeerState | undefined, wanted: PeerSpec): boolean {
  return isPeerAsWanted(observed, wanted) && observed.presharedKeyId === wanted.presharedKeyId
}

function routeSteps(own: ObservedInterface | null, desired: TunnelSpec): readonly LinuxStep[] {
  const name = desired.interface
  const there = new Map((own?.routes ?? []).map(({ prefix, mtu }) => [prefix, mtu]))
  const wanted = new Set(desired.routes.map(({ prefix }) => prefix))
  return [
    ...desired.routes.flatMap(({ prefix, mtu }): readonly LinuxStep[] => {
      const found = there.get(prefix)
      if (found === undefined) return [{ kind: 'add-route', interface: name, prefix, mtu }]
      return found === mtu ? [] : [{ kind: 'set-route-mtu', interface: name, prefix, mtu }]
    }),
    ...[...there.keys()]
      .filter((prefix) => !wanted.has(prefix))
      .map((prefix) => ({ kind: 'remove-route', interface: name, prefix }) as const),
  ]
}

/** @param desired null: nothing of ours stays in them. */
function otherFirewallSteps({ otherFirewalls }: Observation, desired: TunnelSpec | null): readonly LinuxStep[] {
  return (Object.keys(otherFirewalls) as OtherFirewallPlace[]).flatMap((place) => {
    const there = otherFirewalls[place]
    if (there === undefined) return []
    return place === 'nftables' ? nativeSteps(there, desired) : iptablesSteps(place, there, desired)
  })
}

/** What leads into an interface that is made anew went with the old one, whatever was seen of it. */
function visitorSteps(
  { interface: own, visitors }: Observation,
  { interface: name, forwarding }: TunnelSpec,
): readonly LinuxStep[] {
  const isWanted = forwarding.role === 'home' && forwarding.visitors
  if (isWanted) return visitors === 'led' && own !== null ? [] : [{ kind: 'lead-visitors', interface: name }]
  return visitors === 'none' ? [] : [{ kind: 'unlead-visitors' }]
}

/** @param forwarding null: nothing of it stays. */
function exitSteps(
  { interface: own, exits }: Observation,
  name: string,
  forwarding: TunnelSpec['forwarding'] | null,
): readonly LinuxStep[] {
  const wanted = forwarding?.role === 'hub' ? [...forwarding.exits].sort() : []
  const isLed = exits !== null && sameList(exits, wanted) && (own !== null || wanted.length === 0)
  return isLed ? [] : [{ kind: 'lead-exits', interface: name, devices: wanted }]
}
