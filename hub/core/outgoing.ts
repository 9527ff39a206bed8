import { Problem } from '../../problems/problem.ts'
import { UPGRADE } from '../../problems/upgrade.ts'
import { MOST_OUTGOING, type Publication, rangeText } from '../../protocol/publications.ts'
import type { Home, StoreDocument } from './store-document.ts'

interface Wanted extends Omit<Publication, 'addedAt'> {
  /** The publication that is changed; undefined: it is new. */
  readonly there: Publication | undefined
}

/** @throws {Problem} `outgoing-refused` where the service's own packets shall leave by the hub and cannot. */
export function refuseOutgoing(document: StoreDocument, home: Home, wanted: Wanted, what: string): void {
  const why = wanted.outgoing === true ? whyNot(document, home, wanted) : null
  if (why !== null) throw new Problem('outgoing-refused', { what: `${what} with --outgoing`, why })
}

function whyNot(document: StoreDocument, { name, outgoing }: Home, wanted: Wanted): string | null {
  if (outgoing === undefined)
    return `the agent of ${name} does not say that it can send by the hub: it is of an older version (there: ${UPGRADE}), or has not run since`
  if (!outgoing)
    return `the tunnel of ${name} ends on a router, where homeward does not lead what hosts send. It does where the tunnel ends on a Pi or another Linux machine that runs the service or is its gateway`
  const { protocol, address, targetPort, there } = wanted
  const last = targetPort + wanted.lastPort - wanted.port
  const others = document.publications.filter((one) => one !== there && one.outgoing === true)
  if (others.filter((one) => one.home === name).length >= MOST_OUTGOING)
    return `${name} has ${MOST_OUTGOING} such publications already, which is the most`
  // What a service sends from its own port leaves from one port of the hub.
  const other = others.find(
    (one) =>
      one.protocol === protocol &&
      one.address === address &&
      one.targetPort <= last &&
      targetPort <= one.targetPort + one.lastPort - one.port,
  )
  return other === undefined ? null : `what ${address} sends from that port leaves as ${rangeText(other)} already`
}
