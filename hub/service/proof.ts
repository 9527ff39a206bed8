import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { type ProofLink, type Publication, rangeText, type Withheld } from '../../protocol/publications.ts'
import type { Clock } from '../../system/time/clock.ts'
import { discardSocket } from '../../system/sockets/discard-socket.ts'
import { sleep } from '../../system/time/sleep.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import type { Home } from '../core/store-document.ts'

/** What the proof of a publication asks. */
export interface ProofParts {
  readonly home: Home
  /** Why the hub's machine is not as it should be; null when it is. */
  readonly hubProblem: () => string | null
  /** Seconds since the home was last heard inside the tunnel; null: not since the daemon began, or none runs. */
  readonly heardSeconds: () => number | null
  /** Whether the home answers visitors through the tunnel; null: no daemon runs that could have heard it. */
  readonly isReady: () => boolean | null
  /** What of the publication leads nowhere. */
  readonly withheld: readonly Withheld[]
  readonly clock: Clock
}

/** A home hears within its longest pause between heartbeats that it is asked for something (25 s), mostly within 5. */
const READY_MS = 30_000
const SERVICE_MS = 4_000
/** Above the slowest heartbeat (60 s) and a keepalive's 25 s. */
const SILENT_AFTER_SECONDS = 75

/**
 * Follows a visitor's way, link by link, until one fails. The hub opens the port at its own public side: from there on it is
 * the way that a visitor's packets take. What lies before it, a provider's firewall, only somebody outside can try.
 */
export async function proveWay(publication: Publication, parts: ProofParts): Promise<ProofLink[]> {
  const links: ProofLink[] = []
  for (const prove of [hubLink, tunnelLink, homeLink, serviceLink]) {
    const link = await prove(publication, parts)
    links.push(link)
    if (link.works === false) break
  }
  return links
}

async function hubLink(publication: Publication, { hubProblem, withheld }: ProofParts): Promise<ProofLink> {
  const problem = hubProblem()
  if (problem !== null) return { link: 'hub', works: false, said: problem }
  const kept = withheld.map((range) => `${rangeText(range)} does not: ${range.why}`)
  if (firstLed(publication, withheld) === null) return { link: 'hub', works: false, said: kept.join('; ') }
  const said = [`the hub leads ${rangeText(publication)} into the tunnel`, ...kept].join('; ')
  return { link: 'hub', works: true, said }
}

/** null: all of it is withheld. */
export function firstLed({ port, lastPort }: Publication, withheld: readonly Withheld[]): number | null {
  let first = port
  for (const range of withheld.toSorted((a, b) => a.port - b.port)) if (range.port === first) first = range.lastPort + 1
  return first > lastPort ? null : first
}

async function tunnelLink(_: Publication, { home, heardSeconds }: ProofParts): Promise<ProofLink> {
  const seconds = heardSeconds()
  if (seconds === null)
    return { link: 'tunnel', works: null, said: `nothing was heard of ${home.name} since the hub’s daemon began` }
  const works = seconds <= SILENT_AFTER_SECONDS
  const ago = `${home.name} was heard ${Math.round(seconds)} s ago`
  return { link: 'tunnel', works, said: works ? ago : `${ago}: its tunnel is down` }
}

async function homeLink({ source }: Publication, { home, isReady, clock }: ProofParts): Promise<ProofLink> {
  if (source === 'hide') return { link: 'home', works: true, said: 'nothing is needed there: visitors are hidden' }
  const until = clock.now() + READY_MS
  while (isReady() === false && clock.now() < until) await sleep(200)
  const works = isReady()
  if (works === null) return { link: 'home', works, said: 'whether it answers visitors, only the hub’s daemon hears' }
  const said = works
    ? 'what answers visitors is led back into the tunnel'
    : `${home.name} does not say that it leads answers back into the tunnel: its agent may not run, homeward status there says more`
  return { link: 'home', works, said }
}

async function serviceLink(publication: Publication, { withheld }: ProofParts): Promise<ProofLink> {
  const { protocol, address } = publication
  const port = firstLed(publication, withheld) ?? publication.port
  const targetPort = publication.targetPort + port - publication.port
  const place = hostPort(address, targetPort)
  const here = await ownAddress()
  if (protocol === 'udp') {
    const refused = await isUdpRefused(here, port)
    const said = refused
      ? `nothing listens at ${place}`
      : 'UDP says nothing by itself: try it with the service’s own client'
    return { link: 'service', works: refused ? false : null, said }
  }
  const reply = await knockAt(here, port)
  switch (reply) {
    case 'answered':
      return { link: 'service', works: true, said: `${place} answers` }
    case 'ECONNREFUSED':
      return {
        link: 'service',
        works: false,
        said: `the host ${address} is there, and nothing listens at port ${targetPort}`,
      }
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return { link: 'service', works: false, said: `there is no host ${address} in the home’s network` }
    case 'silent':
      return {
        link: 'service',
        works: false,
        said: `nothing comes back from ${place}: the host is off, has a firewall of its own, or answers by another gateway`,
      }
    default:
      return { link: 'service', works: false, said: `asking ${place} failed: ${reply}` }
  }
}

/** `answered`, `silent`, or the error's code. */
function knockAt(address: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port })
    const end = (reply: string): void => {
      socket.destroy()
      resolve(reply)
    }
    socket.setTimeout(SERVICE_MS, () => end('silent'))
    socket.once('connect', () => end('answered'))
    socket.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => end(code === 'ETIMEDOUT' ? 'silent' : code))
  })
}

/** An ICMP error comes back to a connected socket as a refusal (udp(7)). */
function isUdpRefused(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4')
    const end = (refused: boolean): void => {
      clearTimeout(timer)
      discardSocket(socket)
      resolve(refused)
    }
    const timer = setTimeout(() => end(false), 1_500)
    socket.once('message', () => end(false))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED'))
    socket.connect(port, address, () => socket.send(new Uint8Array(0)))
  })
}

/** The address that this machine has towards the internet; no packet is sent for it. */
function ownAddress(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.once('error', reject)
    socket.connect(53, '192.0.2.1', () => {
      const { address } = socket.address()
      socket.close()
      resolve(address)
    })
  })
}
