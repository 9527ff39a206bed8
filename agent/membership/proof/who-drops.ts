import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { PacketFate } from '../../../adapters/packet-fate.ts'
import { searchHops } from '../../../adapters/linux/packets/hops/search-hops.ts'
import { watchPackets } from '../../../adapters/linux/packets/watch.ts'
import { ArrivalsAnswer, lookalikeOf, PROBE_BEGINS, WATCH_MS } from '../../../protocol/arrivals.ts'
import { discardSocket } from '../../../system/sockets/discard-socket.ts'
import { sleep } from '../../../system/time/sleep.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { parseEndpoint } from '../../../wireguard/spec.ts'
import { askRegistrar } from '../../registrar/ask-registrar.ts'
import { readBearer } from '../../secrets/secrets.ts'
import type { TunnelConfig } from '../../settings/config.ts'
import { type Culprit, culpritOf, type DropEvidence, isFiltered } from './culprit.ts'

const SEND_EVERY_MS = 250
/** Behind the watch, what making and reading its tables takes on a busy machine. */
const ASK_MS = WATCH_MS + 15_000
/** A question or its answer may be lost, and is asked again. */
const ELSEWHERE_MS = 2_000
const ELSEWHERE_EVERY_MS = 1_000

/**
 * Finds out who drops the packets of a tunnel that does not come up, within some seconds: both ends watch datagrams and
 * handshakes while they are sent. Never throws, unless the signal ends it.
 * @param endpoint where WireGuard sends. @param listenPort its own port; null: not known.
 */
export async function whoDrops(
  config: TunnelConfig,
  configDir: string,
  endpoint: Endpoint,
  listenPort: number | null,
  signal: AbortSignal,
): Promise<Culprit> {
  return culpritOf(await dropEvidence(config, configDir, endpoint, listenPort, signal))
}

export async function dropEvidence(
  config: TunnelConfig,
  configDir: string,
  endpoint: Endpoint,
  listenPort: number | null,
  signal: AbortSignal,
): Promise<DropEvidence> {
  const seen = await followPackets(config, configDir, endpoint, listenPort, signal)
  signal.throwIfAborted()
  // An older hub would take lookalikes for handshakes.
  if (!isFiltered(seen) || seen.hub?.lookalikes === undefined) return seen
  return { ...seen, lookalikes: await followLookalikes(config, configDir, endpoint, signal) }
}

/** How far datagrams and handshakes get, by what both ends see. */
async function followPackets(
  config: TunnelConfig,
  configDir: string,
  endpoint: Endpoint,
  listenPort: number | null,
  signal: AbortSignal,
): Promise<DropEvidence> {
  const nonce = newNonce()
  const isHere = config.router.kind === 'linux'
  // Of this machine's own datagrams: where the tunnel ends on a router, they go by it too. All else comes after them: it
  // would use up what a router reports in a second.
  const search = await searchHops(endpoint, config.hub.port, probeOf(nonce), signal)
  try {
    const asked = askHub(config, configDir, endpoint, nonce, signal)
    const looking = search?.look(asked) ?? Promise.resolve(null)
    const [hub, home, hops, refused, elsewhere] = await Promise.all([
      asked,
      isHere ? watchHome(config.interface, endpoint, listenPort, asked, signal) : null,
      looking,
      looking.then(() => sendWhile(endpoint, [probeOf(nonce)], asked, signal)),
      looking.then(() => isAnsweredElsewhere(config.beacons, signal)),
    ])
    return { port: endpoint.port, refused, home, hub, elsewhere, hops, lookalikes: null }
  } finally {
    await search?.close()
  }
}

/** How far datagrams get that look like WireGuard's handshakes, while the hub is asked whether they come. */
async function followLookalikes(
  config: TunnelConfig,
  configDir: string,
  endpoint: Endpoint,
  signal: AbortSignal,
): Promise<DropEvidence['lookalikes']> {
  const nonce = newNonce()
  const lookalike = lookalikeOf(nonce)
  const search = await searchHops(endpoint, config.hub.port, lookalike, signal)
  try {
    const asked = askHub(config, configDir, endpoint, nonce, signal)
    // Those that pass use up nothing of what routers report.
    const besides = search === null ? [probeOf(nonce), lookalike] : [probeOf(nonce)]
    const [hub, hops] = await Promise.all([
      asked,
      search?.look(asked) ?? null,
      sendWhile(endpoint, besides, asked, signal),
    ])
    signal.throwIfAborted()
    if (hub?.lookalikes === true) return 'come'
    return hub?.datagrams.end === 'delivered' && hub.lookalikes === false ? hops : null
  } finally {
    await search?.close()
  }
}

function newNonce(): string {
  return `${PROBE_BEGINS}${randomBytes(6).toString('hex')}`
}

function probeOf(nonce: string): Uint8Array {
  return Buffer.concat([Buffer.from(nonce, 'hex'), randomBytes(8)])
}

/** @returns null where the hub is older, or is not reached. */
async function askHub(
  { home, hub }: TunnelConfig,
  configDir: string,
  { address }: Endpoint,
  nonce: string,
  signal: AbortSignal,
): Promise<ArrivalsAnswer | null> {
  try {
    const { answer } = await askRegistrar(
      // First by the way that is looked at: the hub looks at packets from the address that it is asked from.
      { hosts: [address, ...hub.addresses], port: hub.port, certificate: hub.certificate },
      {
        method: 'POST',
        path: '/v1/arrivals',
        body: { version: 1, nonce },
        answer: ArrivalsAnswer,
        timeoutMs: ASK_MS,
        signal,
        bearer: await readBearer({ configDir, stateDir: null }, home),
      },
    )
    return answer
  } catch {
    return null
  }
}

/** Sends these datagrams, each by a flow of its own, at least once and again until that ends. @returns the error of a send that failed, or null. */
async function sendWhile(
  { address, port }: Endpoint,
  datagrams: readonly Uint8Array[],
  until: Promise<unknown>,
  signal: AbortSignal,
): Promise<string | null> {
  let refused: string | null = null
  let sent = 0
  const over = new AbortController()
  void until.finally(() => over.abort())
  const fail = ({ code = 'unknown' }: NodeJS.ErrnoException): void => void (refused = code)
  do {
    for (const datagram of datagrams) {
      const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
      socket.on('error', fail)
      socket.send(datagram, port, address, (error) => {
        if (error === null) sent += 1
        else fail(error)
        discardSocket(socket)
      })
    }
    await sleep(SEND_EVERY_MS, signal)
  } while (!over.signal.aborted && !signal.aborted)
  // A machine that sent once can send.
  return sent > 0 ? null : refused
}

/** Watches WireGuard's own packets on this machine: handshakes that it makes, and the hub's answers. */
async function watchHome(
  tunnel: string,
  { address, port }: Endpoint,
  listenPort: number | null,
  until: Promise<unknown>,
  signal: AbortSignal,
): Promise<DropEvidence['home']> {
  const family = isIPv6(address) ? 'ip6' : 'ip'
  const of = { protocol: 'udp', wanted: 'local' } as const
  const [handshakes, answers] = await watchPackets(
    [
      {
        ...of,
        name: 'handshakes',
        port,
        match: `${family} daddr ${address} udp dport ${port} @th,64,32 0x01000000`,
        atPort: '',
        isOutgoing: true,
      },
      {
        ...of,
        name: 'answers',
        port: listenPort ?? 0,
        match: `${family} saddr ${address} udp sport ${port}`,
        atPort: listenPort === null ? '' : `udp dport ${listenPort}`,
      },
    ],
    tunnel,
    async () => {
      await until
      return 1
    },
    signal,
  )
  return handshakes === undefined || answers === undefined ? null : { handshakes, answers: own(answers) }
}

/** Answers that came and went nowhere known are not told: the hub's echoes come to other ports of this machine. */
function own(fate: PacketFate): PacketFate {
  return fate.end === 'led-away' && fate.rule === null ? { ...fate, end: 'delivered' } : fate
}

/** A question to a resolver for the root's name servers: header, name, type NS, class IN (RFC 1035, 4.1). */
const QUESTION = Buffer.from('6870010000010000000000000000020001', 'hex')

/** Whether somebody on the internet answers this line over UDP; an ICMP error comes from there too. */
async function isAnsweredElsewhere(beacons: readonly string[], signal: AbortSignal): Promise<boolean | null> {
  const places = beacons.map(parseEndpoint).filter((place) => place !== null)
  if (places.length === 0) return null
  const heard = await Promise.all(places.map(({ address }) => answersDns(address, signal)))
  return heard.includes(true)
}

function answersDns(address: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    let again: NodeJS.Timeout | undefined
    const end = (answered: boolean): void => {
      clearTimeout(timer)
      clearInterval(again)
      signal.removeEventListener('abort', onAbort)
      discardSocket(socket)
      resolve(answered)
    }
    const onAbort = (): void => end(false)
    const timer = setTimeout(onAbort, ELSEWHERE_MS)
    signal.addEventListener('abort', onAbort)
    socket.once('message', () => end(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code === 'ECONNREFUSED'))
    // Without a way there, as to IPv6 on most lines, the callback gets the error.
    socket.connect(53, address, (error?: Error) => {
      if (error !== undefined) return end(false)
      const ask = (): void => socket.send(QUESTION, () => undefined)
      ask()
      again = setInterval(ask, ELSEWHERE_EVERY_MS)
    })
  })
}
