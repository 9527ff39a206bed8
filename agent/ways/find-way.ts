import { randomInt } from 'node:crypto'
import type { Adapter } from '../../adapters/adapter.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { asProblem } from '../../problems/problem.ts'
import { makeInbox } from '../../system/process/inbox.ts'
import { branchSignal } from '../../system/time/branch-signal.ts'
import type { Clock } from '../../system/time/clock.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { PeerState } from '../../wireguard/dump.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { openHeartbeats } from '../probes/heartbeat.ts'
import { heartbeatTarget } from '../probes/heartbeat-target.ts'
import { hubEndpoints } from '../registrar/hub-endpoints.ts'
import { readBearer, readEchoKey } from '../secrets/secrets.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { listenPlace } from '../transport/listen-place.ts'
import { openInTime } from '../transport/open-in-time.ts'
import type { TlsTransport } from '../transport/tls-transport.ts'
import { tunnelPeer } from '../tunnel/plan/tunnel-spec.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import { askEndpoints } from './ask-endpoints.ts'
import { type LineFinding, lineReport } from './line-report.ts'
import {
  beginSearch,
  decide,
  firstDueAt,
  firstEndpoint,
  noteEcho,
  noteLeft,
  noteProven,
  noteTls,
  noteTrying,
  type Search,
  type Way,
} from './search.ts'

/** Finds the way by which a home that has just been admitted reaches its hub. Begins to ask when it is made. */
export interface WayFinder {
  /** The endpoint that the interface should begin with, after a moment of asking. */
  readonly first: (signal: AbortSignal) => Promise<Endpoint>
  /**
   * Sends heartbeats through the live interface, and points it at one way after the other until one is answered.
   * @param from the endpoint that the interface sends to.
   * @throws {Problem} what the machine said.
   */
  readonly find: (from: Endpoint, signal: AbortSignal) => Promise<Finding>
  /** Ends the questions, and the TLS transport with whatever goes through it. */
  readonly close: () => void
}

export interface Finding {
  /** null: no way carried an answer. */
  readonly proven: ProvenWay | null
  /** Where no way worked: the hub as a peer of the interface, which sends to where it began again; null: not there. */
  readonly peer: Pick<PeerState, 'lastHandshakeAt'> | null
  /** WireGuard's own port where no way worked; null: not known. */
  readonly listenPort: number | null
  readonly search: Search
  readonly line: readonly LineFinding[]
  readonly tookMs: number
}

export interface ProvenWay {
  readonly way: Way
  /** The mapping that the hub sees; null when it has not looked yet, and over TLS. */
  readonly mapping: Endpoint | null
}

export interface WayFinderDeps {
  readonly adapter: Adapter
  readonly config: TunnelConfig
  /** The folder of the secrets. */
  readonly configDir: string
  /** The hub's addresses, best first. */
  readonly hubLiterals: readonly string[]
  /** When the interface last shook hands before this join, as `wg` says; null: not yet, or it is new. */
  readonly handshakeBefore: number | null
  readonly visitors: boolean
  /** Called with each way that is tried, and why the one before was left. */
  readonly onTrying: (way: Way, search: Search) => void
  readonly clock: Clock
}

/** How old an echo must be at the end to count as lost: three datagrams, and a round trip. */
const LOST_ECHO_MS = 1_250

/** How long opening the TLS transport may take, whatever the number of the hub's hosts. */
const OPEN_TLS_MS = 10_000

const HEARTBEAT_MS = 250

/** How long round trips are measured before the TLS transport, whose keys take this machine's time, is opened. */
const UNDISTURBED_MS = 250

/** @throws {Problem} `config-unreadable`, `secret-exposed`: the secrets cannot be read. */
export async function openWayFinder(deps: WayFinderDeps, signal: AbortSignal): Promise<WayFinder> {
  const { adapter, config, configDir, hubLiterals, visitors, clock } = deps
  const { signal: open, end } = branchSignal(signal)
  const folders = { configDir, stateDir: null }
  const bearer = await readBearer(folders, config.home)
  const key = await readEchoKey(folders)
  const news = makeInbox<'changed'>()
  let search = beginSearch(hubEndpoints(config.hub, hubLiterals), clock.now())
  let transport: TlsTransport | null = null

  function note(next: Search): void {
    search = next
    news.put('changed')
  }

  const ask = (asked: Search['endpoints']): Promise<void> =>
    askEndpoints(
      asked.map(({ endpoint }) => endpoint),
      { home: config.hub.address, key, clock },
      open,
      (endpoint, echo) => note(noteEcho(search, endpoint, echo, clock.now())),
    )
  void ask(search.endpoints)

  /** Asks those that may answer once more: at first this machine was busy making the tunnel, and its own time counted. */
  function timeAgain(): Promise<void> {
    return ask(search.endpoints.filter(({ echo }) => echo.kind === 'passes' || echo.kind === 'pending'))
  }

  async function openTls(): Promise<void> {
    const { addresses: hosts, port, certificate } = config.hub
    try {
      const place = await listenPlace(config.router)
      transport = await openInTime(OPEN_TLS_MS, { hosts, port, certificate }, bearer, clock, open, place)
      note(noteTls(search, { kind: 'open' }))
      void transport.ended.then((why) => {
        if (!open.aborted) note(noteTls(search, { kind: 'failed', why }))
      })
    } catch (thrown) {
      note(noteTls(search, { kind: 'failed', why: asProblem(thrown, 'opening the TLS transport').why }))
    }
  }

  /** Points the interface elsewhere. A new session shakes hands at once; the old one would wait for up to 5 s. */
  async function use(way: Way, cut: AbortSignal): Promise<void> {
    const endpoint = way.kind === 'udp' ? way.endpoint : transport?.endpoint
    if (endpoint === undefined) return
    // Packets still in the transport would draw WireGuard back into it.
    if (way.kind === 'udp') transport?.hold()
    else transport?.release()
    const peer = tunnelPeer(config, { endpoint, keepaliveSeconds: config.keepaliveSeconds, visitors })
    await adapter.remedy({ kind: 'new-session', interface: config.interface, peer, silentSeconds: 0 }, cut)
  }

  async function look(cut: AbortSignal) {
    const tunnel = tunnelIn(await adapter.observe(cut), config.interface)
    const peer = tunnel?.peers.find(({ publicKey }) => publicKey === config.hub.publicKey) ?? null
    return { peer, listenPort: tunnel?.listenPort ?? null }
  }

  /** Ends a search in which no way worked: the interface sends to where it began again, so that both ends can watch it. */
  async function unproven(from: Endpoint, cut: AbortSignal): Promise<Pick<Finding, 'peer' | 'listenPort'>> {
    // An interface that is gone takes nothing, and the look says so.
    await use({ kind: 'udp', endpoint: from }, cut).catch(() => undefined)
    const { peer, listenPort } = await look(cut)
    const shookHands = search.ended.some((attempt) => attempt.shookHands === true)
    // The session is a new one by now: what counts is whether hands were shaken before.
    const lastHandshakeAt = shookHands ? Math.floor(clock.wall().getTime() / 1_000) : null
    return { peer: peer === null ? null : { lastHandshakeAt }, listenPort }
  }

  return {
    first: async (cut) => {
      for (;;) {
        const now = clock.now()
        const endpoint = firstEndpoint(search, now)
        if (endpoint !== null) return endpoint
        cut.throwIfAborted()
        await news.wait(firstDueAt(search) - now, cut)
        news.drain()
      }
    },

    find: async (from, cut) => {
      const beganAt = clock.now()
      let mapping: Endpoint | null = null
      async function shookHands(): Promise<boolean> {
        const { peer } = await look(cut)
        const at = peer?.lastHandshakeAt ?? null
        // The peer of an attempt is a new one, which has not shaken hands before; the first may be of an earlier join.
        return at !== null && (search.ended.length > 0 || at !== deps.handshakeBefore)
      }

      let sequence = randomInt(2 ** 32)
      /** While the interface is pointed elsewhere, nobody can tell which way an answer came. */
      let isSwitching = false
      const heartbeats = openHeartbeats(heartbeatTarget(config), (heard) => {
        if (heard === 'refused' || isSwitching || search.proven !== null) return
        mapping = heard.endpoint
        note(noteProven(search))
      })
      const timer = setInterval(() => heartbeats.send((sequence = (sequence + 1) % 2 ** 32)), HEARTBEAT_MS)
      try {
        heartbeats.send(sequence)
        search = noteTrying(search, { kind: 'udp', endpoint: from }, beganAt)
        for (;;) {
          cut.throwIfAborted()
          news.drain()
          const now = clock.now()
          const decision = decide(search, now)
          switch (decision.kind) {
            case 'wait':
              await news.wait(decision.until - now, cut)
              break
            case 'open-tls':
              search = noteTls(search, { kind: 'opening' })
              void Promise.race([timeAgain(), sleep(UNDISTURBED_MS, open)]).then(() =>
                open.aborted ? undefined : openTls(),
              )
              break
            case 'leave':
              search = noteLeft(search, { shookHands: decision.look ? await shookHands() : null })
              break
            case 'try':
              deps.onTrying(decision.way, search)
              isSwitching = true
              await use(decision.way, cut)
              isSwitching = false
              search = noteTrying(search, decision.way, clock.now())
              break
            case 'end': {
              const tookMs = clock.now() - beganAt
              await untilAsked(cut)
              const proven = search.proven === null ? null : { way: search.proven, mapping }
              const seen = proven === null ? await unproven(from, cut) : { peer: null, listenPort: null }
              return { proven, ...seen, search, line: lineReport(search, registrar()), tookMs }
            }
            default:
              decision satisfies never
          }
        }
      } finally {
        clearInterval(timer)
        heartbeats.close()
      }
    },

    close: () => {
      end()
      transport?.close()
    },
  }

  /** Waits for echoes that may still come back, so that the report says of each endpoint what it lets through. */
  async function untilAsked(cut: AbortSignal): Promise<void> {
    const isPending = (): boolean => search.endpoints.some(({ echo }) => echo.kind === 'pending')
    for (const until = search.beganAt + LOST_ECHO_MS; isPending() && clock.now() < until && !cut.aborted; ) {
      await news.wait(until - clock.now(), cut)
      news.drain()
    }
    if (clock.now() < search.beganAt + LOST_ECHO_MS) return
    for (const { endpoint, echo } of search.endpoints)
      if (echo.kind === 'pending') search = noteEcho(search, endpoint, { kind: 'silent' }, clock.now())
  }

  function registrar(): string {
    const { addresses, port } = config.hub
    return hostPort(addresses[0] ?? '', port)
  }
}
