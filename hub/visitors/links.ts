import { type ProofLink, type Publication, rangeText, type Withheld } from '../../protocol/publications.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import { firstForwarded } from '../core/forwarded-ports.ts'
import type { OutgoingSeen } from '../presence/outgoing-seen.ts'

/** The report of each link of a visitor's path, by what was seen of it. Pure. */

/** After what silence a home counts as gone: above the slowest heartbeat (60 s) and a keepalive's 25 s. */
const SILENT_AFTER_SECONDS = 75

/** @param problem why the hub's machine is not in the desired state; null when it is. */
export function hubLink(publication: Publication, withheld: readonly Withheld[], problem: string | null): ProofLink {
  if (problem !== null) return { link: 'hub', works: false, said: problem }
  const kept = withheld.map((range) => `${rangeText(range)} does not: ${range.why}`)
  if (firstForwarded(publication, withheld) === null) return { link: 'hub', works: false, said: kept.join('; ') }
  const said = [`the hub forwards ${rangeText(publication)} into the tunnel`, ...kept].join('; ')
  return { link: 'hub', works: true, said }
}

/** The hub's link, after somebody tried it as visitors do. @param why their packets do not come into the tunnel. */
export function passed(link: ProofLink, why: string | null): ProofLink {
  if (why === null) return link
  return { ...link, works: false, said: `visitors do not come into the tunnel: on the hub ${why}` }
}

/**
 * @param heardSeconds since the home was last heard inside the tunnel; null: not since the daemon began, or none runs.
 */
export function tunnelLink(home: string, heardSeconds: number | null): ProofLink {
  if (heardSeconds === null)
    return { link: 'tunnel', works: null, said: `nothing was heard of ${home} since the hub’s daemon began` }
  const works = heardSeconds <= SILENT_AFTER_SECONDS
  const ago = `${home} was heard ${Math.round(heardSeconds)} s ago`
  return { link: 'tunnel', works, said: works ? ago : `${ago}: its tunnel is down` }
}

/**
 * @param isReady whether the home answers visitors through the tunnel; null: no daemon runs that could have heard it.
 * @param whyHidden why visitors are hidden, though the service should see their addresses; null: they are not.
 */
export function homeLink(
  home: string,
  source: Publication['source'],
  isReady: boolean | null,
  whyHidden: string | null = null,
): ProofLink {
  if (whyHidden !== null)
    return { link: 'home', works: true, said: `visitors are hidden for now: ${whyHidden}`, source: 'hide' }
  if (source === 'hide') return { link: 'home', works: true, said: 'nothing is needed there: visitors are hidden' }
  if (isReady === null)
    return { link: 'home', works: null, said: 'only the hub’s daemon hears whether it answers visitors' }
  const said = isReady
    ? 'what answers visitors is led back into the tunnel'
    : `${home} does not say that it leads answers back into the tunnel: its agent may not run, homeward status there says more`
  return { link: 'home', works: isReady, said }
}

/**
 * @param isReady whether the home sends by this hub what it shall; null: no daemon runs that could have heard it.
 * @param seen what of it was seen here; null: it cannot be told.
 * @param whyNot why it takes another way, as measured; null: nothing says so. What was seen outranks it.
 */
export function outgoingLink(
  publication: Publication,
  isReady: boolean | null,
  seen: OutgoingSeen | null,
  whyNot: string | null,
): ProofLink {
  const { address, home } = publication
  const of = (works: boolean | null, said: string): ProofLink => ({ link: 'outgoing', works, said })
  const what = `what ${address} sends to ${portsText(publication)} of the internet`
  if (isReady === false)
    return of(
      false,
      `${home} does not say that it leads ${what} into the tunnel: its agent may not run, homeward status there says more`,
    )
  if (seen?.sentSeconds != null) {
    const left = `${what} leaves by this hub’s address, last ${Math.round(seen.sentSeconds)} s ago`
    return seen.answeredSeconds === null
      ? of(null, `${left}, and nothing came back: try another server on the internet${mailHint(publication)}`)
      : of(true, `${left}, and was answered`)
  }
  if (whyNot !== null) return of(false, whyNot)
  return of(null, `${what} was not seen here yet: let it send something, then check again`)
}

/** What to try next for mail, which is the usual one of these services. */
function mailHint({ protocol, port, lastPort }: Publication): string {
  const isMail = protocol === 'tcp' && port <= 25 && 25 <= lastPort
  return isMail
    ? '. If none answers, ask the VPS’s provider whether TCP port 25 may go out: many allow it on request only'
    : ''
}

function portsText({ protocol, port, lastPort }: Publication): string {
  const name = protocol.toUpperCase()
  return port === lastPort ? `${name} port ${port}` : `${name} ports ${port} to ${lastPort}`
}

/** The reply from the service's address. */
export type Reply =
  | { readonly kind: 'answered' | 'silent' }
  /** UDP: data came back through the tunnel, from where it was asked for. */
  | { readonly kind: 'data' }
  /** UDP: an ICMP error came back. */
  | { readonly kind: 'refused' }
  /** UDP: nothing says that the service is there, and nothing that it is not. */
  | { readonly kind: 'untold' }
  /** `code` is the error's. */
  | { readonly kind: 'failed'; readonly code: string }

/** A port of the service that was asked, and its reply. */
export interface Asked {
  readonly port: number
  readonly reply: Reply
}

/**
 * The link to services behind a range, of which some ports were asked. One that answers proves the way; a host that refuses
 * is there, and nothing says that each port of a range has a service.
 */
export function rangeLink(address: string, asked: readonly Asked[]): ProofLink {
  const links = asked.map(({ port, reply }) => serviceLink(address, port, reply))
  const proven = links.find(({ works }) => works === true)
  const refusing = asked.filter(({ reply }) => isRefusal(reply)).map(({ port }) => port)
  if (proven === undefined && refusing.length > 0) {
    const ports = refusing.length === 1 ? `port ${refusing[0]}` : `ports ${refusing.join(', ')}`
    return {
      link: 'service',
      works: null,
      said: `the host ${address} is there, and nothing listens at ${ports} of the range`,
    }
  }
  return proven ?? links[0] ?? { link: 'service', works: null, said: `no port of ${address} was asked` }
}

function isRefusal(reply: Reply): boolean {
  return reply.kind === 'refused' || (reply.kind === 'failed' && reply.code === 'ECONNREFUSED')
}

export function serviceLink(address: string, port: number, reply: Reply): ProofLink {
  const place = hostPort(address, port)
  const fails = (said: string): ProofLink => ({ link: 'service', works: false, said })
  switch (reply.kind) {
    case 'answered':
      return { link: 'service', works: true, said: `${place} answers` }
    case 'data':
      return { link: 'service', works: true, said: `${place} answers: data came back through the tunnel` }
    case 'refused':
      return fails(`nothing listens at ${place}`)
    case 'untold':
      return {
        link: 'service',
        works: null,
        said: `no data came back from ${place}, and no error: some services do not answer what they do not know, so try it with its own client`,
      }
    case 'silent':
      return fails(
        `nothing comes back from ${place}: the host is off, has a firewall of its own, or answers by another gateway`,
      )
    case 'failed':
      return fails(whyFailed(address, port, reply.code))
    default:
      return reply satisfies never
  }
}

function whyFailed(address: string, port: number, code: string): string {
  switch (code) {
    case 'ECONNREFUSED':
      return `the host ${address} is there, and nothing listens at port ${port}`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      // The kernel says the same of an ICMP error that a firewall's reject makes (net/ipv4/icmp.c, icmp_err_convert).
      return `${address} cannot be reached in the home’s network: there is no such host, or a firewall at the home rejects what comes through the tunnel`
    default:
      return `asking ${hostPort(address, port)} failed: ${code}`
  }
}
