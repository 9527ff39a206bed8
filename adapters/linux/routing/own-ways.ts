import { canonicalAddress, FAMILIES, type Family } from '../../../net/address.ts'
import { networkOf } from '../../../net/prefix.ts'
import type { Diversion } from '../../observation.ts'
import type { TunnelSpec } from '../../spec.ts'
import { lowestOfOthers, parsePolicyRules, type PolicyRule, priorityBefore, ROUTE_PROTOCOL } from './policy-rules.ts'

/**
 * Rules that leave packets of the tunnel to the main table while another program's rules take all that this machine
 * sends: a VPN that takes everything, Tailscale's subnet routes. They stand only as long as such rules do. Pure.
 */

const MAIN = 'main'

/** A way to one host: at a home, to its hub. */
const HOST = /^to [0-9a-f.:]+$/

/** How many networks behind the tunnel get a rule of their own: every packet of the machine is compared with each. */
const MOST_NETWORKS = 32

/** The family whose rules a selector belongs to: that of its addresses; without any it speaks of the tunnel’s inside. */
function familyOf(selector: string): Family {
  return selector.includes(':') ? 'ipv6' : 'ipv4'
}

/**
 * The selectors of our rules for the main table, in order; null: one is twice, or not where it should be.
 * @param rules each family's, as `ip -j rule show` prints them.
 */
export function ownWays(rules: Readonly<Record<Family, string>>): readonly string[] | null {
  const all = FAMILIES.map((family) => ownWaysIn(rules[family]))
  return all.includes(null) ? null : all.flatMap((ways) => ways ?? []).sort()
}

function ownWaysIn(rules: string): readonly string[] | null {
  const all = parsePolicyRules(rules)
  const ours = all.filter(isOwnWay)
  const priority = priorityOf(all)
  const selectors = [...new Set(ours.map(({ selector }) => selector))].sort()
  return selectors.length === ours.length && ours.every((rule) => rule.priority === priority) ? selectors : null
}

/**
 * The selectors of the rules that the tunnels need.
 * @param there those that stand: a tunnel that goes past a VPN does so until the VPN is gone, whoever plans.
 */
export function wantedWays(
  desired: readonly TunnelSpec[],
  diversion: Diversion,
  there: readonly string[] | null,
): readonly string[] {
  const all = desired.flatMap((spec) => [
    ...(diversion.specific === null ? [] : inside(spec)),
    ...towardsInternet(spec, diversion, hubsIn(there, desired)),
  ])
  return [...new Set(all)].sort()
}

/** Ways of homes to their hubs among those that stand. */
function hubsIn(there: readonly string[] | null, desired: readonly TunnelSpec[]): readonly string[] {
  const others = new Set(desired.flatMap(inside))
  return (there ?? []).filter((way) => HOST.test(way) && !others.has(way))
}

/** What goes into the tunnel, and what comes out of it for networks here. */
function inside({ interface: name, address, routes, forwarding }: TunnelSpec): readonly string[] {
  const behind = routes.slice(0, MOST_NETWORKS).map(({ prefix }) => `to ${prefix}`)
  const here = forwarding.role === 'home' ? forwarding.lan.slice(0, MOST_NETWORKS) : []
  const all = [`to ${networkOf(address)}`, ...behind, ...here.map((prefix) => `iif ${name} to ${prefix}`)]
  // As ip prints them.
  return all.map((selector) => selector.replace('/32', ''))
}

/**
 * What the hub answers from its own address must leave where that address is known: its homes, whoever asks for its
 * registrar, visitors of published ports, devices that go out through it. A home's tunnel may go through a VPN.
 */
function towardsInternet(
  { interface: name, listenPort, forwarding, pastVpn = [] }: TunnelSpec,
  { internet, addresses }: Diversion,
  hubs: readonly string[],
): readonly string[] {
  const isTaken = (selector: string): boolean => internet[familyOf(selector)] !== null
  if (forwarding.role === 'home')
    return [...hubs, ...pastVpn.map((one) => `to ${canonicalAddress(one)}`)].filter(isTaken)
  const ports = [
    ...(listenPort === null ? [] : [`udp sport ${listenPort}`, `tcp sport ${listenPort}`]),
    `udp sport ${forwarding.echo.port}`,
  ]
  const answers = addresses.flatMap((address) => ports.map((port) => `from ${address} ipproto ${port}`))
  return [`iif ${name}`, ...answers].filter(isTaken)
}

/** Tells that a home's tunnel goes past a VPN of the same machine, and why. */
export function pastVpnWarnings(
  desired: readonly TunnelSpec[],
  diversion: Diversion,
  there: readonly string[] | null,
): readonly string[] {
  return desired.flatMap((spec) => {
    if (spec.forwarding.role === 'hub') return []
    const [way] = towardsInternet(spec, diversion, hubsIn(there, desired))
    if (way === undefined) return []
    return [
      `another program’s VPN takes all that this machine sends (${diversion.internet[familyOf(way)]}), and the hub did not answer through it: ${spec.interface} goes past it until that VPN is gone. See whether the VPN itself works, or let it leave out the hub’s address`,
    ]
  })
}

/** Lines for `ip -batch` of a family that make its rules out of those that are there. Pure. */
export function ownWayCommands(wanted: readonly string[], family: Family, rules: string): readonly string[] {
  const selectors = wanted.filter((selector) => familyOf(selector) === family)
  const all = parsePolicyRules(rules)
  const priority = priorityOf(all)
  const there = all.filter(isOwnWay)
  const isKept = (rule: PolicyRule): boolean => rule.priority === priority && selectors.includes(rule.selector)
  const kept = there.filter((rule, index) => isKept(rule) && there.findIndex((one) => isSame(one, rule)) === index)
  const line = (verb: string, selector: string, at: number): string =>
    `rule ${verb} ${selector} lookup ${MAIN} pref ${at} proto ${ROUTE_PROTOCOL}`
  return [
    ...selectors
      .filter((selector) => !kept.some((rule) => rule.selector === selector))
      .map((selector) => line('add', selector, priority)),
    ...there.filter((rule) => !kept.includes(rule)).map((rule) => line('del', rule.selector, rule.priority)),
  ]
}

function isSame(a: PolicyRule, b: PolicyRule): boolean {
  return a.priority === b.priority && a.selector === b.selector
}

function isOwnWay({ isOurs, table, fwmark }: PolicyRule): boolean {
  return isOurs && table === MAIN && fwmark === null
}

/** After our rules that choose another way for some of these packets, and before everybody else's. */
function priorityOf(rules: readonly PolicyRule[]): number {
  return Math.min(priorityBefore(rules, USUAL) + 1, Math.max(0, lowestOfOthers(rules) - 1))
}

const USUAL = 8700
