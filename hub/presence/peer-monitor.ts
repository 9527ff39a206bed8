import { reasonOf } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import { runLook } from '../../system/process/look.ts'
import { sleep } from '../../system/time/sleep.ts'
import { parseDump, type PeerState } from '../../wireguard/dump.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { Endpoint } from '../../wireguard/spec.ts'

/** The hub's WireGuard's statistics of one peer. Ages are by the monotonic clock. */
export interface PeerStats {
  /** The mapping; null when there is none yet, or when the peer comes over a TLS transport of this machine's. */
  readonly endpoint: Endpoint | null
  /** null before the first handshake. */
  readonly lastHandshakeSeconds: number | null
  readonly rxBytes: number
  readonly txBytes: number
  /** Seconds since anything authenticated came from the peer; null: nothing did since the monitor began. */
  readonly heardSeconds: number | null
}

/** Looks at the hub's interface about once a second and remembers. */
export interface PeerMonitor {
  /** null: no such peer, or not looked yet. */
  readonly statsOf: (publicKey: PublicKey) => PeerStats | null
  /** The endpoint of those statistics. O(1), for every heartbeat. */
  readonly endpoint: (publicKey: PublicKey) => Endpoint | null
  /** Seconds since the last look that succeeded; null before the first. */
  readonly ageSeconds: () => number | null
  /** Looks now. A failed look keeps what was seen before. */
  readonly look: () => Promise<void>
  /** Looks until the signal ends it. */
  readonly watch: (signal: AbortSignal) => Promise<void>
}

interface Memory {
  readonly peer: PeerState
  /** When the peer last shook hands, monotonic milliseconds. */
  readonly handshakeAt: number | null
  readonly heardAt: number | null
}

const LOOK_EVERY_MS = 1000
const LOOK_TIMEOUT_MS = 5000
/** Within this the interface is made. */
const BOOT_MS = 15_000

export function makePeerMonitor(
  interfaceName: () => string,
  clock: Clock,
  log: Log,
  dump: (interfaceName: string) => Promise<string> = wgDump,
): PeerMonitor {
  let seen: ReadonlyMap<PublicKey, Memory> = new Map()
  let seenAt: number | null = null
  let blind = false
  const madeAt = clock.now()

  async function look(): Promise<void> {
    try {
      const peers = parseDump(await dump(interfaceName())).peers.map(asSeenOutside)
      const now = clock.now()
      seen = new Map(peers.map((peer) => [peer.publicKey, remember(peer, seen.get(peer.publicKey), clock)]))
      seenAt = now
      if (blind) log.info('the peers of the interface are seen again')
      blind = false
    } catch (thrown) {
      // At a boot the interface is not made yet.
      if (seenAt === null && clock.now() - madeAt < BOOT_MS) return
      // Logged once per time of blindness, which is noticed again every second.
      if (!blind) log.warn({ why: reasonOf(thrown) }, 'the peers of the interface cannot be seen')
      blind = true
    }
  }

  return {
    statsOf: (publicKey) => {
      const memory = seen.get(publicKey)
      return memory === undefined ? null : peerStats(memory, clock.now())
    },
    endpoint: (publicKey) => seen.get(publicKey)?.peer.endpoint ?? null,
    ageSeconds: () => (seenAt === null ? null : (clock.now() - seenAt) / 1000),
    look,
    watch: async (signal) => {
      while (!signal.aborted) {
        const began = clock.now()
        await look()
        await sleep(LOOK_EVERY_MS - (clock.now() - began), signal)
      }
    },
  }
}

/**
 * Remembers a peer's statistics. A handshake's time is wall-clock, which steps; so its changes are timed with the
 * monotonic clock. Only a handshake from before the monitor began is dated by the calendar.
 */
function remember(peer: PeerState, before: Memory | undefined, clock: Clock): Memory {
  const now = clock.now()
  const handshakeAt =
    peer.lastHandshakeAt === null
      ? null
      : before === undefined
        ? now - Math.max(0, clock.wall().getTime() - peer.lastHandshakeAt * 1000)
        : before.peer.lastHandshakeAt === peer.lastHandshakeAt
          ? before.handshakeAt
          : now
  const heard = before !== undefined && peer.rxBytes > before.peer.rxBytes
  return { peer, handshakeAt, heardAt: heard ? now : (before?.heardAt ?? null) }
}

/** Hides a loopback endpoint: a TLS transport's port is no mapping, and leads nowhere once that has ended. */
function asSeenOutside(peer: PeerState): PeerState {
  return peer.endpoint?.address.startsWith('127.') === true ? { ...peer, endpoint: null } : peer
}

function peerStats({ peer, handshakeAt, heardAt }: Memory, now: number): PeerStats {
  return {
    endpoint: peer.endpoint,
    lastHandshakeSeconds: handshakeAt === null ? null : (now - handshakeAt) / 1000,
    rxBytes: peer.rxBytes,
    txBytes: peer.txBytes,
    heardSeconds: heardAt === null ? null : (now - heardAt) / 1000,
  }
}

async function wgDump(interfaceName: string): Promise<string> {
  const { stdout } = await runLook('wg', ['show', interfaceName, 'dump'], { timeoutMs: LOOK_TIMEOUT_MS })
  return stdout
}
