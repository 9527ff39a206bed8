import { Problem, reasonOf } from '../../../problems/problem.ts'
import type { Clock } from '../../../system/time/clock.ts'
import { isNotPermitted, Trap } from '../api/trap.ts'
import type { Session } from '../api/session.ts'
import { remove, set } from '../objects/change.ts'
import type { Connection } from '../api/connection.ts'
import { findOwn, findRenamed, markedName } from '../objects/ours.ts'
import type { Dialect } from '../objects/dialect.ts'
import { stripInterface } from '../objects/own-interface.ts'
import { type Arming, armFirst, armScript, disarmEarlier } from './arming.ts'
import { dismiss } from './dismiss.ts'
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
import { releaseSafeMode, unrollSafeMode } from './safe-mode.ts'
import { snapshotOf } from './snapshot.ts'

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
  /** For whoever finds the journal and no settings. */
  readonly access: NonNullable<Journal['access']>
  readonly stateDir: string
  readonly clock: Clock
  /** The router's dialect, asked for each time: the router may have been upgraded. */
  readonly dialect: (signal: AbortSignal) => Promise<Dialect>
}

interface Armed {
  /** The session that holds safe mode. */
  readonly session: Session | null
  readonly arming: Arming
  readonly journal: Journal
  /** Changes made in safe mode. */
  actions: number
  /** Interfaces to remove once all is kept. */
  readonly doomed: Set<string>
}

/** How many actions homeward makes in safe mode: the router's list has about a hundred (manual, Safe Mode). */
const SAFE_ACTIONS = 80

const NEXT = 'homeward plan shows what differs now'

function hasSession(armed: Armed): armed is Armed & { readonly session: Session } {
  return armed.session !== null
}

export function makeRollback({ connection, host, access, stateDir, clock, dialect }: RollbackDeps): Rollback {
  let armed: Armed | null = null
  let recovering: Promise<void> | null = null
  let heldWarning: string | null = null
  const sentences = new Set<string>()
  const say = (sentence: string): void => void sentences.add(sentence)

  const exec: Session['exec'] = async (sentence, signal, timeoutMs) => {
    if (armed !== null && hasSession(armed) && !/\/(?:print|get|find)$/.test(sentence.command)) {
      if (armed.actions >= SAFE_ACTIONS) await handOver(armed, signal)
      else armed.actions += 1
    }
    return await (armed?.session ?? connection).exec(sentence, signal, timeoutMs)
  }
  const kept = (signal: AbortSignal): Place => ({ exec: connection.exec, signal })

  const disarm = (): void => {
    armed?.session?.close()
    armed = null
  }

  async function arm(tunnels: readonly string[], seconds: number, signal: AbortSignal): Promise<void> {
    const [interfaceName] = tunnels
    if (interfaceName === undefined) throw new TypeError('nothing is to be changed')
    await undo(signal)
    heldWarning = null
    await disarmEarlier(tunnels, kept(signal))
    const snapshot = snapshotOf(tunnels, await readTables(connection.exec, signal))
    const arming = { tunnels, interface: interfaceName, seconds, snapshot, dialect: await dialect(signal) }
    const noted = noting(arming, null)
    try {
      const { session, warning } = await armFirst(arming, { connection, clock, note: noted.note }, signal)
      heldWarning = warning
      armed = { session, arming, journal: noted.latest(), doomed: new Set(), actions: 0 }
    } catch (thrown) {
      await forget(noted.written(), signal)
      throw thrown
    }
  }

  /** Keeps the journal of one change as it is armed. */
  function noting({ tunnels, interface: name, snapshot }: Arming, earlier: Journal | null) {
    let journal = earlier
    return {
      note: async (undoer: Undoer): Promise<void> => {
        const entry = { host, access, interface: name, interfaces: tunnels, snapshot, undoer }
        journal = await writeJournal(stateDir, entry, journal)
      },
      written: () => journal,
      latest: (): Journal => {
        if (journal === null) throw new TypeError('what is armed has no journal')
        return journal
      },
    }
  }

  /** Ends a journal of which nothing was carried out; where the router does not answer, the next look does. */
  async function forget(journal: Journal | null, signal: AbortSignal): Promise<void> {
    if (journal === null) return
    try {
      await dismiss(journal.undoer, journal.interface, clock, kept(signal))
      await removeJournal(stateDir, journal)
    } catch {
      leaveJournal(journal)
    }
  }

  /**
   * Has a script undo from now on, in place of safe mode: that is released without a word after about a hundred actions
   * (manual, Safe Mode), the owner's among them.
   */
  async function handOver(held: Armed & { readonly session: Session }, signal: AbortSignal): Promise<void> {
    const { arming, session } = held
    const noted = noting(arming, held.journal)
    const why = ['safe mode covers about 100 actions, and this change has more']
    await armScript(arming, { connection, clock, note: noted.note }, why, signal)
    armed = { ...held, session: null, journal: noted.latest() }
    await releaseSafeMode(session, signal).catch((thrown: unknown) => {
      // It ended by itself, and what was changed stays: so it is wanted.
      if (!(thrown instanceof Trap)) throw thrown
    })
    session.close()
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
    else if (!(await dismiss(journal.undoer, name, clock, kept(signal))))
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
      if (session?.isOpen() === true && (await undoneInSafeMode(session, journal, signal))) {
        await removeJournal(stateDir, journal)
        return []
      }
    } finally {
      leaveJournal(journal)
      disarm()
    }
    return await takeBack(journal, signal)
  }

  /**
   * Takes back ours alone and keeps the rest: in the meantime the router's owner may have changed something too, which
   * the router would undo with it. What cannot be put back so, such as a deleted interface with its key, it undoes itself.
   * @returns whether all is as before; else the router undoes, as it does when this session ends, and the rest is found.
   */
  async function undoneInSafeMode(session: Session, journal: Journal, signal: AbortSignal): Promise<boolean> {
    try {
      const losses = await restore(tunnelsOf(journal), journal.snapshot, { exec: session.exec, signal })
      if (losses.length === 0) {
        await releaseSafeMode(session, signal)
        return true
      }
      await unrollSafeMode(session, signal)
    } catch {
      // The session may have ended, or safe mode by itself.
    }
    return false
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
      await dismiss(undoer, interfaceName, clock, kept(signal))
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
    warnings: () => [...sentences, ...(heldWarning === null ? [] : [heldWarning])],
    close() {
      if (armed !== null) leaveJournal(armed.journal)
      disarm()
    },
  }
}
