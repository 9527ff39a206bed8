import { isPeerAsWanted } from '../peer-as-wanted.ts'
import { sameList } from '../same-list.ts'
import type { Observation, ObservedInterface, Refusal } from '../observation.ts'
import type { HomeForwarding, TunnelSpec } from '../spec.ts'
import type { Plan } from '../step.ts'
import type { MikrotikStep } from './steps.ts'
import { RULE_MENUS } from './objects/menus.ts'
import { contains, isIn, networkOf, overlaps } from '../../net/prefix.ts'
import { type RulesSpec, wantedRules } from './objects/objects.ts'
import type { RouterObservation } from './observation.ts'
import { byChain, fingerprintOf } from './objects/rule-row.ts'

export interface PlanOptions {
  /** The router's address as it is reached. */
  readonly host: string
  /** How long the router waits before it undoes what it was not told to keep. */
  readonly rollbackSeconds: number
}

/** A home's tunnel; there is no other on a router. */
interface HomeSpec extends TunnelSpec {
  readonly forwarding: HomeForwarding
}

/** The steps from what is to what should be. Pure. */
export function planMikrotik(
  observed: Observation,
  desired: TunnelSpec | null,
  options: PlanOptions,
): Plan<MikrotikStep> {
  const { warnings } = observed
  // Undo needs no room, and leads back to what was before us: there is nothing to roll it back to.
  if (desired === null) return { steps: undo(withDefaults(observed)), refusals: [], warnings }
  if (!isHome(desired)) return { steps: [], refusals: [NO_HUB], warnings }
  const refusals = [...observed.clashes, ...refuse(withDefaults(observed), desired, options)]
  if (refusals.length > 0) return { steps: [], refusals, warnings }
  const steps = build(withDefaults(observed), desired)
  if (steps.length === 0) return { steps, refusals: [], warnings }
  const arm: MikrotikStep = { kind: 'arm-rollback', interface: desired.interface, seconds: options.rollbackSeconds }
  return { steps: [arm, ...steps, { kind: 'keep-changes', interface: desired.interface }], refusals: [], warnings }
}

/** What a set of rules looks like when it is as it should be. */
function wantedFingerprints(spec: RulesSpec): readonly string[] {
  const rules = wantedRules(spec).map((rule) => ({ ...rule, chain: rule.attributes['chain'] ?? '' }))
  return RULE_MENUS.flatMap((menu) => byChain(rules.filter((rule) => rule.menu === menu))).map(fingerprintOf)
}

const NO_HUB: Refusal = {
  code: 'router-unsupported',
  why: 'a MikroTik router can end the tunnel of a home, and be no hub',
}

function isHome(spec: TunnelSpec): spec is HomeSpec {
  return spec.forwarding.role === 'home'
}

/** What was written before a router was asked for more has none of it. */
function withDefaults(observed: Observation): RouterObservation {
  return { lostName: null, blackholes: [], foreignNetworks: [], foreignPeers: [], ...observed }
}

function refuse(
  { interface: own, foreignNetworks, foreignPeers }: RouterObservation,
  desired: HomeSpec,
  { host }: PlanOptions,
): readonly Refusal[] {
  const network = networkOf(desired.address)
  const led = [network, ...desired.routes.map(({ prefix }) => prefix)]
  return [
    ...(isIn(host, led)
      ? [
          {
            code: 'router-through-tunnel',
            why: `the router's address ${host} lies in a network that would be led into the tunnel`,
          } as const,
        ]
      : []),
    ...foreignNetworks
      .filter(({ prefix, by }) => (by.startsWith('a route') ? contains(network, prefix) : overlaps(network, prefix)))
      .map(
        ({ by }) => ({ code: 'router-taken', why: `${by} is in the way of the tunnel's network ${network}` }) as const,
      ),
    ...foreignPeers
      .filter(({ publicKey }) => desired.peers.some((peer) => peer.publicKey === publicKey))
      .map(
        (peer) =>
          ({
            code: 'router-taken',
            why: `the hub is a peer of the interface ${peer.interface} already, and RouterOS takes a key once`,
          }) as const,
      ),
    ...(desired.forwarding.exit
      ? [
          {
            code: 'router-unsupported',
            why: 'lan.exit: devices go to the internet through a Pi alone, not through a router',
          } as const,
        ]
      : []),
    ...(desired.publicKey === null || desired.publicKey === own?.publicKey
      ? []
      : [{ code: 'router-unsupported', why: 'a router makes its key itself, and none can be given to it' } as const]),
    ...(desired.peers.some((peer) => peer.presharedKeyId !== null)
      ? [{ code: 'router-unsupported', why: 'a router is given no preshared keys' } as const]
      : []),
  ]
}

/** Nothing may pass without the rules: first the peer goes, then they. The interface last: all the rest speaks of it. */
function undo(observed: RouterObservation): readonly MikrotikStep[] {
  const own = observed.interface
  const publicKeys = own?.peers.map((peer) => peer.publicKey) ?? []
  return [
    ...(own === null || publicKeys.length === 0
      ? []
      : [{ kind: 'remove-peers', interface: own.name, publicKeys } as const]),
    ...(observed.firewall === null ? [] : [{ kind: 'remove-firewall' } as const]),
    ...clearStrays(observed),
    ...(own === null ? [] : [{ kind: 'remove-interface', interface: own.name } as const]),
    ...(observed.lostName === null ? [] : [{ kind: 'remove-interface', interface: observed.lostName } as const]),
  ]
}

function clearStrays({ strayInterfaces }: Observation): readonly MikrotikStep[] {
  return strayInterfaces.map((name) => ({ kind: 'remove-interface', interface: name }))
}

/** Nothing may pass before the rules judge it: they stand before a peer is known. */
function build(observed: RouterObservation, desired: HomeSpec): readonly MikrotikStep[] {
  const { interface: name, listenPort } = desired
  const own = observed.interface
  return [
    ...clearStrays(observed),
    ...(own === null ? [{ kind: 'create-interface', interface: name } as const] : []),
    ...(listenPort === null || own?.listenPort === listenPort
      ? []
      : [{ kind: 'set-listen-port', interface: name, port: listenPort } as const]),
    ...(own?.mtu === desired.mtu ? [] : [{ kind: 'set-mtu', interface: name, mtu: desired.mtu } as const]),
    ...firewallSteps(observed, desired),
    ...addressSteps(observed, desired),
    ...peerSteps(own, desired),
    ...(own?.up === false ? [{ kind: 'bring-up', interface: name } as const] : []),
    ...routeSteps(observed, desired),
  ]
}

function firewallSteps({ firewall }: RouterObservation, desired: HomeSpec): readonly MikrotikStep[] {
  const { interface: name, listenPort, forwarding } = desired
  const network = networkOf(desired.address)
  if (firewall !== null && sameList(firewall, wantedFingerprints({ interface: name, network, forwarding }))) return []
  return [
    { kind: 'set-firewall', interface: name, listenPort, forwarding, network, forwardingWasOff: false, replaces: null },
  ]
}

/** The route that stands in for the network comes with its address, and is looked after along with it. */
function addressSteps({ interface: own, blackholes }: RouterObservation, desired: HomeSpec): readonly MikrotikStep[] {
  const { interface: name, address } = desired
  const there = own?.addresses ?? []
  const isLed = blackholes.includes(networkOf(address)) && own?.cutOff.includes(address) !== true
  return [
    // RouterOS takes two addresses of one network, and then sends from the first.
    ...there
      .filter((other) => other !== address)
      .map((other) => ({ kind: 'remove-address', interface: name, address: other }) as const),
    ...(there.includes(address)
      ? isLed
        ? []
        : [{ kind: 'lead-network', interface: name, address } as const]
      : [{ kind: 'add-address', interface: name, address } as const]),
  ]
}

/** Removed before set: RouterOS refuses prefixes that another peer of the interface has. */
function peerSteps(own: ObservedInterface | null, desired: HomeSpec): readonly MikrotikStep[] {
  const there = new Map((own?.peers ?? []).map((peer) => [peer.publicKey, peer]))
  const wanted = new Set(desired.peers.map((peer) => peer.publicKey))
  const changed = desired.peers.filter((peer) => !isPeerAsWanted(there.get(peer.publicKey), peer))
  const gone = [...there.keys()].filter((key) => !wanted.has(key))
  return [
    ...(gone.length === 0 ? [] : [{ kind: 'remove-peers', interface: desired.interface, publicKeys: gone } as const]),
    ...(changed.length === 0 ? [] : [{ kind: 'set-peers', interface: desired.interface, peers: changed } as const]),
  ]
}

function routeSteps({ interface: own, blackholes }: RouterObservation, desired: HomeSpec): readonly MikrotikStep[] {
  const { interface: name } = desired
  const there = (own?.routes ?? []).map(({ prefix }) => prefix)
  const wanted = desired.routes.map(({ prefix }) => prefix)
  const network = networkOf(desired.address)
  const gone = [
    ...there.filter((prefix) => !wanted.includes(prefix)),
    // Of an address that is no longer wanted and went by itself.
    ...blackholes.filter((prefix) => prefix !== network && !wanted.includes(prefix)),
  ]
  return [
    // RouterOS knows no MTU of a route.
    ...wanted
      .filter((prefix) => !there.includes(prefix))
      .map((prefix) => ({ kind: 'add-route', interface: name, prefix, mtu: null }) as const),
    ...[...new Set(gone)].map((prefix) => ({ kind: 'remove-route', interface: name, prefix }) as const),
  ]
}
