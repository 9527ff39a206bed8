import { contains, overlaps, prefixLength } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import { isOpen, type StoreDocument } from './store-document.ts'

/** A network that a home's LAN must keep clear of, and its name for people. */
export interface Occupied {
  readonly prefix: string
  readonly by: string
}

/** Private networks: RFC 1918, and the shared space of RFC 6598 that some routers hand out. */
const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10']

/** Networks that no LAN can be (RFC 6890): this host, loopback, link-local, multicast and reserved. */
const NEVER = ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3']

/**
 * Checks what a home calls its LAN: the hub will route all of it into that home's tunnel.
 * @param granted prefixes that the hub's owner named. Others must be private: a home may not draw the internet to
 *   itself.
 * @throws {Problem} `lan-overlaps` naming both sides, `prefix-invalid`.
 */
export function checkLan(
  lan: readonly string[],
  granted: readonly string[],
  occupied: readonly Occupied[],
  what: string,
): void {
  for (const prefix of lan) {
    const clash = occupied.find((other) => overlaps(prefix, other.prefix))
    if (clash !== undefined)
      throw new Problem('lan-overlaps', {
        what,
        // Advice is given at home, by the code: so the network that is free must be part of `why`.
        why: `${prefix} overlaps ${clash.prefix}, ${clash.by}${freeInstead(prefix, occupied)}`,
      })
    if (NEVER.some((never) => overlaps(prefix, never)))
      throw new Problem('prefix-invalid', { what, why: `${prefix} is no network that a LAN can have` })
    if (![...PRIVATE, ...granted].some((allowed) => contains(allowed, prefix)))
      throw new Problem('prefix-invalid', {
        what,
        why: `${prefix} is no private network, and the hub’s owner did not name it: homeward hub invite HOME --lan ${prefix}`,
      })
  }
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
    { prefix: network, by: 'the tunnel’s own network' },
    ...own,
    ...homes.flatMap(({ name, lan }) => lan.map((prefix) => ({ prefix, by: `the LAN of the home ${name}` }))),
    ...invites.flatMap(({ home, lan }) => lan.map((prefix) => ({ prefix, by: `the LAN of the invited home ${home}` }))),
  ]
}

/** One spelling for a list, so that two of them can be compared. */
export function sortedLan(lan: readonly string[]): string[] {
  return [...new Set(lan)].sort()
}

/** The network that the hub can know this LAN by instead: the first of that size that nobody has. */
function freeInstead(prefix: string, occupied: readonly Occupied[]): string {
  const length = prefixLength(prefix)
  if (length < 16) return ''
  const candidates = Array.from({ length: 256 }, (_, index) =>
    length < 24 ? `10.${index}.0.0/${length}` : `10.168.${index}.0/${length}`,
  )
  const free = candidates.find((one) => occupied.every((other) => !overlaps(one, other.prefix)))
  return free === undefined ? '' : `; ${free} is free (--lan OWN=${free})`
}
