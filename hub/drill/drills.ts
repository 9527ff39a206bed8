import type { Alerting } from '../../alerts/alerting.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'
import type { DrillAnswer, DrillRequest, DrillResult, DrillWay } from '../../protocol/drill.ts'
import type { AlertTestAnswer } from '../../protocol/messages.ts'
import { makeMutex } from '../../system/process/mutex.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { Home, StoreDocument } from '../core/store-document.ts'
import type { PeerMonitor } from '../presence/peer-monitor.ts'
import type { DeviceUse } from './device-use.ts'

/**
 * The hub's part of a drill: breaks a home's own tunnel for some seconds, at its word. A home can break nothing but its
 * own, not for long, and not often: whoever has stolen it gains nothing.
 */
export interface Drills {
  /** Begins a way. @throws {Problem} `drill-refused`, `drill-in-use`, `drill-not-now`, `rate-limited`. */
  readonly begin: (caller: Home, request: Pick<DrillRequest, 'way' | 'seconds' | 'preview'>) => Promise<DrillAnswer>
  /** Ends it, and tells people by the hub's channels. @throws {Problem} `drill-not-now` where none was begun. */
  readonly end: (caller: Home, result: DrillResult) => Promise<AlertTestAnswer>
  /** Whether this hub is to answer this home nothing just now, as if its daemon had stopped. */
  readonly isMuted: (home: Pick<Home, 'name'>) => boolean
  /** The drills of this moment, a sentence each. */
  readonly notes: () => readonly string[]
  /** Once a second: ends what is over. Never throws. */
  readonly look: () => void
  readonly close: () => Promise<void>
}

/** Blocks an address's packets to a port; the kernel itself ends it. */
export interface SenderBlock {
  readonly block: (address: string, port: number, seconds: number) => Promise<void>
  /** Takes all of it back. Never throws. */
  readonly unblock: () => Promise<void>
}

/** Where no daemon runs: there is nobody who drills. */
export const NO_BLOCK: SenderBlock = {
  block: async () => {
    throw new TypeError('nothing here can block a port')
  },
  unblock: async () => undefined,
}

export interface DrillsDeps {
  /** Whether hub.yaml allows drills, and the port of WireGuard. */
  readonly settings: () => { readonly drills: boolean; readonly port: number }
  readonly document: () => StoreDocument
  readonly alternatePorts: () => Promise<readonly number[]>
  readonly peerMonitor: Pick<PeerMonitor, 'endpoint'>
  readonly deviceUse: DeviceUse
  readonly senderBlock: SenderBlock
  /** null where no daemon runs. */
  readonly alerting: Pick<Alerting, 'note' | 'testDrill'> | null
  readonly clock: Pick<Clock, 'now'>
  readonly log: Log
}

interface Drill {
  readonly way: DrillWay
  /** When what the hub broke ends, monotonic milliseconds. */
  readonly until: number
  /** Until when the home may say how it went. */
  readonly openUntil: number
}

/** How many ways a home may try within an hour: two whole drills, and some that are repeated. */
const MOST_WITHIN_HOUR = 12
const HOUR_MS = 3_600_000

/** How long a home may take to heal and to tell of it: what the hub sees of it meanwhile is the drill's. */
const AFTER_MS = 90_000

export function makeDrills(deps: DrillsDeps): Drills {
  const { settings, document, peerMonitor, deviceUse, senderBlock, alerting, clock, log } = deps
  const drills = new Map<string, Drill>()
  const begun = new Map<string, readonly number[]>()
  let blockedBy: string | null = null
  /** A block that ends must not take the next one with it. */
  const blocking = makeMutex()

  function refuseWhileUsed(home: string, what: string): void {
    const [user] = deviceUse.usersOf(home, document(), clock.now())
    if (user === undefined) return
    const when = user.usedSecondsAgo < 2 ? 'uses the tunnel' : `used the tunnel ${user.usedSecondsAgo} s ago`
    throw new Problem('drill-in-use', { what, why: `the device ${user.name} ${when}` })
  }

  /** @throws {Problem} `rate-limited`. */
  function count(home: string, what: string): void {
    const now = clock.now()
    const recent = (begun.get(home) ?? []).filter((at) => now - at < HOUR_MS)
    if (recent.length >= MOST_WITHIN_HOUR)
      throw new Problem('rate-limited', {
        what,
        why: `a home may break its tunnel ${MOST_WITHIN_HOUR} times an hour, and this one has`,
        next: 'Try again in an hour',
      })
    begun.set(home, [...recent, now])
  }

  /** The one address to block, which nobody else of this hub has. @throws {Problem} `drill-not-now`. */
  function ownAddress({ name, publicKey }: Home, what: string): string {
    const own = peerMonitor.endpoint(publicKey)
    if (own === null) throw new Problem('drill-not-now', { what, why: 'the home does not come by UDP just now' })
    const { homes, devices } = document()
    const others = [...homes.filter((home) => home.name !== name), ...devices]
    const isShared = (endpoint: Endpoint | null): boolean => endpoint?.address === own.address
    const other = others.find((one) => isShared(peerMonitor.endpoint(one.publicKey)))
    if (other !== undefined)
      throw new Problem('drill-not-now', {
        what,
        why: `${other.name} comes from the home’s public address too, and would be cut off with it`,
      })
    return own.address
  }

  async function unblock(home: string): Promise<void> {
    if (blockedBy !== home) return
    blockedBy = null
    await blocking.runExclusive(senderBlock.unblock)
  }

  function breakFor({ name }: Home, way: DrillWay, seconds: number): void {
    const now = clock.now()
    const [until, openUntil] = [now + seconds * 1_000, now + seconds * 1_000 + AFTER_MS]
    drills.set(name, { way, until, openUntil })
    alerting?.note({ kind: 'drill', home: name, until: openUntil })
    log.warn({ home: name, way, seconds }, 'drill: a home breaks its own tunnel on purpose')
  }

  return {
    begin: async (caller, { way, seconds, preview }) => {
      const what = `trying ${way} for ${caller.name}`
      const { drills: areAllowed, port } = settings()
      if (!areAllowed)
        throw new Problem('drill-refused', {
          what,
          why: 'hub.yaml says drills: false there, as the hub’s owner wants it',
        })
      const { name } = caller
      if ((drills.get(name)?.until ?? -Infinity) > clock.now())
        throw new Problem('drill-not-now', { what, why: 'the one before is not over' })
      refuseWhileUsed(name, what)
      const ports = await deps.alternatePorts()
      const answer = { seconds, hasOtherPorts: ports.length > 0 }
      if (preview) return answer
      count(name, what)
      if (way === 'port') {
        if (blockedBy !== null && blockedBy !== name)
          throw new Problem('drill-not-now', { what, why: 'another home tries the same just now' })
        const address = ownAddress(caller, what)
        blockedBy = name
        try {
          await blocking.runExclusive(() => senderBlock.block(address, port, seconds))
        } catch (thrown) {
          await unblock(name)
          throw new Problem('drill-not-now', { what, why: `the port could not be blocked: ${reasonOf(thrown)}` })
        }
      }
      breakFor(caller, way, seconds)
      return answer
    },
    end: async (caller, result) => {
      const { name } = caller
      const drill = drills.get(name)
      if (drill?.way !== result.way)
        throw new Problem('drill-not-now', { what: `ending ${result.way} for ${name}`, why: 'it was not begun' })
      drills.delete(name)
      await unblock(name)
      log.info({ home: name, ...result }, 'drill: over')
      alerting?.note({ kind: 'drill', home: name, until: clock.now() })
      return { channels: [...((await alerting?.testDrill(name, result)) ?? [])] }
    },
    isMuted: ({ name }) => {
      const drill = drills.get(name)
      return drill?.way === 'daemon' && clock.now() < drill.until
    },
    notes: () =>
      [...drills]
        .filter(([, { until }]) => clock.now() < until)
        .map(([name, { way, until }]) => {
          const seconds = Math.ceil((until - clock.now()) / 1_000)
          return `drill: ${name} breaks its own tunnel on purpose (${way}), for ${seconds} s more at most`
        }),
    look: () => {
      const now = clock.now()
      deviceUse.look(document(), now)
      if (blockedBy !== null && now >= (drills.get(blockedBy)?.until ?? -Infinity)) void unblock(blockedBy)
      for (const [name, { openUntil }] of drills) if (now >= openUntil) drills.delete(name)
      for (const name of begun.keys()) if (!document().homes.some((home) => home.name === name)) begun.delete(name)
    },
    close: async () => {
      if (blockedBy !== null) await unblock(blockedBy)
    },
  }
}
