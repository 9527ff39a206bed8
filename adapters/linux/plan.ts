import { isPeerAsWanted } from '../planning/peer-as-wanted.ts'
import { sameList } from '../planning/same-list.ts'
import type { PeerState } from '../../wireguard/dump.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import type { Observation, ObservedInterface, OtherFirewallPlace, ReplyRoute } from '../observation.ts'
import type { TunnelFirewall, TunnelSpec } from '../spec.ts'
import { strays } from '../planning/strays.ts'
import { tunnelIn } from '../tunnel-in.ts'
import { clashesWith } from '../planning/clashes-with.ts'
import type { Plan } from '../step.ts'
import type { LinuxStep } from './steps.ts'
import { closedWarnings } from './others/closed-firewall.ts'
import { firewallTable } from './firewall/firewall.ts'
import { fingerprintsOf } from './firewall/nft-table.ts'
import { keptPublished, publishedSteps } from './firewall/plan-published.ts'
import { hasVisitors, markWarnings, tunnelFirewalls } from './firewall/tunnel-firewalls.ts'
import { nativeSteps } from './others/native-firewall.ts'
import { iptablesSteps } from './others/other-firewall.ts'
import { describeCollision } from '../marks.ts'
import { markCollision } from './routing/foreign-marks.ts'
import { slotMark } from './routing/slots.ts'
import { pastVpnWarnings, wantedWays } from './routing/own-ways.ts'

/** The steps from what is to what should be. Pure. */
export function planLinux(observed: Observation, desired: readonly TunnelSpec[]): Plan<LinuxStep> {
  const tunnels = tunnelFirewalls(observed, desired)
  const warnings = [
    ...observed.warnings,
    ...closedWarnings(observed.closedFirewalls, tunnels),
    ...markWarnings(observed.foreignMarks, tunnels),
    ...pastVpnWarnings(desired, observed.diversion, observed.ownWays),
  ]
  // Undo needs no room: objects where ours would stand are left alone.
  if (desired.length === 0) return { steps: undo(observed), refusals: [], warnings }
  const names = desired.map((spec) => spec.interface)
  const refusals = clashesWith(observed, names)
  if (refusals.length > 0) return { steps: [], refusals, warnings }
  return { steps: build(observed, desired, tunnels), refusals: [], warnings }
}

/** Undoes everything. Our firewall goes last: until then it keeps the tunnels from reaching more than they should. */
function undo(observed: Observation): readonly LinuxStep[] {
  return [
    ...ownWaySteps(observed, []),
    ...exitSteps(observed, []),
    ...visitorSteps(observed, []),
    ...clearStrays(observed, []),
    ...(observed.forwarding && observed.forwardingIsOurs ? [{ kind: 'disable-forwarding' } as const] : []),
    ...(observed.firewall === null ? [] : [{ kind: 'remove-firewall' } as const]),
    // Other firewalls come last: without a tunnel their rules let nothing in.
    ...otherFirewallSteps(observed, []),
  ]
}

/** Removes strays before anything is made: a stray may hold the port, the address and the routes that are wanted. */
function clearStrays(observed: Observation, desired: readonly TunnelSpec[]): readonly LinuxStep[] {
  return strays(observed, desired).map((name) => ({ kind: 'remove-interface', interface: name }))
}

/** Builds the tunnels. Nothing may pass unjudged: the firewall comes before forwarding, peers and links. */
function build(
  observed: Observation,
  desired: readonly TunnelSpec[],
  tunnels: readonly TunnelFirewall[],
): readonly LinuxStep[] {
  const firewall = firewallSteps(observed, desired, tunnels)
  const each = (steps: (own: ObservedInterface | null, spec: TunnelSpec) => readonly LinuxStep[]) =>
    desired.flatMap((spec) => steps(tunnelIn(observed, spec.interface), spec))
  return [
    ...clearStrays(observed, desired),
    ...each(linkSteps),
    ...firewall,
    ...each((own, spec) => [
      ...peerSteps(own, spec),
      ...(own?.up === true ? [] : [{ kind: 'bring-up', interface: spec.interface } as const]),
      // Routes come last: a link that is down has none.
      ...routeSteps(own, spec),
    ]),
    ...visitorSteps(observed, tunnels),
    ...exitSteps(observed, desired),
    ...ownWaySteps(observed, desired),
    ...reversePathSteps(observed, desired),
    // Firewalls of somebody else: they may refuse, and our table still judges what they let pass.
    ...otherFirewallSteps(observed, tunnels),
    // Published ports come last: they may be many, and nothing waits for them.
    ...publishedSteps(observed, desired, firewall),
  ]
}

function linkSteps(own: ObservedInterface | null, desired: TunnelSpec): readonly LinuxStep[] {
  const name = desired.interface
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

function firewallSteps(
  observed: Observation,
  desired: readonly TunnelSpec[],
  tunnels: readonly TunnelFirewall[],
): readonly LinuxStep[] {
  const wanted = fingerprintsOf(firewallTable(tunnels))
  // The mark stands before forwarding is turned on, so that a crash in between loses nothing.
  const markMissing = !observed.forwarding && !observed.forwardingIsOurs
  const isRight = observed.firewall !== null && sameList(observed.firewall, wanted)
  return [
    ...(isRight && !markMissing
      ? []
      : [
          {
            kind: 'set-firewall',
            tunnels,
            forwardingWasOff: observed.forwardingIsOurs || markMissing,
            replaces: keptPublished(observed, desired),
          } as const,
        ]),
    ...(observed.forwarding ? [] : [{ kind: 'enable-forwarding' } as const]),
  ]
}

/** Sets peers before it removes others: a prefix that moves to another peer always has one. */
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

/** @param tunnels none: nothing of ours stays in them. */
function otherFirewallSteps({ otherFirewalls }: Observation, tunnels: readonly TunnelFirewall[]): readonly LinuxStep[] {
  return (Object.keys(otherFirewalls) as OtherFirewallPlace[]).flatMap((place) => {
    const there = otherFirewalls[place]
    if (there === undefined) return []
    return place === 'nftables' ? nativeSteps(there, tunnels) : iptablesSteps(place, there, tunnels)
  })
}

/** Steps of reply routing. Routes into an interface that is made again went with the old one, whatever was seen. */
function visitorSteps(observed: Observation, tunnels: readonly TunnelFirewall[]): readonly LinuxStep[] {
  const wanted = tunnels.filter(hasVisitors)
  const isKept = ({ slot, interface: name, isWhole }: ReplyRoute): boolean =>
    isWhole &&
    name !== null &&
    tunnelIn(observed, name) !== null &&
    wanted.some((tunnel) => tunnel.interface === name && tunnel.visitorSlot === slot)
  const kept = new Set(observed.visitors.filter(isKept).map(({ slot }) => slot))
  const slots = new Set(wanted.map(({ visitorSlot }) => visitorSlot))
  return [
    ...observed.visitors
      .filter(({ slot }) => !slots.has(slot))
      .map(({ slot }) => ({ kind: 'unlead-visitors', slot }) as const),
    ...wanted
      .filter(({ visitorSlot }) => !kept.has(visitorSlot))
      .map(({ interface: name, visitorSlot }) => {
        const because = whyLed(observed, visitorSlot)
        return {
          kind: 'lead-visitors',
          interface: name,
          slot: visitorSlot,
          ...(because === null ? {} : { because }),
        } as const
      }),
  ]
}

/** Where addresses of the internet come out of the tunnel: visitors' at home, at a hub those that answer its exits. */
function reversePathSteps({ strictReversePath }: Observation, desired: readonly TunnelSpec[]): readonly LinuxStep[] {
  return desired
    .filter(({ forwarding: of }) => (of.role === 'home' ? of.visitors : of.exits.length > 0))
    .filter(({ interface: name }) => strictReversePath.includes(name))
    .map(({ interface: name }) => ({ kind: 'loosen-reverse-path', interface: name }) as const)
}

function ownWaySteps(observed: Observation, desired: readonly TunnelSpec[]): readonly LinuxStep[] {
  const { diversion, ownWays } = observed
  const { internet } = diversion
  const selectors = wantedWays(desired, diversion, ownWays)
  if (ownWays !== null && sameList(ownWays, selectors)) return []
  const because = selectors.length === 0 ? null : (internet.ipv4 ?? internet.ipv6 ?? diversion.specific)
  return [{ kind: 'lead-own-ways', selectors, because }]
}

/** Other programs that are the reason why the way of answers is made as it is, or again; null: none. */
function whyLed({ visitors, foreignMarks }: Observation, slot: number): string | null {
  const behind = visitors.find((one) => one.slot === slot)?.behind
  const usual = markCollision(0, foreignMarks)
  const reasons = [
    ...(behind === undefined ? [] : [`before ${behind}, which is another program’s`]),
    ...(slot === 0 || usual === null ? [] : [describeCollision(slotMark(0).mask, usual)]),
  ]
  return reasons.length === 0 ? null : reasons.join('; ')
}

/** The steps of exits, of the one hub that a machine may be. */
function exitSteps(observed: Observation, desired: readonly TunnelSpec[]): readonly LinuxStep[] {
  const hub = desired.find(({ forwarding }) => forwarding.role === 'hub')
  const wanted = hub?.forwarding.role === 'hub' ? [...hub.forwarding.exits].sort() : []
  const name = hub?.interface ?? ''
  const { exits } = observed
  const isNone = exits !== null && exits.interface === null
  const isIn = exits?.interface === name && tunnelIn(observed, name) !== null && sameList(exits.devices, wanted)
  const isLed = wanted.length === 0 ? isNone : isIn
  return isLed ? [] : [{ kind: 'lead-exits', interface: name, devices: wanted }]
}
