import { movedTo } from '../../net/hosts.ts'
import { isIn, overlaps } from '../../net/prefix.ts'
import type { AgentConfig } from '../settings/config.ts'

/**
 * Networks of the home that the hub knows under other numbers, one to one (NETMAP): two homes that both have 192.168.1.0/24
 * can then be told apart, and a phone that is itself in such a network finds the way. Pure.
 */

type Lan = Pick<AgentConfig['lan'], 'prefixes' | 'seenAs'>

/** The LAN's prefixes as the hub knows them. */
export function mappedPrefixes({ prefixes, seenAs = {} }: Lan): string[] {
  return prefixes.map((prefix) => seenAs[prefix] ?? prefix)
}

/** The home's own prefixes, from those the hub knows. */
export function ownPrefixes(seen: readonly string[], seenAs: Readonly<Record<string, string>>): string[] {
  const own = new Map(Object.entries(seenAs).map(([prefix, as]) => [as, prefix]))
  return seen.map((prefix) => own.get(prefix) ?? prefix)
}

/** An address of the LAN as the hub knows it. */
export function mappedAddress({ seenAs = {} }: Lan, address: string): string {
  const entry = Object.entries(seenAs).find(([prefix]) => isIn(address, [prefix]))
  return entry === undefined ? address : movedTo(entry[1], address)
}

/** An address of the LAN by its own numbers, from those that the hub knows. */
export function ownAddress({ seenAs = {} }: Lan, address: string): string {
  const entry = Object.entries(seenAs).find(([, seen]) => isIn(address, [seen]))
  return entry === undefined ? address : movedTo(entry[0], address)
}

/** A prefix that lies in the LAN, as the hub knows it. */
export function mappedPrefix(lan: Lan, prefix: string): string {
  const [address = '', length] = prefix.split('/')
  return `${mappedAddress(lan, address)}/${length}`
}

/** Networks that most home routers come with, or from which carriers number their customers (RFC 6598). */
const CROWDED = ['192.168.0.0/24', '192.168.1.0/24', '100.64.0.0/10']

/** A sentence for each network that a phone may well be in itself. */
export function crowdedNotes({ prefixes, seenAs = {} }: Lan): readonly string[] {
  return prefixes
    .filter((prefix) => seenAs[prefix] === undefined && CROWDED.some((one) => overlaps(one, prefix)))
    .map(
      (prefix) =>
        `many networks that a phone may be in are ${prefix} too, and from there it cannot reach this one; with --lan ${prefix}=${suggestion(prefix)} the home is seen as that network instead`,
    )
}

/** Other numbers for a prefix, derived from the home's own so that two homes rarely get the same. */
function suggestion(prefix: string): string {
  const [address = '', length] = prefix.split('/')
  const [, second = '0', third = '0'] = address.split('.')
  return Number(length) >= 24 ? `10.${second}.${third}.0/${length}` : `10.${second}.0.0/${length}`
}
