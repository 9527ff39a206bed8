import type { HopEvidence, PacketFate, Hop } from '../../../adapters/packet-fate.ts'
import { stoppedBy } from '../../../adapters/stopped-by.ts'
import { contains } from '../../../net/prefix.ts'
import type { ArrivalsAnswer } from '../../../protocol/arrivals.ts'

/** All that both ends saw of packets that do not make a tunnel. null: not known. */
export interface DropEvidence {
  /** UDP port of the hub. */
  readonly port: number
  /** The error with which this machine's kernel refused to send; null: it sent. */
  readonly refused: string | null
  /** What this machine's kernel says of its own packets; null: the tunnel ends on a router, or it cannot tell. */
  readonly home: {
    readonly handshakes: PacketFate
    readonly answers: PacketFate
  } | null
  /** What the hub saw; null: it is older, or could not be asked. */
  readonly hub: ArrivalsAnswer | null
  /** Whether UDP of this line is answered by somebody else than the hub. */
  readonly elsewhere: boolean | null
  /** How far the packets get, by the routers that report that they expired; null: nobody looked. */
  readonly hops: HopEvidence | null
  /**
   * The same of datagrams that look like WireGuard's handshakes, of which none came to the VPS while others did. `come`:
   * they came, so that it is not their looks for which handshakes are missed; null: nobody looked.
   */
  readonly lookalikes: HopEvidence | 'come' | null
}

export interface Culprit {
  /**
   * Whoever was shown to drop the packets. `between`: they are lost on the way, and nothing tells whether this line or
   * the firewall of the VPS's provider takes them.
   */
  readonly who: 'home' | 'line' | 'between' | 'provider' | 'vps' | 'hub' | 'unknown'
  /** The evidence, for people. */
  readonly said: string
  readonly next: string
}

const AGAIN = 'then join again with the same token'

/** Names who drops the packets, and never anybody against whom nothing was shown. Pure. */
export function culpritOf(evidence: DropEvidence): Culprit {
  return ownFault(evidence) ?? onTheWay(evidence) ?? atTheHub(evidence)
}

/** This machine's own rules, or that it cannot send at all. */
function ownFault({ refused, home, port }: DropEvidence): Culprit | null {
  const sent = home?.handshakes ?? null
  if (sent !== null && stoppedBy(sent) !== null) {
    const said = `this machine’s own firewall stops what it sends to UDP port ${port} of the hub: ${stoppedBy(sent)}`
    return { who: 'home', said, next: `Let UDP out to port ${port} of the hub on this machine, ${AGAIN}` }
  }
  if (refused === null) return null
  return refused === 'EPERM' || refused === 'EACCES'
    ? {
        who: 'home',
        said: `this machine’s own firewall refuses to send to UDP port ${port} of the hub (${refused})`,
        next: `Let UDP out to port ${port} of the hub on this machine, ${AGAIN}`,
      }
    : {
        who: 'home',
        said: `this machine cannot send to the hub (${refused})`,
        next: `Look at this machine’s routes (ip route get, with the hub’s address), ${AGAIN}`,
      }
}

/** Whether datagrams come to the VPS, and handshakes do not, which were seen to leave. */
export function isFiltered({ hub, home }: Pick<DropEvidence, 'hub' | 'home'>): boolean {
  if (hub === null || home?.handshakes.end !== 'delivered') return false
  return hub.datagrams.end === 'delivered' && hub.handshakes.end === 'nothing-arrived'
}

/** Nothing came to the VPS's outer interface. */
function onTheWay(evidence: DropEvidence): Culprit | null {
  const { hub, home, port, elsewhere } = evidence
  if (hub === null)
    return {
      who: 'unknown',
      said: 'what arrives at the VPS could not be asked',
      next: `On the VPS homeward hub status tells whether packets from outside reach it, ${AGAIN}`,
    }
  const { datagrams, handshakes, others } = hub
  const isNothing = datagrams.end === 'nothing-arrived'
  const areHandshakes = isFiltered(evidence)
  // Handshakes are known by the address that the question came from: a carrier's NAT may give them another.
  if ((!isNothing && !areHandshakes) || evidence.lookalikes === 'come') return null
  // A router's own packets may pass where those of the machine behind it do not.
  if (home === null && handshakes.end !== 'nothing-arrived') return unsure()
  const what = isNothing
    ? `none of this home’s datagrams to UDP port ${port} came to the VPS’s network card`
    : `datagrams of this home come to UDP port ${port} of the VPS, and none of WireGuard’s handshakes comes to its network card`
  const hops = areHandshakes ? evidence.lookalikes : evidence.hops
  const place = hops === null ? null : placeOf(hops, hub.expiring === true)
  if (place?.who === 'provider')
    return {
      who: 'provider',
      said: `${what}, though they pass every router before it, to ${place.last.address}: the firewall of the VPS’s provider drops them`,
      next: areHandshakes
        ? `Ask the VPS’s provider why WireGuard’s handshakes to UDP port ${port} are dropped, ${AGAIN}`
        : `Let UDP port ${port} in at the firewall of the VPS’s provider, ${AGAIN}`,
    }
  if (place?.who === 'line') return line(`${what}; ${place.said}`)
  // Others that come show that the port is open, and not that it is open for this home's address.
  const hint =
    others === true
      ? '; those of others came at the same time, so that a provider’s firewall would let in some addresses only'
      : elsewhere === false
        ? '; no public resolver answers this line over UDP either'
        : ''
  return {
    who: 'between',
    said: `${what}: they are lost on the way, on this line or at the firewall of the VPS’s provider, and nothing here tells which${hint}`,
    next: areHandshakes
      ? 'Join from another line, such as a phone’s hotspot: if that works, this line filters WireGuard'
      : `Look whether the provider’s firewall lets UDP port ${port} in; the same command on another line, such as a phone’s hotspot, tells whether it is this one`,
  }
}

function line(said: string): Culprit {
  return {
    who: 'line',
    said: `${said}: this home’s line drops them, its router or its carrier`,
    next: 'Look at the firewall of this home’s router, or ask the carrier; a phone’s hotspot as the line shows whether it is this one',
  }
}

type Place = { readonly who: 'provider'; readonly last: Hop } | { readonly who: 'line'; readonly said: string }

/**
 * Where packets stop: at the router that reported last, or at the next one, which reports nothing where it drops them as
 * they come. So the line is shown to drop them where both are the home's or its carrier's: the home's own router and the
 * next, or one with an address that only a carrier's network has. The provider is shown to drop them where they get to the
 * very router that is the last one for connections, which the VPS answers from behind it.
 * @param areCounted whether the hub saw a connection come with a TTL of 1. A proxy on the way answers in the hub's name,
 * and behind a line that sets TTLs anew any router looks like the last one.
 */
function placeOf({ datagrams, connections, missed }: HopEvidence, areCounted: boolean): Place | null {
  const { farthest, routers } = connections
  const isLast = datagrams !== null && datagrams.number === routers && datagrams.number === farthest?.number
  if (areCounted && isLast && datagrams.address === farthest?.address) return { who: 'provider', last: datagrams }
  if (missed === null) return null
  const beyond = `connections sent right behind them get to ${missed.address}, router ${missed.number}`
  // Routers in between that report nothing may be anybody's.
  const isNext = missed.number === (datagrams?.number ?? 0) + 1 || isInside(missed)
  if (!isNext) return null
  if (datagrams === null) return { who: 'line', said: `no router reports them, where ${beyond}` }
  if (datagrams.number > 1 && !isInside(datagrams)) return null
  return {
    who: 'line',
    said: `they get to ${datagrams.address}, router ${datagrams.number}, and no farther, where ${beyond}`,
  }
}

/** Whether a router is the home's or its carrier's by its address. Far from home a private one may be a provider's. */
function isInside({ number, address }: Hop): boolean {
  return number <= NEAR_HOPS && INSIDE.some((prefix) => contains(prefix, `${address}/32`))
}

/** Networks of homes and of carriers' NATs (RFC 1918, RFC 6598), where no provider of a VPS has a router. */
const NEAR_HOPS = 4
const INSIDE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10'] as const

/** Packets came to the VPS: its own rules, its WireGuard, or the way back. */
function atTheHub({ hub, home, port }: DropEvidence): Culprit {
  if (hub === null) return unsure()
  const { datagrams, handshakes, answers } = hub
  for (const fate of [datagrams, handshakes]) {
    const stopped = stoppedBy(fate)
    if (stopped === null) continue
    const said = `this home’s packets come to the VPS’s network card, and the VPS itself stops them before WireGuard: ${stopped}`
    return { who: 'vps', said, next: `On the VPS let UDP port ${port} pass there, ${AGAIN}` }
  }
  if (handshakes.end !== 'delivered') return unsure()
  if (answers === null || answers.end === 'nothing-arrived')
    return {
      who: 'hub',
      said: 'this home’s handshakes come to the hub’s WireGuard, which does not answer them: it has another key of this home, or this machine’s clock went back',
      next: `Look at this machine’s clock (timedatectl), ${AGAIN}`,
    }
  const stopped = stoppedBy(answers)
  if (stopped !== null)
    return {
      who: 'vps',
      said: `the hub’s WireGuard answers, and the VPS itself stops its answers: ${stopped}`,
      next: `On the VPS let UDP out from port ${port}, ${AGAIN}`,
    }
  if (answers.end !== 'delivered' || home === null) return unsure()
  const heard = stoppedBy(home.answers)
  if (heard !== null)
    return {
      who: 'home',
      said: `the hub’s answers come to this machine, and its own firewall stops them: ${heard}`,
      next: `On this machine let in UDP from port ${port} of the hub, ${AGAIN}`,
    }
  if (home.answers.end !== 'nothing-arrived') return unsure()
  return {
    who: 'between',
    said: 'the hub hears this home and answers; its answers leave the VPS and do not come to this machine: they are lost on the way, at the firewall of the VPS’s provider or on this line, and nothing here tells which',
    next: 'Join from another line, such as a phone’s hotspot: if that works, it is this line',
  }
}

function unsure(): Culprit {
  return {
    who: 'unknown',
    said: 'nothing shows where the packets are lost',
    next: `On the VPS homeward hub status tells whether packets from outside reach it, ${AGAIN}`,
  }
}
