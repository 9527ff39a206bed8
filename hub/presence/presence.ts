import type { Clock } from '../../system/time/clock.ts'
import type { HeardOnce } from './kept/heard-once.ts'
import type { HeartbeatResponder } from './heartbeat-responder.ts'
import type { Home } from '../core/store-document.ts'
import type { LastEndpoints } from './kept/last-endpoints.ts'
import type { PeerMonitor } from './peer-monitor.ts'
import { latest } from './peer-view.ts'

/** Whether a home is there, by the one rule that status, alerts, metrics and MQTT share. */
export type Presence =
  /** Not heard yet, and nothing is wrong with that: never since it joined, or this hub only just began to listen. */
  | { readonly kind: 'awaited' }
  /** Heard by a heartbeat, or by anything that WireGuard accepted. */
  | {
      readonly kind: 'heard'
      /** null: only a handshake from before this hub listened says so. */
      readonly heardSeconds: number | null
      /** Seconds since the agent was last heard, or should have been. */
      readonly agentSilentSeconds: number
    }
  | { readonly kind: 'dark'; readonly silentSeconds: number }

export interface Presences {
  readonly of: (home: Home) => Presence
  /** Takes the interval of a home's heartbeats while all is well, as the home said. */
  readonly expect: (home: string, heartbeatSeconds: number) => void
  /** The expected interval of that home's heartbeats. */
  readonly intervalSeconds: (home: string) => number
  /** Once a second: remembers who was heard, and forgets who is no home any more. Never throws. */
  readonly note: (homes: readonly Home[]) => Promise<void>
}

export interface PresenceDeps {
  readonly peerMonitor: Pick<PeerMonitor, 'statsOf'>
  /** null where no daemon runs. */
  readonly heartbeats: Pick<HeartbeatResponder, 'heardSeconds'> | null
  readonly lastEndpoints: Pick<LastEndpoints, 'of'>
  readonly heardOnce: HeardOnce
  readonly clock: Clock
}

/** This process's memory of a home. Moments are monotonic milliseconds. */
interface Memory {
  readonly joinedAt: string
  readonly listeningSince: number
  firstHeardAt: number | null
  heardAt: number | null
  heartbeatAt: number | null
}

/** After what silence a home is not there: a keepalive comes each 25 s, when nothing else does. */
const SILENT_SECONDS = 28
/** The same in heartbeats: a home with `economy` is silent for longer. */
const SILENT_HEARTBEATS = 2.5
/** How long a home from before the hub's restart has to be heard, and an agent after its WireGuard. */
const FIRST_WORD_SECONDS = 60
/** After this age of the last handshake no session is alive (REJECT_AFTER_TIME). */
const HANDSHAKE_DEAD_SECONDS = 180
/** The interval that agents use unless their owners say otherwise. */
const USUAL_HEARTBEAT_SECONDS = 5

export function makePresences(deps: PresenceDeps): Presences {
  const { peerMonitor, heartbeats, lastEndpoints, heardOnce, clock } = deps
  const memories = new Map<string, Memory>()
  const intervals = new Map<string, number>()

  function intervalSeconds(home: string): number {
    return intervals.get(home) ?? USUAL_HEARTBEAT_SECONDS
  }

  /** A home's memory, kept here: peer monitor and responder forget it with a key, and keys change while all is well. */
  function memoryOf({ name, joinedAt, publicKey, address }: Home): Memory {
    const now = clock.now()
    const before = memories.get(name)
    const fresh = { joinedAt, listeningSince: now, firstHeardAt: null, heardAt: null, heartbeatAt: null }
    const memory: Memory = before?.joinedAt === joinedAt ? before : fresh
    memories.set(name, memory)
    const heartbeatSeconds = heartbeats?.heardSeconds(address) ?? null
    const heardSeconds = latest(peerMonitor.statsOf(publicKey)?.heardSeconds ?? null, heartbeatSeconds)
    if (heartbeatSeconds !== null)
      memory.heartbeatAt = Math.max(memory.heartbeatAt ?? -Infinity, now - heartbeatSeconds * 1_000)
    if (heardSeconds !== null) memory.heardAt = Math.max(memory.heardAt ?? -Infinity, now - heardSeconds * 1_000)
    memory.firstHeardAt ??= memory.heardAt
    return memory
  }

  /** Whether the home was ever heard; also by the files of an older hub, which wrote down only last endpoints. */
  function wasHeardOnce(home: Home): boolean {
    const { publicKey } = home
    const hasShakenHands = (peerMonitor.statsOf(publicKey)?.lastHandshakeSeconds ?? null) !== null
    return heardOnce.has(home) || hasShakenHands || lastEndpoints.of(publicKey) !== null
  }

  return {
    of: (home) => {
      const { listeningSince, firstHeardAt, heardAt, heartbeatAt } = memoryOf(home)
      const secondsSince = (moment: number): number => (clock.now() - moment) / 1_000
      if (heardAt !== null) {
        const silentSeconds = secondsSince(heardAt)
        if (silentSeconds >= Math.max(SILENT_SECONDS, SILENT_HEARTBEATS * intervalSeconds(home.name)))
          return { kind: 'dark', silentSeconds }
        const agentSilentSeconds =
          heartbeatAt === null
            ? Math.max(0, secondsSince(firstHeardAt ?? heardAt) - FIRST_WORD_SECONDS)
            : secondsSince(heartbeatAt)
        return { kind: 'heard', heardSeconds: silentSeconds, agentSilentSeconds }
      }
      if (!wasHeardOnce(home)) return { kind: 'awaited' }
      const silentSeconds = secondsSince(listeningSince)
      if (silentSeconds >= FIRST_WORD_SECONDS) return { kind: 'dark', silentSeconds }
      // Nobody listened for long enough to say: the handshake decides, which is a slow clock.
      const handshakeSeconds = peerMonitor.statsOf(home.publicKey)?.lastHandshakeSeconds ?? Infinity
      if (handshakeSeconds <= HANDSHAKE_DEAD_SECONDS)
        return { kind: 'heard', heardSeconds: null, agentSilentSeconds: 0 }
      return heartbeats === null ? { kind: 'dark', silentSeconds } : { kind: 'awaited' }
    },
    expect: (home, heartbeatSeconds) => void intervals.set(home, heartbeatSeconds),
    intervalSeconds,
    note: async (homes) => {
      const names = new Set(homes.map(({ name }) => name))
      for (const name of memories.keys()) if (!names.has(name)) memories.delete(name)
      for (const name of intervals.keys()) if (!names.has(name)) intervals.delete(name)
      heardOnce.keep(homes)
      for (const home of homes) if (memoryOf(home).heardAt !== null) heardOnce.note(home)
      await heardOnce.save()
    },
  }
}
