import { createSocket } from 'node:dgram'
import type { Checked } from '../proving/proving.ts'
import type { ProofLink, Publication, Withheld } from '../../protocol/publications.ts'
import type { Clock } from '../../system/time/clock.ts'
import { discardSocket } from '../../system/sockets/discard-socket.ts'
import { tryTcp } from '../../system/sockets/try-tcp.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Home } from '../core/store-document.ts'
import type { OutgoingSeen } from '../presence/outgoing-seen.ts'
import { ownAddress } from './own-address.ts'
import { homeLink, hubLink, outgoingLink, passed, rangeLink, type Reply, serviceLink, tunnelLink } from './links.ts'

/** Facts and questions for the proof of a publication. */
export interface ProofDeps {
  readonly home: Home
  /** Why the hub's machine is not in the desired state, or gets no visitors; null when neither is so. */
  readonly hubProblem: () => Promise<string | null>
  /** Seconds since the home was last heard inside the tunnel; null: not since the daemon began, or none runs. */
  readonly heardSeconds: () => number | null
  /** Whether the home answers visitors through the tunnel; null: no daemon runs that could have heard it. */
  readonly isReady: () => boolean | null
  /** Measures the way of the service's answers; the reason why visitors are hidden from it all the same, or null. */
  readonly measureSource: (publication: Publication) => Promise<string | null>
  /** Ports of the publication that are not forwarded. */
  readonly withheld: readonly Withheld[]
  /** Ports of the publication to open; none: all of it is withheld. */
  readonly ports: readonly number[]
  /** Why a stranger's packets to that port do not come into the tunnel; null: they do, or this machine cannot tell. */
  readonly whyTaken: (port: number) => Promise<string | null>
  /** How long a home that does not answer visitors yet is waited for. */
  readonly readyWithinMs: number
  readonly clock: Clock
}

/** What is known of a home, whichever of its publications is proven. */
export type HomeFacts = (home: Home) => Omit<ProofDeps, 'withheld' | 'ports' | 'whyTaken' | 'readyWithinMs'>

const SERVICE_MS = 4_000
/** How long data is waited for: a host that is not there is told of after three seconds without ARP (arp(7)). */
const UDP_MS = 3_500

/**
 * Follows a visitor's path, link by link, until one fails. The hub opens the port at its own public side: from there on
 * it is the path of a visitor's packets. What is before it, such as a provider's firewall, can only be tried from
 * outside.
 */
export async function provePath(publication: Publication, deps: ProofDeps): Promise<Checked> {
  const { home, withheld, ports } = deps
  const { source } = publication
  const links: ProofLink[] = []
  let answeredPort: number | null = null
  for (const prove of [
    async () => {
      const link = hubLink(publication, withheld, await deps.hubProblem())
      // Past PREROUTING and FORWARD, as visitors go: what the hub sends to its own address passes neither.
      return link.works === true ? passed(link, await deps.whyTaken(ports[0] ?? publication.port)) : link
    },
    () => tunnelLink(home.name, deps.heardSeconds()),
    async () => {
      const isReady = source === 'keep' ? await readiness(deps.isReady, deps) : null
      const whyHidden = isReady === true ? await deps.measureSource(publication) : null
      return homeLink(home.name, source, isReady, whyHidden)
    },
    async () => {
      const asked = await ask(publication, ports)
      answeredPort = asked.answeredPort
      return asked.link
    },
  ]) {
    const link = await prove()
    links.push(link)
    if (link.works === false) break
  }
  return { links, answeredPort }
}

/** Facts and questions for the proof of what a service sends by the hub. */
export interface OutgoingDeps {
  /** Whether the home sends by this hub what it shall; null: no daemon runs that could have heard it. */
  readonly isSending: () => boolean | null
  /** Measures it; the reason why what the service sends does not leave by this hub, or null: nothing says so. */
  readonly measure: (publication: Publication) => Promise<string | null>
  /** What of it was seen here; null: it cannot be told. */
  readonly seen: (publication: Publication) => Promise<OutgoingSeen | null>
  /** How long a home that does not send by this hub yet is waited for. */
  readonly readyWithinMs: number
  readonly clock: Clock
}

/** What is known of a home, whichever of its publications sends. */
export type SendingFacts = (home: Home) => Omit<OutgoingDeps, 'readyWithinMs'>

/** Whether what the service sends leaves by the hub, once the tunnel is up: it is not said by whether visitors get through. */
export async function proveOutgoing(publication: Publication, deps: OutgoingDeps): Promise<ProofLink> {
  const isReady = await readiness(deps.isSending, deps)
  const whyNot = isReady === true ? await deps.measure(publication) : null
  return outgoingLink(publication, isReady, await deps.seen(publication), whyNot)
}

/** Waits for a home that shall answer visitors, or send by this hub, as long as it may take to hear so. */
async function readiness(
  isReady: () => boolean | null,
  { readyWithinMs, clock }: Pick<ProofDeps, 'readyWithinMs' | 'clock'>,
): Promise<boolean | null> {
  const until = clock.now() + readyWithinMs
  while (isReady() === false && clock.now() < until) await sleep(200)
  return isReady()
}

/** Opens ports at the hub's own public side. */
async function ask(
  publication: Publication,
  ports: readonly number[],
): Promise<{ readonly link: ProofLink; readonly answeredPort: number | null }> {
  const { protocol, address, port, targetPort } = publication
  const here = await ownAddress()
  const asked = await Promise.all(
    ports.map(async (one) => {
      const reply = await (protocol === 'udp' ? sendTo(here, one) : connectTo(here, one))
      return { port: targetPort + one - port, reply }
    }),
  )
  const [only, ...others] = asked
  const link =
    only !== undefined && others.length === 0 ? serviceLink(address, only.port, only.reply) : rangeLink(address, asked)
  const answering = asked.findIndex(({ reply: { kind } }) => kind === 'answered' || kind === 'data')
  return { link, answeredPort: ports[answering] ?? null }
}

async function connectTo(host: string, port: number): Promise<Reply> {
  const tried = await tryTcp({ host, port }, SERVICE_MS)
  if (tried.kind === 'failed') return failed(tried.error)
  return tried.kind === 'silent' ? tried : { kind: 'answered' }
}

function failed({ code = 'unknown' }: NodeJS.ErrnoException): Reply {
  return { kind: 'failed', code }
}

/**
 * Sends a datagram. The socket is connected: only what comes from where a visitor asked is an answer, and an ICMP error
 * comes back as an error (udp(7)).
 */
function sendTo(address: string, port: number): Promise<Reply> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const end = (reply: Reply): void => {
      clearTimeout(timer)
      discardSocket(socket)
      resolve(reply)
    }
    const timer = setTimeout(() => end({ kind: 'untold' }), UDP_MS)
    socket.once('message', () => end({ kind: 'data' }))
    socket.once('error', ({ code = 'unknown' }: NodeJS.ErrnoException) =>
      end(code === 'ECONNREFUSED' ? { kind: 'refused' } : { kind: 'failed', code }),
    )
    socket.connect(port, address, (error?: Error) =>
      error === undefined
        ? socket.send(new Uint8Array(0))
        : end({ kind: 'failed', code: (error as NodeJS.ErrnoException).code ?? 'unknown' }),
    )
  })
}
