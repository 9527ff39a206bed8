import { Problem } from '../../problems/problem.ts'
import { isIn } from '../../net/prefix.ts'
import {
  entryCount,
  type ListedPublication,
  MOST_PUBLISHED_ENTRIES,
  type NamedTarget,
  type Outgoing,
  portCount,
  type Publication,
  type PublicationRequest,
  type PublishedRange,
  rangeText,
  type Source,
} from '../../protocol/publications.ts'
import { refuseBeyond } from '../rights/quotas.ts'
import { LAST_LOW_PORT, requireRight } from '../rights/rights.ts'
import type { Principal } from './devices.ts'
import type { ForwardedPorts } from './forwarded-ports.ts'
import { refuseOutgoing } from './outgoing.ts'
import { type Change, type Home, homeNamed, type StoreDocument, stillHome } from './store-document.ts'

/** Tells people why a port of this hub cannot be published; null: it can. */
export type ReservedBy = (protocol: Publication['protocol'], port: number) => string | null

/** A request, with the home, which only the hub's owner may name. Where nobody names it, the address tells. */
export interface PublicationInput extends PublicationRequest {
  readonly home?: string | null
}

/**
 * Publishes ports. Asked again for the same the answer is the same, since the first may have been lost.
 * @throws {Problem} `home-unknown`, `home-missing`, `right-missing`, `quota-reached`, `port-taken`, `publication-exists`,
 *   `publications-full`, `publication-invalid`, `source-not-kept`, `outgoing-refused`.
 */
export function addPublication(
  document: StoreDocument,
  principal: Principal,
  input: PublicationInput,
  reservedBy: ReservedBy,
  now: Date,
): Change<Publication> {
  const what = `publishing ${rangeText(input)}`
  const home = principal === null ? homeFor(document, input, what) : stillHome(document, principal, what)
  refuseOddRange(input, what)
  refuseTarget(home, input, what)
  const source = sourceOf(home, input, what)
  const { protocol, port, lastPort, address, targetPort, host } = input
  const named = host === undefined ? {} : { host }
  const there = document.publications.find((one) => one.protocol === protocol && overlap(one, input))
  // Who asks again without a word of it, such as a home whose service moved, leaves it as it is.
  const outgoing = (input.outgoing ?? there?.outgoing) === true ? ({ outgoing: true } as const) : {}
  const wanted = { protocol, port, lastPort, address, targetPort, source, home: home.name, ...named, ...outgoing }
  const sends = wanted.outgoing === true && there?.outgoing !== true
  if (principal !== null && sends) requireRight(home, 'outgoing', what)
  refuseOutgoing(document, home, { ...wanted, there }, what)
  const isChanged = there !== undefined && isSame(there, wanted) && there.outgoing !== wanted.outgoing
  if (there !== undefined && (isMove(there, wanted) || isChanged)) {
    const changed = { ...wanted, ...keptName(there), addedAt: there.addedAt }
    return [{ ...document, publications: document.publications.map((one) => (one === there ? changed : one)) }, changed]
  }
  if (there !== undefined) {
    if (isSame(there, wanted)) return [document, there]
    const leads =
      principal === null || there.home === principal.name ? ` to ${there.address} of ${there.home}` : ' elsewhere'
    throw new Problem('publication-exists', { what, why: `${rangeText(there)} leads${leads} already` })
  }
  if (principal !== null) refuseWithoutRight(document, home, input, what)
  refuseTooMany(document, input, what)
  refuseReserved(input, reservedBy, what)
  const publication: Publication = { ...wanted, addedAt: now.toISOString() }
  return [{ ...document, publications: [...document.publications, publication] }, publication]
}

/**
 * Removes a publication, named by its ports or the first of them. A home removes its own.
 * @throws {Problem} `publication-missing`, `home-unknown`.
 */
export function removePublication(
  document: StoreDocument,
  principal: Principal,
  range: PublishedRange,
): Change<Publication> {
  const what = `taking back ${rangeText(range)}`
  const found = findPublication(document, principal, range, what)
  return [{ ...document, publications: document.publications.filter((other) => other !== found) }, found]
}

/** @throws {Problem} `publication-missing`, `home-unknown`. */
export function findPublication(
  document: StoreDocument,
  principal: Principal,
  range: PublishedRange,
  what: string,
): Publication {
  const home = principal === null ? null : stillHome(document, principal, what).name
  const found = document.publications.find(
    (one) =>
      one.protocol === range.protocol &&
      one.port === range.port &&
      (one.lastPort === range.lastPort || range.lastPort === range.port) &&
      (home === null || one.home === home),
  )
  if (found === undefined)
    throw new Problem('publication-missing', { what, why: `${home ?? 'the hub'} has not published it` })
  return found
}

export function visiblePublications(document: StoreDocument, principal: Principal): readonly Publication[] {
  return document.publications
    .filter(({ home }) => principal === null || home === principal.name)
    .toSorted((a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol))
}

/** Publications that the principal sees, with the ports of them that are not forwarded. */
export function listedPublications(
  document: StoreDocument,
  principal: Principal,
  { withheld }: ForwardedPorts,
): readonly ListedPublication[] {
  return visiblePublications(document, principal).map((publication) => {
    const kept = withheld.get(publication)
    const whyOutside = outside(document, publication)
    return {
      ...publication,
      ...(kept === undefined ? {} : { withheld: [...kept] }),
      ...(whyOutside === null ? {} : { whyOutside }),
    }
  })
}

/** Why the tunnel does not lead to the service any more; null: it does. */
export function outside(document: StoreDocument, { home: name, address, protocol, port }: Publication): string | null {
  const home = homeNamed(document, name)
  if (home === null || isTargetOf(home, address)) return null
  return `${address} is no longer in the LAN of ${name} (${home.lan.join(', ') || 'none'}); homeward publish remove ${port}/${protocol}, then add it with the address that the service has now`
}

/** @throws {Problem} `home-missing`, `publication-invalid`. */
function homeFor(document: StoreDocument, { home, address }: PublicationInput, what: string): Home {
  if (home !== undefined && home !== null) {
    const named = homeNamed(document, home)
    if (named !== null) return named
    throw new Problem('home-missing', { what, why: `the hub has no home ${home}` })
  }
  const [only, ...others] = document.homes.filter((one) => isTargetOf(one, address))
  if (only !== undefined && others.length === 0) return only
  const which = others.length > 0 ? 'more than one home has' : 'no home has'
  throw new Problem('publication-invalid', {
    what,
    why: `${which} ${address}`,
    next: 'Say which home is meant: --home HOME; see them with homeward hub status',
  })
}

function isTargetOf({ address: own, lan }: Home, address: string): boolean {
  return address === own || isIn(address, lan)
}

function refuseOddRange({ port, lastPort, targetPort }: PublicationInput, what: string): void {
  if (lastPort < port) throw new Problem('publication-invalid', { what, why: 'the last port comes before the first' })
  if (targetPort + lastPort - port > 65_535)
    throw new Problem('publication-invalid', { what, why: 'it would lead to ports above 65535' })
}

function refuseTarget(home: Home, { address }: PublicationInput, what: string): void {
  if (isTargetOf(home, address)) return
  const networks = [...home.lan, `${home.address} (the home’s end of the tunnel)`].join(', ')
  throw new Problem('publication-invalid', {
    what,
    why: `${address} is not in what the tunnel reaches at ${home.name}: ${networks}`,
  })
}

/**
 * The source that visitors have at the service; the home says for which of its addresses answers find the way back. For
 * others keeping is only tried where somebody asks for it: their gateway is seldom the machine that the tunnel ends on.
 */
function sourceOf(home: Home, { source, address }: PublicationInput, what: string): Source {
  const canKeep = isIn(address, home.keeps ?? [])
  if (source === null) return canKeep ? 'keep' : 'hide'
  if (source === 'hide' || canKeep || home.triesKeep === true) return source
  throw new Problem('source-not-kept', {
    what,
    why: `at ${home.name} only ${(home.keeps ?? []).join(', ') || 'no address'} can see visitors’ own addresses: answers of ${address} would go past the tunnel`,
  })
}

/** @throws {Problem} `right-missing`, `quota-reached`. */
function refuseWithoutRight({ publications }: StoreDocument, home: Home, range: PublicationInput, what: string): void {
  if (range.port <= LAST_LOW_PORT) requireRight(home, 'publish-low', what)
  if (range.lastPort > LAST_LOW_PORT) requireRight(home, 'publish', what)
  const own = publications.filter((one) => one.home === home.name)
  refuseBeyond(home, 'ports', portCount([...own, range]), what)
}

function refuseTooMany({ publications }: StoreDocument, range: PublicationInput, what: string): void {
  const [there, more] = [entryCount(publications), entryCount([range])]
  if (there + more <= MOST_PUBLISHED_ENTRIES) return
  const room = Math.max(0, MOST_PUBLISHED_ENTRIES - there)
  throw new Problem('publications-full', {
    what,
    why: `a hub forwards ${MOST_PUBLISHED_ENTRIES} single ports at most, where a range that leads to the same numbers counts as one; this would be ${more} more, and there is room for ${room}`,
  })
}

function refuseReserved(range: PublicationInput, reservedBy: ReservedBy, what: string): void {
  for (let port = range.port; port <= range.lastPort; port += 1) {
    const why = reservedBy(range.protocol, port)
    if (why === null) continue
    throw new Problem('port-taken', {
      what,
      why,
      next: 'Publish another port: homeward publish add PORT/tcp HOST:PORT',
    })
  }
}

/** Whether what is asked for is there already, by whichever name. */
function isSame(there: Publication, wanted: Omit<Publication, 'addedAt' | 'outgoing'>): boolean {
  return (['port', 'lastPort', 'address', 'targetPort', 'source', 'home'] as const).every(
    (key) => there[key] === wanted[key],
  )
}

/** A publication that is asked for by its address keeps the name that it was given by. */
function keptName({ host }: Publication): Pick<Publication, 'host'> {
  return host === undefined ? {} : { host }
}

/** Whether the same publication is asked for, whose host name leads to another address by now. */
function isMove(there: Publication, { host, address, ...wanted }: Omit<Publication, 'addedAt'>): boolean {
  return (
    host !== undefined &&
    there.host === host &&
    there.address !== address &&
    there.home === wanted.home &&
    there.port === wanted.port &&
    there.lastPort === wanted.lastPort &&
    there.targetPort === wanted.targetPort
  )
}

/** The home's services that were given by host names. Who hides visitors goes on doing so. */
export function namedTargets({ publications }: StoreDocument, home: string): NamedTarget[] {
  return publications.flatMap(({ protocol, port, lastPort, address, targetPort, source, host, home: own }) =>
    own !== home || host === undefined
      ? []
      : [{ protocol, port, lastPort, address, targetPort, host, source: source === 'hide' ? source : null }],
  )
}

/** What of a home's publications leaves by this hub, where the tunnel still leads to the sender. */
export function outgoingOf(document: StoreDocument, home: string): Outgoing[] {
  return document.publications
    .filter((one) => one.home === home && one.outgoing === true && outside(document, one) === null)
    .map(({ protocol, port, lastPort, address, targetPort }) => ({ protocol, port, lastPort, address, targetPort }))
    .toSorted((a, b) => a.port - b.port || a.protocol.localeCompare(b.protocol))
}

function overlap(a: PublishedRange, b: PublishedRange): boolean {
  return a.port <= b.lastPort && b.port <= a.lastPort
}
