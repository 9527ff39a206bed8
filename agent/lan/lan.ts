import { freeTunnelNetwork } from '../../net/free-network.ts'
import { contains, isIn, overlaps, prefixLength } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import { networkText } from '../../system/network/machine-networks.ts'
import type { AgentConfig } from '../settings/config.ts'
import type { LocalNetworks } from './local-networks.ts'
import { mappedPrefixes } from './mapped-lan.ts'

/** Private networks (RFC 1918, section 3). */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16']

/** The lengths of a tunnel's network, as hub.yaml takes them (hub/settings/config.ts). */
const WIDEST = 8
const NARROWEST = 29

/** Interfaces of containers, virtual machines and other tunnels: their networks are private, and no home's LAN. */
const VIRTUAL = /^(?:docker|br-|veth|virbr|vnet|lxc|lxd|cni|flannel|podman|wg|tun|tap|ppp|tailscale|zt)/

/**
 * Finds the home's LAN, when nobody said which it is: the network of the default route, where that is private (a Pi on
 * the LAN); else the only private network there is (a Linux router between the line and the LAN).
 * @throws {Problem} `lan-unclear` with the candidates.
 */
export function detectLan({ connected, defaultInterface }: LocalNetworks): string {
  const candidates = connected.filter(isLanCandidate)
  const behindDefault = candidates.filter((one) => one.interface === defaultInterface)
  const [first] = behindDefault.length > 0 ? behindDefault : candidates
  // A machine may be in one network twice: with two addresses, by cable and by radio.
  const isOnly = (behindDefault.length > 0 ? behindDefault : candidates).every(({ prefix }) => prefix === first?.prefix)
  if (first !== undefined && isOnly) return first.prefix
  throw new Problem('lan-unclear', {
    what: 'finding the home’s LAN',
    why:
      candidates.length === 0
        ? 'this machine is on no private network'
        : `it may be ${candidates.map((one) => `${one.prefix} (${one.interface})`).join(' or ')}`,
  })
}

/** Whether a network can be a home’s LAN: private, and not one of containers or other tunnels. */
export function isLanCandidate(one: { readonly interface: string; readonly prefix: string }): boolean {
  return isPrivate(one.prefix) && !VIRTUAL.test(one.interface)
}

export interface LanContext {
  /** The tunnel's network. */
  readonly network: string
  readonly hubLiterals: readonly string[]
  readonly local: LocalNetworks
}

/**
 * Refuses prefixes, and a network of the tunnel, that would cut this machine, or the hub, off from something it needs.
 * @throws {Problem} `lan-overlaps`.
 */
export function refuseOverlaps(lan: readonly string[], { network, hubLiterals, local }: LanContext): void {
  const inTheWay = networkInTheWay(network, local)
  const next = otherTunnelNetwork(network, lan, local)
  const unfit = whyNoTunnelNetwork(network)
  if (unfit !== null) throw overlap(unfit, next)
  if (inTheWay !== null) throw overlap(`the tunnel’s network ${network} overlaps ${inTheWay}`, next)
  for (const prefix of lan) {
    if (overlaps(prefix, network)) throw overlap(`${prefix} overlaps the tunnel’s network ${network}`, next)
    const hub = hubLiterals.find((address) => isIn(address, [prefix]))
    if (hub !== undefined) throw overlap(`${prefix} contains the hub’s address ${hub}`)
    refuseWan(prefix, local)
  }
}

/**
 * Refuses two networks of one home that the hub would know by the same numbers. Numbers of a network here that the hub
 * does not know are no obstacle: only what comes out of the tunnel is translated.
 * @throws {Problem} `lan-overlaps`.
 */
export function refuseMappedTwice(lan: AgentConfig['lan']): void {
  const known = mappedPrefixes(lan)
  const isMapped = (prefix: string): boolean => lan.seenAs?.[prefix] !== undefined
  for (const [index, prefix] of lan.prefixes.entries()) {
    const other = lan.prefixes.find(
      (other, second) =>
        second > index && (isMapped(prefix) || isMapped(other)) && overlaps(known[index] ?? '', known[second] ?? ''),
    )
    if (other !== undefined)
      throw overlap(
        `the hub would know both ${prefix} and ${other} as ${known[index]}`,
        'Let it know one of them by other numbers',
      )
  }
}

/** Why a network is none for a tunnel, whatever the hub says: a wider one would lead the internet into it; null: it can be. */
export function whyNoTunnelNetwork(network: string): string | null {
  const length = prefixLength(network)
  if (length >= WIDEST && length <= NARROWEST) return null
  return `${network} is no network for a tunnel, of /${WIDEST} to /${NARROWEST}`
}

/** What of this machine's networks and routes overlaps the tunnel's network, for people; null: nothing. */
export function networkInTheWay(
  network: string,
  { connected, routed }: Pick<LocalNetworks, 'connected' | 'routed'>,
): string | null {
  const on = connected.find((one) => overlaps(one.prefix, network))
  if (on !== undefined) return `${on.prefix} on ${on.interface}`
  const led = routed.find((one) => overlaps(one.prefix, network))
  return led === undefined ? null : `${led.prefix}, ${networkText(led)}`
}

/** What to do about it. Neither another LAN nor other numbers for it would help: the numbers are in use here. */
export function otherTunnelNetwork(
  network: string,
  lan: readonly string[],
  { connected, routed }: Pick<LocalNetworks, 'connected' | 'routed'>,
): string {
  const taken = [network, ...lan, ...connected.map(({ prefix }) => prefix), ...routed.map(({ prefix }) => prefix)]
  return `Give the tunnel another network, on the hub: sudo homeward hub init --network ${freeTunnelNetwork(taken) ?? 'CIDR'} (homes that have joined follow by themselves); then run this again, with the same token`
}

function refuseWan(prefix: string, { connected, defaultInterface }: LocalNetworks): void {
  const wan = connected.find((one) => one.interface === defaultInterface && !isPrivate(one.prefix))
  if (wan !== undefined && overlaps(prefix, wan.prefix))
    throw overlap(`${prefix} overlaps the WAN, ${wan.prefix} on ${wan.interface}`)
  // Public addresses, and the carriers' own 100.64.0.0/10 (RFC 6598), are a LAN only where this machine is on it.
  if (isPrivate(prefix) || connected.some((one) => contains(one.prefix, prefix))) return
  throw overlap(`${prefix} is neither private nor a network of this machine: it is part of the WAN`)
}

export function isPrivate(prefix: string): boolean {
  return PRIVATE.some((range) => contains(range, prefix))
}

function overlap(why: string, next?: string): Problem {
  return new Problem('lan-overlaps', { what: 'choosing the home’s LAN', why, ...(next === undefined ? {} : { next }) })
}
