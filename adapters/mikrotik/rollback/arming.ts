import { quoted } from '../../../problems/printable.ts'
import { Problem } from '../../../problems/problem.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { sleep } from '../../../system/time/sleep.ts'
import type { Connection } from '../api/connection.ts'
import type { Session } from '../api/session.ts'
import { isNotPermitted, Trap } from '../api/trap.ts'
import type { Dialect } from '../objects/dialect.ts'
import type { Place } from '../objects/place.ts'
import { startJob } from './job.ts'
import { type Undoer, UNKNOWN_JOB } from './journal.ts'
import { guarded, removeMarkers } from './marker.ts'
import { takeSafeMode } from './safe-mode.ts'
import { scheduleOnce, unschedule } from './schedule.ts'
import type { Snapshot } from './snapshot.ts'
import { undoScript } from './undo-script.ts'

/** What is to be undone unless the router is told to keep the change. */
export interface Arming {
  readonly tunnels: readonly string[]
  /** The tunnel after which things on the router are named. */
  readonly interface: string
  readonly seconds: number
  readonly snapshot: Snapshot
  readonly dialect: Dialect
}

export interface ArmingDeps {
  readonly connection: Connection
  readonly clock: Clock
  /** Writes the journal before a mechanism is armed: whoever is killed in between leaves nothing that nobody knows. */
  readonly note: (undoer: Undoer) => Promise<void>
}

/** What was armed. */
export interface ArmedUndoer {
  /** The session that holds safe mode; null: another mechanism. */
  readonly session: Session | null
  /** A sentence about somebody else's safe mode, during which the change is made. */
  readonly warning: string | null
}

const WHAT = 'arming the rollback'

/** How often, and how many times, somebody else's safe mode is waited for: three seconds. */
const ENDING_EVERY_MS = 500
const ENDING_TRIES = 7

/** Makes harmless what earlier changes of these tunnels left on the router to undo them, whoever made them. */
export async function disarmEarlier(tunnels: readonly string[], place: Place): Promise<void> {
  await removeMarkers(tunnels, place)
  for (const name of tunnels)
    await unschedule(name, place).catch((thrown: unknown) => {
      if (!(thrown instanceof Trap)) throw thrown
    })
}

/**
 * Arms the first mechanism that the router has.
 * @throws {Problem} `router-rollback-unavailable`, `router-busy`.
 */
export async function armFirst(arming: Arming, deps: ArmingDeps, signal: AbortSignal): Promise<ArmedUndoer> {
  const { dialect } = arming
  let warning: string | null = null
  const refused: string[] = []
  if (dialect.safeMode) {
    const session = await deps.connection.fresh(signal)
    try {
      await deps.note({ kind: 'safe-mode' })
      await takenInTime(session, isNew(arming) ? ENDING_TRIES : 1, signal)
      return { session, warning }
    } catch (thrown) {
      session.close()
      if (!(thrown instanceof Trap)) throw thrown
      if (!isUnavailable(thrown)) warning = heldBySomebody(arming, thrown)
      refused.push(`safe mode can't be taken (${quoted(thrown.message)})`)
    }
  } else refused.push(`safe mode came with RouterOS 7.18, and this is ${dialect.version}`)
  await armScript(arming, deps, refused, signal)
  return { session: null, warning }
}

/**
 * Takes safe mode, once more where another session holds it: it may be that of a command which was killed, and whose end
 * the router hears of a moment later. A person holds it for longer.
 */
async function takenInTime(session: Session, tries: number, signal: AbortSignal): Promise<void> {
  for (let left = tries - 1; ; left -= 1)
    try {
      return await takeSafeMode(session, signal)
    } catch (thrown) {
      if (left <= 0 || !(thrown instanceof Trap) || isUnavailable(thrown)) throw thrown
      await sleep(ENDING_EVERY_MS, signal)
      signal.throwIfAborted()
    }
}

/** Whether a tunnel comes that does not stand on the router yet. */
function isNew({ tunnels, snapshot }: Arming): boolean {
  return !tunnels.every((name) => snapshot.interface.some(({ attributes }) => attributes['name'] === name))
}

/** Arms a script, by /execute or by the scheduler. @param refused why safe mode is not used. */
export async function armScript(
  { tunnels, interface: name, seconds, snapshot, dialect }: Arming,
  { connection, clock, note }: ArmingDeps,
  refused: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const place: Place = { exec: connection.exec, signal }
  const why = [...refused]
  const until = clock.wall().getTime() / 1_000 + seconds
  const plain = undoScript(tunnels, snapshot)
  try {
    await note({ kind: 'job', id: UNKNOWN_JOB, until })
    const id = await startJob(`:delay ${seconds}s\n${await guarded(name, seconds, plain, place)}`, place)
    if (id !== null) return await note({ kind: 'job', id, until })
    why.push('a script given to /execute ended at once')
  } catch (thrown) {
    if (!(thrown instanceof Trap)) throw thrown
    why.push(`/execute is refused (${quoted(thrown.message)})`)
  }
  await removeMarkers([name], place)

  if (dialect.allowsScheduler)
    try {
      await note({ kind: 'schedule' })
      return await scheduleOnce(name, seconds, plain, place)
    } catch (thrown) {
      if (!(thrown instanceof Trap)) throw thrown
      why.push(`the scheduler is refused (${quoted(thrown.message)})`)
    }
  else why.push('its device-mode forbids the scheduler')
  throw new Problem('router-rollback-unavailable', { what: WHAT, why: why.join('; ') })
}

/** Whether safe mode is nothing for this user or router at all, and not just somebody else's now. */
function isUnavailable(refusal: Trap): boolean {
  return isNotPermitted(refusal) || /^no such command/i.test(refusal.message)
}

/**
 * Another session holds safe mode: it covers everybody's changes, ours too, and undoes them when that session ends
 * without keeping (manual, Safe Mode). A tunnel that stands can be repaired all the same, and again afterwards; a new
 * one would go, its key with it, long after everybody was told that it stands.
 * @returns the sentence to show. @throws {Problem} `router-busy`.
 */
function heldBySomebody(arming: Arming, refusal: Trap): string {
  const said = `the router says: ${quoted(refusal.message)}`
  if (!isNew(arming))
    return `another session held safe mode on the router while homeward changed it (${said}): if that session ends without keeping its changes, the router undoes homeward’s with them, and homeward makes them again`
  throw new Problem('router-busy', {
    what: WHAT,
    why: `another session holds safe mode there (${said}): when it ends, the router would undo the new tunnel too`,
    next: 'Leave safe mode in WinBox, WebFig or the terminal (Ctrl+X), then try again',
  })
}
