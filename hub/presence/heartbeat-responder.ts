import { createSocket, type Socket } from 'node:dgram'
import { discardSocket } from '../../system/sockets/discard-socket.ts'
import { decodeRequest, encodeAnswer, HEARTBEAT_PORT } from '../../protocol/datagrams/heartbeat.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Home } from '../core/store-document.ts'
import { makeUseMeter, type UseMeter } from './use-meter.ts'
import type { PeerStats } from './peer-monitor.ts'

/**
 * Answers heartbeats on the hub's tunnel address. WireGuard has already proven which home has the sender's address, so
 * that only known homes get an answer. Work per heartbeat does not grow with their number, and none of it is logged.
 */
export interface HeartbeatResponder {
  /**
   * Sets the homes to answer from now on, where, and of whom the hub wants something (asked with each heartbeat).
   * @param isMuted who is heard and not answered. Default: nobody.
   */
  readonly serve: (
    hubAddress: string,
    homes: readonly Home[],
    asks: (home: Home) => boolean,
    isMuted?: (home: Home) => boolean,
  ) => void
  /** Seconds since the home at this tunnel address was last heard; null: not since this process runs. */
  readonly heardSeconds: (address: string) => number | null
  readonly close: () => void
}

interface Listener {
  readonly home: Home
  /** When the home was last heard, monotonic milliseconds. */
  heardAt: number | null
  readonly use: UseMeter
}

/** How often to bind: the address is there only while the interface is. */
const BIND_AGAIN_MS = 1000
/** At a boot the interface is made while this tries; after this many times it is news that there is none. */
const ABSENT_OFTEN = 15

export function makeHeartbeatResponder(
  seen: (publicKey: PublicKey) => Pick<PeerStats, 'endpoint' | 'rxBytes' | 'txBytes'> | null,
  clock: Clock,
  log: Log,
  port = HEARTBEAT_PORT,
): HeartbeatResponder {
  let listeners = new Map<string, Listener>()
  let isAsked: (home: Home) => boolean = () => false
  let isMutedOne: (home: Home) => boolean = () => false
  let address: string | null = null
  let socket: Socket | null = null
  let again: NodeJS.Timeout | undefined
  let complained = false
  /** How often the address was not there. */
  let absent = 0

  function open(): void {
    if (address === null) return
    const mine = createSocket('udp4')
    socket = mine
    mine.on('message', (datagram, sender) => {
      const request = decodeRequest(datagram)
      const listener = listeners.get(sender.address)
      if (request === null || listener === undefined) return
      listener.heardAt = clock.now()
      if (isMutedOne(listener.home)) return
      const statsOf = seen(listener.home.publicKey)
      const answer = encodeAnswer({
        sequence: request.sequence,
        endpoint: statsOf?.endpoint ?? null,
        inUse: listener.use.heard(statsOf, clock.now()),
        asks: isAsked(listener.home),
      })
      // An answer that cannot be sent is lost: the next heartbeat asks again.
      mine.send(answer, sender.port, sender.address, () => undefined)
    })
    mine.on('listening', () => {
      complained = false
      absent = 0
      log.info({ address, port }, 'answering heartbeats')
    })
    mine.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRNOTAVAIL') absent += 1
      if (!complained && (error.code !== 'EADDRNOTAVAIL' || absent > ABSENT_OFTEN)) {
        log.warn({ address, port, why: error.message }, 'cannot answer heartbeats yet')
        complained = true
      }
      reopen(BIND_AGAIN_MS)
    })
    mine.bind({ address, port, exclusive: true })
  }

  function reopen(afterMs: number): void {
    shut()
    again = setTimeout(open, afterMs)
  }

  function shut(): void {
    clearTimeout(again)
    const old = socket
    socket = null
    if (old !== null) discardSocket(old)
  }

  return {
    serve: (hubAddress, homes, asks, isMuted = () => false) => {
      isAsked = asks
      isMutedOne = isMuted
      const before = listeners
      listeners = new Map(
        homes.map((home) => {
          const known = before.get(home.address)
          const same = known?.home.publicKey === home.publicKey
          return [home.address, same ? { ...known, home } : { home, heardAt: null, use: makeUseMeter() }]
        }),
      )
      if (hubAddress === address) return
      address = hubAddress
      complained = false
      reopen(0)
    },
    heardSeconds: (address) => {
      const heardAt = listeners.get(address)?.heardAt ?? null
      return heardAt === null ? null : (clock.now() - heardAt) / 1000
    },
    close: () => {
      address = null
      shut()
    },
  }
}
