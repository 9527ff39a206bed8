import { quoted } from '../../problems/printable.ts'
import { isPeerAsWanted } from '../planning/peer-as-wanted.ts'
import { sameList } from '../planning/same-list.ts'
import type { Observation, ObservedInterface, Refusal } from '../observation.ts'
import type { HomeForwarding, TunnelSpec } from '../spec.ts'
import { byInterface } from '../planning/by-interface.ts'
import { clashesWith } from '../planning/clashes-with.ts'
import { homeFirewall } from '../planning/home-firewall.ts'
import { refusedByEveryRouter } from '../router/refusals.ts'
import { strays } from '../planning/strays.ts'
import { tunnelIn } from '../tunnel-in.ts'
import type { Plan } from '../step.ts'
import type { MikrotikStep } from './steps.ts'
import { RULE_MENUS } from './objects/menus.ts'
import { contains, networkOf, overlaps } from '../../net/prefix.ts'
import { wantedRules } from './objects/objects.ts'
import { rawDropOf } from './objects/raw.ts'
import type { RouterObservation } from './observation.ts'
import { byChain, fingerprintOf } from './objects/rule-row.ts'

export interface PlanOptions {
  /** The router's address as it is reached. */
  readonly host: string
  /** How long the router waits before it undoes changes that it was not told to keep. */
  readonly rollbackSeconds: number
}

/** A tunnel of a home; a router has no other. */
interface HomeSpec extends TunnelSpec {
  readonly forwarding: HomeForwarding
}

/** The steps from what is to what should be. Pure. */
export function planMikrotik(
  observed: Observation,
  desired: readonly TunnelSpec[],
  options: PlanOptions,
): Plan<MikrotikStep> {
  const all = withDefaults(observed)
  const warnings = [...observed.warnings, ...desired.flatMap((spec) => hindrances(all, spec))]
  // Undo needs no room and no rollback: it leads back to the state before us.
  if (desired.length === 0) return { steps: undo(all), refusals: [], warnings }
  if (!desired.every(isHome)) return { steps: [], refusals: [NO_HUB], warnings }
  const names = desired.map((spec) => spec.interface)
  const refusals = [...clashesWith(observed, names), ...desired.flatMap((spec) => refuse(all, spec, options))]
  if (refusals.length > 0) return { steps: [], refusals, warnings }
  const steps = build(all, desired)
  if (steps.length === 0) return { steps, refusals: [], warnings }
  const arm: MikrotikStep = {
    kind: 'arm-rollback',
    interfaces: touched(all, desired, steps),
    seconds: options.rollbackSeconds,
  }
  return { steps: [arm, ...steps, { kind: 'keep-changes' }], refusals: [], warnings }
}

/** The tunnels of which anything changes. */
function touched(
  { firewall }: RouterObservation,
  desired: readonly HomeSpec[],
  steps: readonly MikrotikStep[],
): readonly string[] {
  const named = steps.flatMap((step) => ('interface' in step ? [step.interface] : []))
  return [...new Set([...named, ...withOtherRules(firewall ?? [], desired)])].sort()
}

/** Tunnels whose rules are not as they should be, and owners of rules that nobody wants. */
function withOtherRules(found: readonly string[], desired: readonly HomeSpec[]): readonly string[] {
  const owners = found.map((rule) => / comment=homeward (\S+) /.exec(rule)?.[1] ?? '')
  const areRight = (specs: readonly HomeSpec[]): boolean =>
    sameList(
      found.filter((_, index) => specs.some((spec) => spec.interface === owners[index])),
      wantedFingerprints(specs),
    )
  const right = desired.filter((spec) => areRight([spec]))
  // Each tunnel's rules may be right by themselves, but not in the right order.
  const kept = areRight(right) ? right.map((spec) => spec.interface) : []
  return [...desired.map((spec) => spec.interface), ...owners].filter((name) => !kept.includes(name))
}

/** The fingerprints of rules as they should be. */
function wantedFingerprints(specs: readonly HomeSpec[]): readonly string[] {
  const rules = byInterface(specs)
    .map(homeFirewall)
    .flatMap(wantedRules)
    .map((rule) => ({ ...rule, chain: rule.attributes['chain'] ?? '' }))
  return RULE_MENUS.flatMap((menu) => byChain(rules.filter((rule) => rule.menu === menu))).map(fingerprintOf)
}

const NO_HUB: Refusal = {
  code: 'router-unsupported',
  why: 'a MikroTik router can end the tunnel of a home, and be no hub',
}

function isHome(spec: TunnelSpec): spec is HomeSpec {
  return spec.forwarding.role === 'home'
}

const NO_RAW = { rules: [], members: [], lists: [] }

/** Settings of the owner's against which the tunnel stands, but does not work: a sentence each. */
function hindrances(observed: RouterObservation, spec: TunnelSpec): readonly string[] {
  const drop = tunnelIn(observed, spec.interface) === null ? null : dropText(observed, spec, 'there')
  const { forwarding } = spec
  return [
    ...(drop === null ? [] : [drop]),
    ...(observed.hasStrictReversePath && forwarding.role === 'home' && forwarding.visitors
      ? [
          'the router drops packets whose sender it would answer by another interface (/ip/settings rp-filter=strict): visitors of published ports do not get through with their own addresses. Either /ip/settings/set rp-filter=loose on the router, or publish with --source hide',
        ]
      : []),
  ]
}

/** The raw rule that drops what comes out of the tunnel, and what lets it in; null: there is none. */
function dropText(
  { raw }: RouterObservation,
  { interface: name, address }: TunnelSpec,
  tunnel: 'there' | 'not there',
): string | null {
  const drop = rawDropOf(raw, { interface: name, network: networkOf(address), address, isThere: tunnel === 'there' })
  if (drop === null) return null
  return `a rule of the router’s raw table (${quoted(drop.rule, 80)}) drops all that comes out of ${name}, before any other rule is asked. What would let it in: ${drop.remedy}`
}

/** Fills in fields of an observation that was written before routers were asked for them. */
function withDefaults(observed: Observation): RouterObservation {
  return {
    lostNames: [],
    blackholes: [],
    foreignNetworks: [],
    foreignPeers: [],
    raw: NO_RAW,
    hasStrictReversePath: false,
    ...observed,
  }
}

function refuse(observed: RouterObservation, desired: HomeSpec, { host }: PlanOptions): readonly Refusal[] {
  const { foreignNetworks, foreignPeers } = observed
  const own = tunnelIn(observed, desired.interface)
  const network = networkOf(desired.address)
  return [
    ...refusedByEveryRouter(desired, host),
    ...(own === null ? [dropText(observed, desired, 'not there')] : [])
      .filter((why) => why !== null)
      .map((why) => ({ code: 'router-raw-drops', why }) as const),
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
    ...(desired.publicKey === null || desired.publicKey === own?.publicKey
      ? []
      : [{ code: 'router-unsupported', why: 'a router makes its key itself, and none can be given to it' } as const]),
  ]
}

/** Undoes all. Without the rules nothing may pass, so peers go first; interfaces go last: the rest names them. */
function undo(observed: RouterObservation): readonly MikrotikStep[] {
  return [
    ...observed.interfaces
      .filter(({ peers }) => peers.length > 0)
      .map(({ name, peers }) => ({
        kind: 'remove-peers' as const,
        interface: name,
        publicKeys: peers.map((peer) => peer.publicKey),
      })),
    ...(observed.firewall === null ? [] : [{ kind: 'remove-firewall' } as const]),
    ...clear([...observed.remains, ...observed.interfaces.map(({ name }) => name), ...observed.lostNames]),
  ]
}

function clear(names: readonly string[]): readonly MikrotikStep[] {
  return names.map((name) => ({ kind: 'remove-interface', interface: name }))
}

/** Builds the tunnels. The rules come before a peer is known: nothing may pass unjudged. */
function build(observed: RouterObservation, desired: readonly HomeSpec[]): readonly MikrotikStep[] {
  const wanted = new Set(desired.map((spec) => spec.interface))
  const own = (spec: HomeSpec) => tunnelIn(observed, spec.interface)
  return [
    ...clear([...strays(observed, desired), ...observed.lostNames.filter((name) => !wanted.has(name))]),
    ...desired.flatMap((spec) => linkSteps(own(spec), spec)),
    ...firewallSteps(observed, desired),
    ...desired.flatMap((spec) => [
      ...addressSteps(observed, spec),
      ...peerSteps(own(spec), spec),
      ...(own(spec)?.up === false ? [{ kind: 'bring-up', interface: spec.interface } as const] : []),
      ...routeSteps(observed, spec),
    ]),
  ]
}

function linkSteps(
  own: ObservedInterface | null,
  { interface: name, listenPort, mtu }: HomeSpec,
): readonly MikrotikStep[] {
  return [
    ...(own === null ? [{ kind: 'create-interface', interface: name } as const] : []),
    ...(listenPort === null || own?.listenPort === listenPort
      ? []
      : [{ kind: 'set-listen-port', interface: name, port: listenPort } as const]),
    ...(own?.mtu === mtu ? [] : [{ kind: 'set-mtu', interface: name, mtu } as const]),
  ]
}

function firewallSteps({ firewall }: RouterObservation, desired: readonly HomeSpec[]): readonly MikrotikStep[] {
  if (firewall !== null && sameList(firewall, wantedFingerprints(desired))) return []
  return [
    { kind: 'set-firewall', tunnels: byInterface(desired).map(homeFirewall), forwardingWasOff: false, replaces: null },
  ]
}

/** The blackhole route of the network is added, repaired and removed along with the address. */
function addressSteps(observed: RouterObservation, desired: HomeSpec): readonly MikrotikStep[] {
  const { interface: name, address } = desired
  const own = tunnelIn(observed, name)
  const blackholes = blackholesOf(observed, name)
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

/** Removes peers before it sets others: RouterOS refuses prefixes that another peer of the interface has. */
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

function routeSteps(observed: RouterObservation, desired: HomeSpec): readonly MikrotikStep[] {
  const { interface: name } = desired
  const own = tunnelIn(observed, name)
  const blackholes = blackholesOf(observed, name)
  const there = (own?.routes ?? []).map(({ prefix }) => prefix)
  const wanted = desired.routes.map(({ prefix }) => prefix)
  const network = networkOf(desired.address)
  const gone = [
    ...there.filter((prefix) => !wanted.includes(prefix)),
    // Blackhole routes of an address that is no longer wanted and went by itself.
    ...blackholes.filter((prefix) => prefix !== network && !wanted.includes(prefix)),
  ]
  return [
    // RouterOS has no MTU of a route.
    ...wanted
      .filter((prefix) => !there.includes(prefix))
      .map((prefix) => ({ kind: 'add-route', interface: name, prefix, mtu: null }) as const),
    ...[...new Set(gone)].map((prefix) => ({ kind: 'remove-route', interface: name, prefix }) as const),
  ]
}

function blackholesOf({ blackholes }: RouterObservation, name: string): readonly string[] {
  return blackholes.filter((one) => one.interface === name).map(({ prefix }) => prefix)
}
