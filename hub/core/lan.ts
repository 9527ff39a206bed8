import { freeTunnelNetwork } from '../../net/free-network.ts'
import { contains, overlaps, prefixLength, withoutLength } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import { refuseTooManyPrefixes } from '../../protocol/lan-size.ts'
import { isOpen, type StoreDocument } from './store-document.ts'

/** A network that a home's LAN must keep clear of, and its name for people. */
export interface Occupied {
  readonly prefix: string
  readonly by: string
  /** The hub's owner may name it all the same, such as for a hub that asks a name server at home. */
  readonly unlessGranted?: true
}

/** Private networks: RFC 1918, and the shared space of RFC 6598 that some routers hand out. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']

/** Networks that no LAN can be (RFC 6890): this host, loopback, link-local, protocol assignments, multicast and reserved. */
const NEVER = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '192.0.0.0/24', '224.0.0.0/3']

/** Where machines of Alibaba ask for their own data, in the shared space. Azure's 168.63.129.16 is no private address. */
const METADATA = ['100.100.100.200/32']

/** The shortest prefix for which another of its size is looked for. */
const SHORTEST_MAPPED = 16

const TUNNEL = 'the tunnel’s own network'

/**
 * Checks what a home calls its LAN: the hub will route all of it into that home's tunnel.
 * @param granted prefixes that the hub's owner named, or that the home has. Others must be private: a home may not draw
 *   the internet to itself.
 * @throws {Problem} `lan-overlaps` naming both sides, `prefix-invalid`, `lan-too-many`.
 */
export function checkLan(
  lan: readonly string[],
  granted: readonly string[],
  occupied: readonly Occupied[],
  what: string,
): void {
  refuseTooManyPrefixes(lan, what)
  for (const prefix of lan) {
    const isGranted = granted.some((outer) => contains(outer, prefix))
    const clash = occupied.find(
      (other) => overlaps(prefix, other.prefix) && !(isGranted && other.unlessGranted === true),
    )
    if (clash !== undefined)
      throw new Problem('lan-overlaps', {
        what,
        // Advice is given at home, by the code: so the network that is free must be part of `why`.
        why: `${prefix} overlaps ${clash.prefix}, ${clash.by}${clash.by === TUNNEL ? '' : freeInstead(prefix, occupied)}`,
        ...(clash.by === TUNNEL ? { next: otherTunnelNetwork([...lan, ...occupied.map((one) => one.prefix)]) } : {}),
      })
    if (NEVER.some((never) => overlaps(prefix, never)))
      throw new Problem('prefix-invalid', { what, why: `${prefix} is no network that a LAN can have` })
    if (isGranted) continue
    const why = whyNotByItself(prefix)
    if (why !== null)
      throw new Problem('prefix-invalid', {
        what,
        why: `${prefix} ${why}, and the hub’s owner did not name it: homeward hub invite HOME --lan ${prefix}`,
      })
  }
}

/** Why a home cannot announce a network that nobody named for it; null: it is private. */
function whyNotByItself(prefix: string): string | null {
  if (!PRIVATE.some((outer) => contains(outer, prefix))) return 'is no private network'
  const metadata = METADATA.find((address) => contains(prefix, address))
  return metadata === undefined ? null : `holds ${withoutLength(metadata)}, where machines ask for their own data`
}

/** Networks that a home of this name must keep clear of; other invitations count as long as they are open. */
export function occupiedFor(
  home: string,
  document: StoreDocument,
  network: string,
  own: readonly Occupied[],
  now: Date,
): readonly Occupied[] {
  const homes = document.homes.filter((other) => other.name !== home)
  const invites = document.invites.filter((invite) => invite.home !== home && isOpen(invite, now))
  return [
    { prefix: network, by: TUNNEL },
    ...own,
    ...homes.flatMap(({ name, lan }) => lan.map((prefix) => ({ prefix, by: `the LAN of the home ${name}` }))),
    ...invites.flatMap(({ home, lan }) => lan.map((prefix) => ({ prefix, by: `the LAN of the invited home ${home}` }))),
  ]
}

/** One spelling for a list, so that two of them can be compared. */
export function sortedLan(lan: readonly string[]): string[] {
  return [...new Set(lan)].sort()
}

/** What to do when the tunnel's network is in the way: other numbers for the LAN would not help at home. */
export function otherTunnelNetwork(taken: readonly string[]): string {
  return `Give the tunnel another network, on the hub: sudo homeward hub init --network ${freeTunnelNetwork(taken) ?? 'CIDR'} (homes follow by themselves)`
}

/** The network that the hub can know this LAN by instead, as part of a reason. */
function freeInstead(prefix: string, occupied: readonly Occupied[]): string {
  if (prefixLength(prefix) < SHORTEST_MAPPED) return '; name only the parts of it that should be reachable (--lan CIDR)'
  const free = freeMapping(
    prefix,
    occupied.map((one) => one.prefix),
  )
  return free === null ? '' : `; ${free} is free (--lan OWN=${free})`
}

/** The first network of the size of this one that nobody has; null: there is none, or the network is too large. */
export function freeMapping(prefix: string, taken: readonly string[]): string | null {
  const length = prefixLength(prefix)
  if (length < SHORTEST_MAPPED) return null
  const upTo255 = Array.from({ length: 256 }, (_, index) => index)
  const candidates =
    length < 24
      ? [...upTo255.map((second) => `10.${second}.0.0`), ...upTo255.slice(16, 32).map((second) => `172.${second}.0.0`)]
      : ['10.168', '10.68', '172.28', '192.168'].flatMap((first) => upTo255.map((third) => `${first}.${third}.0`))
  return (
    candidates.map((address) => `${address}/${length}`).find((one) => taken.every((other) => !overlaps(one, other))) ??
    null
  )
}
