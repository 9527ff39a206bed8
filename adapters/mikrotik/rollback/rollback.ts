import { quoted } from '../../../problems/printable.ts'
import { Problem, reasonOf } from '../../../problems/problem.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { Trap } from '../api/api.ts'
import { isNotPermitted } from '../api/trap.ts'
import type { Session } from '../api/session.ts'
import { remove, set } from '../objects/change.ts'
import type { Connection } from '../api/connection.ts'
import { findOwn, findRenamed, markedName } from '../objects/ours.ts'
import type { Dialect } from '../objects/dialect.ts'
import { stripInterface } from '../objects/own-interface.ts'
import { startJob, stopJob } from './job.ts'
import {
  type Journal,
  leaveJournal,
  readLeftJournal,
  removeJournal,
  setJournalAside,
  tunnelsOf,
  type Undoer,
  writeJournal,
} from './journal.ts'
import { type Loss, lossText, saidBy } from './losses.ts'
import { readMenu, readTables } from '../objects/menus.ts'
import type { Place } from '../objects/place.ts'
import { restore } from './restore.ts'
import { releaseSafeMode, takeSafeMode, unrollSafeMode } from './safe-mode.ts'
import { scheduleOnce, unschedule } from './schedule.ts'
import { type Snapshot, snapshotOf } from './snapshot.ts'
import { undoScript } from './undo-script.ts'

/** A change that the router undoes by itself unless it is told to keep it. One at a time. */
export interface Rollback {
  /** Executes changes; while safe mode is held, on the session that holds it. */
  readonly exec: Session['exec']
  /** Arms the rollback. @throws {Problem} `router-rollback-unavailable`. */
  readonly arm: (tunnels: readonly string[], seconds: number, signal: AbortSignal) => Promise<void>
  /** Removes an interface; one that existed before arming only when all is kept: its key cannot be restored. */
  readonly removeInterface: (name: string, signal: AbortSignal) => Promise<void>
  /** Keeps the change, once the router is proven in order over a new connection. */
  readonly keep: (signal: AbortSignal) => Promise<void>
  /** Undoes the change. @throws {Problem} `router-not-restored` afterwards, when something is not as it was. */
  readonly revert: (signal: AbortSignal) => Promise<void>
  /** Undoes what a process that is gone had changed and not kept. */
  readonly recover: (signal: AbortSignal) => Promise<void>
  /** What could not be undone: a sentence each, until a change is kept. */
  readonly warnings: () => readonly string[]
  /** Closes; what is armed and not kept is the router's to undo from here on. */
  readonly close: () => void
}

export interface RollbackDeps {
  readonly connection: Connection
  readonly host: string
  readonly stateDir: string
  readonly clock: Clock
  /** The router's dialect, asked for each time: the router may have been upgraded. */
  readonly dialect: (signal: AbortSignal) => Promise<Dialect>
}

interface Armed {
  /** The session that holds safe mode. */
  readonly session: Session | null
  readonly journal: Journal
  /** Interfaces to remove once all is kept. */
  readonly doomed: Set<string>
}

/** Time allowed for a job that the router began a little later than it was told. */
const GRACE_SECONDS = 30

const NEXT = 'homeward plan shows what differs now'

export function makeRollback({ connection, host, stateDir, clock, dialect }: RollbackDeps): Rollback {
  let armed: Armed | null = null
  let recovering: Promise<void> | null = null
  const sentences = new Set<string>()
  const say = (sentence: string): void => void sentences.add(sentence)

  const exec: Session['exec'] = (...call) => (armed?.session ?? connection).exec(...call)
  const kept = (signal: AbortSignal): Place => ({ exec: connection.exec, signal })

  const disarm = (): void => {
    armed?.session?.close()
    armed = null
  }

  async function arm(tunnels: readonly string[], seconds: number, signal: AbortSignal): Promise<void> {
    const [interfaceName] = tunnels
    if (interfaceName === undefined) throw new TypeError('nothing is to be changed')
    await undo(signal)
    const snapshot = snapshotOf(tunnels, await readTables(connection.exec, signal))
    const { undoer, session } = await findUndoer(tunnels, interfaceName, seconds, snapshot, signal)
    try {
      const journal = await writeJournal(stateDir, {
        host,
        interface: interfaceName,
        interfaces: tunnels,
        snapshot,
        undoer,
      })
      armed = { session, journal, doomed: new Set() }
    } catch (thrown) {
      session?.close()
      await dismiss(undoer, interfaceName, kept(signal)).catch(() => undefined)
      throw thrown
    }
  }

  /** Arms the first mechanism that this router has. */
  async function findUndoer(
    tunnels: readonly string[],
    interfaceName: string,
    seconds: number,
    snapshot: Snapshot,
    signal: AbortSignal,
  ): Promise<{ readonly undoer: Undoer; readonly session: Session | null }> {
    const { version, safeMode, allowsScheduler } = await dialect(signal)
    const refused: string[] = []
    if (safeMode) {
      const session = await connection.fresh(signal)
      try {
        await takeSafeMode(session, signal)
        return { undoer: { kind: 'safe-mode' }, session }
      } catch (thrown) {
        session.close()
        if (!(thrown instanceof Trap)) throw thrown
        refused.push(`safe mode can't be taken (${quoted(thrown.message)})`)
      }
    } else refused.push(`safe mode came with RouterOS 7.18, and this is ${version}`)

    const script = undoScript(tunnels, snapshot)
    try {
      const until = clock.wall().getTime() / 1_000 + seconds
      const id = await startJob(`:delay ${seconds}s\n${script}`, kept(signal))
      if (id !== null) return { undoer: { kind: 'job', id, until }, session: null }
      refused.push('a script given to /execute ended at once')
    } catch (thrown) {
      if (!(thrown instanceof Trap)) throw thrown
      refused.push(`/execute is refused (${quoted(thrown.message)})`)
    }

    if (allowsScheduler)
      try {
        await scheduleOnce(interfaceName, seconds, script, kept(signal))
        return { undoer: { kind: 'schedule' }, session: null }
      } catch (thrown) {
        if (!(thrown instanceof Trap)) throw thrown
        refused.push(`the scheduler is refused (${quoted(thrown.message)})`)
      }
    else refused.push('its device-mode forbids the scheduler')
    throw new Problem('router-rollback-unavailable', { what: 'arming the rollback', why: refused.join('; ') })
  }

  async function removeInterface(name: string, signal: AbortSignal): Promise<void> {
    const place: Place = { exec, signal }
    await stripInterface(name, place)
    const rows = await readMenu(exec, 'interface', signal)
    const own = findOwn(name, rows) ?? findRenamed(name, rows)
    if (own === undefined) return
    const wasThere = armed?.journal.snapshot.interface.some(({ key }) => key === own['public-key']) === true
    if (armed === null || !wasThere) return remove('interface', own, place)
    armed.doomed.add(name)
    await set('interface', own, { disabled: 'yes' }, place)
  }

  async function keep(signal: AbortSignal): Promise<void> {
    if (armed === null) throw new TypeError('nothing is armed')
    const { session, journal, doomed } = armed
    const { interface: name } = journal
    await proveReachable(signal)
    if (session !== null) await releaseSafeMode(session, signal)
    else if (!(await dismiss(journal.undoer, name, kept(signal))))
      throw new TypeError('the router has undone the change already: the time for it was over')
    await removeJournal(stateDir, journal)
    disarm()
    // The wanted state stands, so what could not be undone no longer matters.
    sentences.clear()
    for (const name of doomed) {
      const rows = await readMenu(connection.exec, 'interface', signal)
      const own = findOwn(name, rows) ?? findRenamed(name, rows)
      if (own !== undefined) await remove('interface', own, kept(signal))
    }
  }

  /** Logs in again: a failure shows here, while the router still undoes all of it. */
  async function proveReachable(signal: AbortSignal): Promise<void> {
    const proof = await connection.fresh(signal)
    try {
      const rows = await readMenu(proof.exec, 'interface', signal)
      if (rows.every((row) => markedName(row) === null))
        throw new TypeError('over a new connection the router has no interface of homeward')
    } finally {
      proof.close()
    }
  }

  async function revert(signal: AbortSignal): Promise<void> {
    const losses = await undo(signal)
    if (losses.length === 0) return
    const what = 'putting back what stood on the router before'
    throw new Problem('router-not-restored', { what, why: `all is as before, except ${lossText(losses)}` })
  }

  async function undo(signal: AbortSignal): Promise<readonly Loss[]> {
    if (armed === null) return []
    const { session, journal } = armed
    try {
      // If this fails, the router notices by itself that the session ended; what follows finds the rest.
      if (session?.isOpen() === true) await unrollSafeMode(session, signal).catch(() => undefined)
    } finally {
      leaveJournal(journal)
      disarm()
    }
    return await takeBack(journal, signal)
  }

  /** Undoes the change and ends the journal whatever the router refuses: the next plan starts from what is there. */
  async function takeBack(journal: Journal, signal: AbortSignal): Promise<readonly Loss[]> {
    const { interface: name, snapshot, undoer } = journal
    const tunnels = tunnelsOf(journal)
    const before = await restore(tunnels, snapshot, kept(signal))
    const notDismissed = await dismissed(undoer, name, signal)
    // The router may have begun to undo by itself. Now it no longer can, and this finds what the two did to each other.
    const losses = undoer.kind === 'safe-mode' ? before : await restore(tunnels, snapshot, kept(signal))
    if (losses.length > 0) say(`a change to the router was taken back, except ${lossText(losses)}; ${NEXT}`)
    if (notDismissed !== null) say(notDismissed)
    await removeJournal(stateDir, journal)
    return losses
  }

  /** @returns a sentence when the router refused to dismiss the undoer. */
  async function dismissed(undoer: Undoer, interfaceName: string, signal: AbortSignal): Promise<string | null> {
    try {
      await dismiss(undoer, interfaceName, kept(signal))
      return null
    } catch (thrown) {
      if (!(thrown instanceof Trap)) throw thrown
      return `the router may yet undo what is changed on it within the next minutes: ${saidBy(thrown)}; ${NEXT}`
    }
  }

  async function recoverOnce(signal: AbortSignal): Promise<void> {
    const left = await readLeftJournal(stateDir, host)
    switch (left.kind) {
      case 'none':
        return
      case 'unusable': {
        const where = await setJournalAside(stateDir).catch(() => stateDir)
        return say(
          `a change to the router may have been cut off; its journal (${where}) is of no use: ${left.why}; ${NEXT}`,
        )
      }
      case 'left':
        await takeBack(left.journal, signal)
        return
      default:
        return left satisfies never
    }
  }

  return {
    exec,
    arm,
    removeInterface,
    keep,
    revert,
    async recover(signal) {
      if (armed !== null) return
      // Several looks may come at once: recovering twice in parallel would make everything twice.
      recovering ??= recoverOnce(signal).finally(() => {
        recovering = null
      })
      try {
        await recovering
      } catch (thrown) {
        const what = 'taking back a change that was cut off'
        if (thrown instanceof Problem) throw thrown
        const code = isNotPermitted(thrown) ? 'router-rights-missing' : 'router-change-cut-off'
        throw new Problem(code, { what, why: reasonOf(thrown), cause: thrown })
      }
    },
    warnings: () => [...sentences],
    close() {
      if (armed !== null) leaveJournal(armed.journal)
      disarm()
    },
  }

  /** @returns whether the undoer was still to come. */
  async function dismiss(undoer: Undoer, interfaceName: string, place: Place): Promise<boolean> {
    switch (undoer.kind) {
      case 'safe-mode':
        return true
      case 'job':
        // By then another script may have the job's number.
        if (clock.wall().getTime() / 1_000 > undoer.until + GRACE_SECONDS) return false
        return stopJob(undoer.id, place)
      case 'schedule':
        return unschedule(interfaceName, place)
      default:
        return undoer satisfies never
    }
  }
}
