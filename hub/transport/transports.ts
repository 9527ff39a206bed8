import type { TLSSocket } from 'node:tls'
import { Problem } from '../../problems/problem.ts'
import type { DatagramCounts } from '../../protocol/datagrams/datagram-stream.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { type HubTransport, openHubTransport } from './transport.ts'
import { type Home, secretsOf } from '../core/store-document.ts'

/** The transports of homes that come over TCP: one each, the newest. */
export interface Transports {
  /** Sets the homes that may have transports from now on, and where WireGuard listens on this machine. */
  readonly serve: (homes: readonly Home[], wireguardPort: number) => void
  /**
   * Takes over an authenticated connection that asks to be a transport.
   * @throws {Problem} `carriers-full`; the connection is then still the caller's.
   */
  readonly accept: (home: Home, socket: TLSSocket, head: Uint8Array) => void
  /** null: that home has none. */
  readonly metrics: (home: string) => TransportMetrics | null
  readonly close: () => void
}

/** Metrics since the transport began. Bytes of WireGuard's datagrams, as the hub sent and received them. */
export interface TransportMetrics extends DatagramCounts {
  readonly seconds: number
}

/** The most transports: each may hold some 400 KiB while its line is slow. */
const CARRIERS = 64

/** After what silence a home is gone: more than three of WireGuard's keepalives of 25 s. */
const SILENT_SECONDS = 90
const LOOK_EVERY_MS = 1_000

export function makeTransports(clock: Clock, log: Log): Transports {
  const open = new Map<string, { readonly home: Home; readonly transport: HubTransport }>()
  let port = 0
  let timer: NodeJS.Timeout | undefined

  function endSilent(): void {
    for (const { transport } of open.values())
      if (transport.silentSeconds() > SILENT_SECONDS) transport.end(`nothing came for ${SILENT_SECONDS} s`)
  }

  function watch(): void {
    if (open.size > 0) timer ??= setInterval(endSilent, LOOK_EVERY_MS)
    else {
      clearInterval(timer)
      timer = undefined
    }
  }

  return {
    serve: (homes, wireguardPort) => {
      const secrets = new Map(homes.map((home) => [home.name, secretsOf(home)]))
      for (const { home, transport } of open.values()) {
        if (secrets.get(home.name)?.includes(home.secretHash) !== true)
          transport.end('the hub no longer knows the home')
        else if (wireguardPort !== port) transport.end('the port of the hub has changed')
      }
      port = wireguardPort
    },

    accept: (home, socket, head) => {
      const before = open.get(home.name)
      if (before === undefined && open.size >= CARRIERS) {
        const why = `${CARRIERS} homes come over TCP already`
        throw new Problem('carriers-full', { what: 'opening the TLS transport', why })
      }
      before?.transport.end('a newer one of the same home took its place')
      const transport = openHubTransport({ socket, head, wireguardPort: port, clock, onEnd })
      open.set(home.name, { home, transport })
      watch()
      log.info({ home: home.name, from: socket.remoteAddress }, 'a home comes over TCP')

      function onEnd(why: string): void {
        const seconds = Math.round((clock.now() - transport.since) / 1000)
        log.info({ home: home.name, why, seconds, ...transport.counts() }, 'a home’s TLS transport ended')
        if (open.get(home.name)?.transport === transport) open.delete(home.name)
        watch()
      }
    },

    metrics: (name) => {
      const found = open.get(name)?.transport
      return found === undefined ? null : { seconds: (clock.now() - found.since) / 1000, ...found.counts() }
    },

    close: () => {
      for (const { transport } of open.values()) transport.end('the hub ends')
    },
  }
}
