import { isIP, isIPv6 } from 'node:net'
import { Problem } from '../problems/problem.ts'
import { routeEnds } from '../system/sockets/route-ends.ts'

/**
 * Why a hub is not reached from this line: the line lacks the hub's family of addresses, or has no way out at all. The
 * hub and its provider have nothing to do with either.
 */

/**
 * Errors of connect(2) that name a missing way: none in the routing table or a router's word (ip(7)), no address of
 * this family here (IPv6 switched off by sysctl), no such family in this kernel.
 */
const NO_WAY: readonly (string | undefined)[] = ['ENETUNREACH', 'EHOSTUNREACH', 'EADDRNOTAVAIL', 'EAFNOSUPPORT']

/** Two addresses of the internet: whether routes lead there says which families this line has. Nothing is sent there. */
export const OUTSIDE = { IPv4: '1.1.1.1', IPv6: '2606:4700:4700::1111' } as const
type Family = keyof typeof OUTSIDE

interface Failed {
  readonly address: string
  readonly code: string | undefined
}

/** Whether no packet could be sent: every address that was tried has no way to it. */
export function isNoWay(thrown: unknown): boolean {
  const failed = failuresIn(thrown)
  return failed.length > 0 && failed.every(({ code }) => NO_WAY.includes(code))
}

/**
 * A problem that says what the line lacks, in place of one that came of a missing way; any other as it is.
 * @param host the hub's address or name, as it is known here.
 */
export async function explainedNoWay(problem: Problem, host: string, hasRoute = routed): Promise<Problem> {
  const { what, cause } = problem
  if (problem.code !== 'hub-unreachable' || !isNoWay(cause)) return problem
  const families = new Set(failuresIn(cause).map(({ address }) => familyOf(address)))
  const [family, second] = families
  const has = { IPv4: await hasRoute(OUTSIDE.IPv4), IPv6: await hasRoute(OUTSIDE.IPv6) }
  if (!has.IPv4 && !has.IPv6)
    return new Problem('hub-unreachable', {
      what,
      why: 'this machine has no route to the internet',
      next: 'Check the network of this machine: ip route and ip -6 route show no default route',
      cause,
    })
  if (family === undefined || second !== undefined || has[family])
    return new Problem('hub-unreachable', {
      what,
      // A firewall that rejects, the VPS's own among them, answers with the same errors (net/ipv4/icmp.c, icmp_err_convert).
      why: `a router or a firewall on the way, or on the VPS, says that ${host} cannot be reached`,
      next: 'Check this home’s line, the hub’s address, and that the VPS is on; homeward hub status there tells whether its own firewall rejects',
      cause,
    })
  const other: Family = family === 'IPv4' ? 'IPv6' : 'IPv4'
  return new Problem('hub-unreachable', {
    what,
    why: `this line has no ${family}, and ${isIP(host) === 0 ? `${host} has ${family} addresses only` : `${host} is an ${family} address`}`,
    next: ADVICE[other],
    cause,
  })
}

/** What the hub's owner can do, by the family that the line has. */
const ADVICE: Readonly<Record<Family, string>> = {
  IPv6: 'On the hub, put its IPv6 address, or a name, into addresses of hub.yaml, then make a new token with homeward hub invite HOME. A name of an IPv4 address does where this line’s DNS translates (NAT64 with DNS64), which was not found here',
  IPv4: 'On the hub, put its IPv4 address, or a name that has one, into addresses of hub.yaml, then make a new token with homeward hub invite HOME. A VPS that has no IPv4 can be reached from lines with IPv6 only',
}

async function routed(address: string): Promise<boolean> {
  return (await routeEnds(address)) !== null
}

/** The addresses that connect(2) was called with, each with its error: several where a name has several (RFC 8305). */
function failuresIn(thrown: unknown): readonly Failed[] {
  if (thrown instanceof AggregateError) return thrown.errors.flatMap(failuresIn)
  if (!(thrown instanceof Error)) return []
  const { address, code } = thrown as NodeJS.ErrnoException & { readonly address?: string }
  return address === undefined ? [] : [{ address, code }]
}

function familyOf(address: string): Family {
  return isIPv6(address) ? 'IPv6' : 'IPv4'
}
