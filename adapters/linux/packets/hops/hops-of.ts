import type { Hop, HopEvidence } from '../../../packet-fate.ts'
import type { RouterReport } from './hops-table.ts'

/** In how many rounds a router must report what came right behind datagrams that it says nothing of. */
const TWICE = 2

/**
 * What the reports of routers show, of rounds in each of which datagrams went out with every TTL and connections with the
 * same ones right behind them. Pure.
 * @param address that all went to: a refusal in its own name says nothing of routers.
 * @param answeredWith the least TTL with which a connection was answered; null: none was.
 */
export function hopsOf(all: readonly RouterReport[], address: string, answeredWith: number | null): HopEvidence {
  const reports = all.filter(({ from }) => from !== address)
  const datagrams = lastHop(reports, 'udp')
  return {
    datagrams,
    connections: { farthest: lastHop(reports, 'tcp'), routers: answeredWith === null ? null : answeredWith - 1 },
    missed: missedBy(reports, datagrams?.number ?? 0),
  }
}

/**
 * The farthest router that packets got to: the one that refuses them, or the last that reports that they expired. A
 * router looks at the TTL before it looks whom it forwards to (RFC 1812, 5.3.1; Linux's ip_forward): what it refuses would
 * have passed it.
 */
function lastHop(reports: readonly RouterReport[], of: RouterReport['protocol']): Hop | null {
  const said = reports.filter(({ protocol }) => protocol === of).toSorted((a, b) => a.ttl - b.ttl)
  const refused = said.find(({ what, ttl }) => what === 'refused' && ttl > 1)
  if (refused !== undefined) return { number: refused.ttl - 1, address: refused.from }
  const expired = said.findLast(({ what }) => what === 'expired')
  return expired === undefined ? null : { number: expired.ttl, address: expired.from }
}

/**
 * The nearest router behind that one which reports connections again and again, and of datagrams that came right before
 * them nothing. Routers report only so much in a second (icmp(7), icmp_ratelimit): once may be by chance.
 */
function missedBy(reports: readonly RouterReport[], lastNumber: number): Hop | null {
  const missed = reports
    .filter(({ protocol, what, ttl, count }) => {
      return protocol === 'tcp' && what === 'expired' && ttl > lastNumber && count >= TWICE
    })
    .toSorted((a, b) => a.ttl - b.ttl)
    .at(0)
  return missed === undefined ? null : { number: missed.ttl, address: missed.from }
}
