import { isPeerAsWanted } from '../planning/peer-as-wanted.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import { clashesWith } from '../planning/clashes-with.ts'
import { strays } from '../planning/strays.ts'
import { tunnelIn } from '../tunnel-in.ts'
import type { Observation, ObservedInterface } from '../observation.ts'
import type { TunnelSpec } from '../spec.ts'
import type { Plan } from '../step.ts'
import { type StagedStep, writes } from './change/stage.ts'
import type { OpenwrtStep } from './steps.ts'
import { configuredPeers, configuredRoutes } from './uci/configured.ts'
import { firewallSteps, isFirewallAsWanted, markWarnings, tunnelFirewalls, visitorSteps } from './plan-firewall.ts'
import { type HomeSpec, isHome, peerSection } from './uci/objects.ts'
import type { OpenwrtObservation } from './observe/observation.ts'
import { refuse } from './refuse.ts'
import {
  interfaceSection,
  isInterface,
  list,
  type Options,
  peerName,
  peerType,
  PRIVATE_KEY,
  sameSection,
  type Section,
  text,
  tunnelOf,
} from './uci/sections.ts'

export interface PlanOptions {
  /** The router's address as it is reached. */
  readonly host: string
  /** How long the router waits before it undoes changes that it was not told to keep. */
  readonly rollbackSeconds: number
}

/** The steps from what is, configured and running, to what should be. Pure. */
export function planOpenwrt(
  observed: Observation,
  desired: readonly TunnelSpec[],
  options: PlanOptions,
): Plan<OpenwrtStep> {
  const all = withDefaults(observed)
  const homes = desired.filter(isHome)
  const warnings = [
    ...observed.warnings,
    ...reversePathWarnings(observed, desired),
    ...markWarnings(observed.foreignMarks, tunnelFirewalls(all, homes)),
  ]
  const names = desired.map((spec) => spec.interface)
  const refused =
    desired.length === 0
      ? []
      : [
          ...clashesWith({ ...observed, clashes: [] }, names),
          ...desired.flatMap((spec) => refuse(all, spec, options.host)),
        ]
  if (refused.length > 0) return { steps: [], refusals: [...refused, ...observed.clashes], warnings }
  const changes = homes.length === 0 ? undo(all) : build(all, homes)
  if (changes.length === 0) return { steps: [], refusals: [], warnings }
  // Whatever waits for its owner on the router is in the way of what is written there, even by an undo; not of the rest.
  if (observed.clashes.length > 0 && writes(all.sections, changes))
    return { steps: [], refusals: observed.clashes, warnings }
  return {
    steps: [
      ...(homes.length === 0 ? [] : prepare(all)),
      { kind: 'arm-rollback', interfaces: touched(all, homes, changes), seconds: options.rollbackSeconds },
      ...changes,
      { kind: 'activate-changes' },
      { kind: 'keep-changes' },
    ],
    refusals: [],
    warnings,
  }
}

/**
 * Visitors of published ports have addresses to which the router's own way is its line. Of the interface's value and that
 * of all the larger counts (ip-sysctl): only 2 for all helps whichever of them is 1.
 */
function reversePathWarnings({ strictReversePath }: Observation, desired: readonly TunnelSpec[]): readonly string[] {
  return desired
    .filter(({ interface: name, forwarding }) => isVisited(forwarding) && strictReversePath.includes(name))
    .map(
      ({ interface: name }) =>
        `strict reverse path filtering (rp_filter 1) on ${name} drops visitors of published ports with their own addresses: set net.ipv4.conf.all.rp_filter to 2 on the router, or publish with --source hide`,
    )
}

function isVisited(forwarding: TunnelSpec['forwarding']): boolean {
  return forwarding.role === 'home' && forwarding.visitors
}

/** The tunnels of which anything changes. */
function touched(
  observed: OpenwrtObservation,
  desired: readonly HomeSpec[],
  steps: readonly OpenwrtStep[],
): readonly string[] {
  const named = steps.flatMap((step) => ('interface' in step ? [step.interface] : []))
  const firewalls = tunnelFirewalls(observed, desired)
    .filter((tunnel) => !isFirewallAsWanted(observed, tunnel))
    .map((tunnel) => tunnel.interface)
  const some = [...new Set([...named, ...firewalls])].sort()
  return some.length > 0 ? some : [...observed.remains, ...observed.interfaces.map(({ name }) => name)]
}

/** Fills in fields of an observation that was written before routers were asked for them. */
function withDefaults(observed: Observation): OpenwrtObservation {
  const tools = { hasWg: true, hasHandler: true, knowsProtocol: true }
  const names = observed.interfaces.map(({ name }) => name)
  return {
    live: names,
    devices: names,
    firewalled: names,
    sections: [],
    uplink: null,
    foreignNetworks: [],
    includes: [],
    tools,
    ...observed,
  }
}

/** The steps that must come before any interface of this protocol. */
function prepare({ tools }: OpenwrtObservation): readonly OpenwrtStep[] {
  const isInstalled = tools.hasWg && tools.hasHandler
  return [
    ...(isInstalled ? [] : [{ kind: 'install-wireguard' } as const]),
    ...(isInstalled && tools.knowsProtocol ? [] : [{ kind: 'restart-network' } as const]),
  ]
}

function undo({ interfaces, remains, firewall, includes }: OpenwrtObservation): readonly StagedStep[] {
  return [
    ...interfaces
      .filter(({ peers }) => peers.length > 0)
      .map(({ name, peers }) => ({
        kind: 'remove-peers' as const,
        interface: name,
        publicKeys: peers.map((peer) => peer.publicKey),
      })),
    ...(firewall === null ? [] : [{ kind: 'remove-firewall', files: includes.map(({ path }) => path) } as const]),
    ...clear([...remains, ...interfaces.map(({ name }) => name)]),
  ]
}

function clear(names: readonly string[]): readonly StagedStep[] {
  return names.map((name) => ({ kind: 'remove-interface', interface: name }))
}

/** Builds the tunnels. All steps are executed at once, and the firewall is loaded before the interfaces. */
function build(found: OpenwrtObservation, desired: readonly HomeSpec[]): readonly StagedStep[] {
  const gone = strays(found, desired)
  const observed = without(gone, found)
  const tunnels = tunnelFirewalls(observed, desired)
  return [
    ...clear(gone),
    ...desired.flatMap((spec) => {
      const own = keptSection(observed, spec.interface)
      return [
        ...(own === null ? [{ kind: 'create-interface', interface: spec.interface } as const] : []),
        ...interfaceSteps(observed, own?.options ?? null, spec),
      ]
    }),
    ...firewallSteps(observed, tunnels),
    ...visitorSteps(observed, tunnels),
    ...desired.flatMap((spec) => [...peerSteps(observed, spec), ...routeSteps(observed, spec)]),
  ]
}

function keptSection({ sections }: OpenwrtObservation, name: string): Section | null {
  const own = sections.find((section) => isInterface(section) && section.name === name && tunnelOf(section) === name)
  return own !== undefined && isKept(own) ? own : null
}

/** The observation without the sections that are removed first. */
function without(gone: readonly string[], observed: OpenwrtObservation): OpenwrtObservation {
  const names: readonly (string | null)[] = gone
  const sections = observed.sections.filter(
    (section) => section.config !== 'network' || !names.includes(tunnelOf(section)),
  )
  const visitors = observed.visitors.filter(({ interface: name }) => !names.includes(name))
  return { ...observed, sections, visitors }
}

/** Whether a section has all that makes it ours and WireGuard's, and no option that is unknown here. */
function isKept({ name, options }: Section): boolean {
  const wanted = Object.entries(interfaceSection(name).options)
  const known = new Set([
    ...wanted.map(([option]) => option),
    PRIVATE_KEY,
    'addresses',
    'mtu',
    'listen_port',
    'disabled',
    'auto',
  ])
  return (
    wanted.every(([option, value]) => options[option] === value) &&
    Object.keys(options).every((option) => known.has(option))
  )
}

/** @param configured null: the section is made again, without any option. */
function interfaceSteps(
  observed: OpenwrtObservation,
  configured: Options | null,
  desired: HomeSpec,
): readonly StagedStep[] {
  const { interface: name, publicKey, mtu, listenPort, address } = desired
  const options = configured ?? {}
  const live = configured === null ? null : liveIn(observed, name)
  const isStopped =
    configured !== null &&
    (live === null || !live.up || options['disabled'] !== undefined || options['auto'] !== undefined)
  const there = list(options, 'addresses')
  const isThere = there.includes(address) && (live === null || live.addresses.includes(address))
  const others = new Set([...there, ...(live?.addresses ?? [])].filter((one) => one !== address))
  return [
    ...(publicKey === null ||
    (text(options, PRIVATE_KEY) === publicKey && (live === null || live.publicKey === publicKey))
      ? []
      : [{ kind: 'set-private-key', interface: name, publicKey } as const]),
    ...(listenPort === null ||
    (text(options, 'listen_port') === String(listenPort) && (live === null || live.listenPort === listenPort))
      ? []
      : [{ kind: 'set-listen-port', interface: name, port: listenPort } as const]),
    ...(text(options, 'mtu') === String(mtu) && (live === null || live.mtu === mtu)
      ? []
      : [{ kind: 'set-mtu', interface: name, mtu } as const]),
    ...[...others].map((other) => ({ kind: 'remove-address', interface: name, address: other }) as const),
    ...(isThere ? [] : [{ kind: 'add-address', interface: name, address } as const]),
    ...(isThere && live?.cutOff.includes(address) === true
      ? [{ kind: 'lead-network', interface: name, address } as const]
      : []),
    ...(isStopped ? [{ kind: 'bring-up', interface: name } as const] : []),
  ]
}

/** The interface as it runs; null where it does not. */
function liveIn(observed: OpenwrtObservation, name: string): ObservedInterface | null {
  return observed.live.includes(name) ? tunnelIn(observed, name) : null
}

/** A peer is as wanted when it is configured right, in its own section and no other, and runs as configured. */
function peerSteps(observed: OpenwrtObservation, desired: HomeSpec): readonly StagedStep[] {
  const { interface: name, peers } = desired
  const { sections } = observed
  const live = liveIn(observed, name)
  const isLive = live !== null
  const configured = configuredPeers(name, sections)
  const running = live?.peers ?? configured
  const isMisplaced = (key: PublicKey): boolean =>
    sections.some(
      (section) =>
        section.type === peerType(name) &&
        section.options['public_key'] === key &&
        section.name !== peerName(name, key),
    )
  const wanted = new Set(peers.map((peer) => peer.publicKey))
  const there = [...new Set([...configured, ...running].map((peer) => peer.publicKey))]
  const gone = there.filter((key) => !wanted.has(key) || isMisplaced(key))
  const changed = peers.filter((peer) => {
    const section = sections.find((one) => one.name === peerName(name, peer.publicKey))
    const runs = running.find((one) => one.publicKey === peer.publicKey)
    if (gone.includes(peer.publicKey) || !isConfigured(name, section, peer, isLive)) return true
    return !isPeerAsWanted(runs, peer)
  })
  return [
    ...(gone.length === 0 ? [] : [{ kind: 'remove-peers', interface: name, publicKeys: gone } as const]),
    ...(changed.length === 0 ? [] : [{ kind: 'set-peers', interface: name, peers: changed } as const]),
  ]
}

/**
 * Whether a peer is configured. While the interface runs, the configured endpoint may differ from the one in use: it is
 * where the router begins after a restart, and following each of the agent's endpoints would wear out its flash.
 */
function isConfigured(name: string, section: Section | undefined, peer: PeerSpec, isLive: boolean): boolean {
  const wanted = peerSection(name, peer)
  if (section === undefined || section.options['endpoint_host'] === undefined || !isLive)
    return sameSection(section, wanted)
  const { endpoint_host: host = '', endpoint_port: port = '' } = section.options
  return sameSection(section, { ...wanted, options: { ...wanted.options, endpoint_host: host, endpoint_port: port } })
}

function routeSteps(observed: OpenwrtObservation, desired: HomeSpec): readonly StagedStep[] {
  const { interface: name } = desired
  const configured = configuredRoutes(name, observed.sections).map(({ prefix }) => prefix)
  const running = liveIn(observed, name)?.routes.map(({ prefix }) => prefix) ?? configured
  const wanted = desired.routes.map(({ prefix }) => prefix)
  return [
    ...wanted
      .filter((prefix) => !configured.includes(prefix) || !running.includes(prefix))
      // netifd supports an MTU of a route, and no router's home needs one.
      .map((prefix) => ({ kind: 'add-route', interface: name, prefix, mtu: null }) as const),
    ...configured
      .filter((prefix) => !wanted.includes(prefix))
      .map((prefix) => ({ kind: 'remove-route', interface: name, prefix }) as const),
  ]
}
