import { Trap } from '../../../adapters/mikrotik/api/api.ts'
import type { Row, Session } from '../../../adapters/mikrotik/api/session.ts'
import type { Connection } from '../../../adapters/mikrotik/api/connection.ts'
import type { Dialect } from '../../../adapters/mikrotik/objects/dialect.ts'
import { type PaperTables, paperTables } from './paper-tables.ts'

/** Paper tables behind sessions, with the ways that a router has to take a change back. Scripts are kept and not run. */
export interface PaperRouter extends PaperTables {
  readonly connection: Connection
  readonly dialect: Dialect
  /** Scripts of `/execute` that wait, by their id. */
  readonly jobs: ReadonlyMap<string, string>
  readonly endJob: (id: string) => void
  readonly schedule: () => readonly Row[]
  /** Open sessions besides the kept one. */
  readonly openSessions: () => number
  /** The line to it fails for new sessions. */
  readonly cutOff: () => void
}

export interface PaperPlan {
  readonly safeMode?: 'free' | 'held'
  readonly execute?: 'runs' | 'refused'
  readonly allowsScheduler?: boolean
}

export function paperRouter({ safeMode, execute = 'runs', allowsScheduler = true }: PaperPlan = {}): PaperRouter {
  const tables = paperTables()
  const jobs = new Map<string, string>()
  let holder: symbol | null = safeMode === 'held' ? Symbol('somebody') : null
  let before = tables.save()
  let nextJob = 0x31
  let open = 0
  let isCutOff = false

  function exec(who: symbol): Session['exec'] {
    return async (sentence, signal) => {
      const { command, attributes = {} } = sentence
      const done = { rows: [], ret: null }
      switch (command) {
        case '/safe-mode/take':
          if (holder !== null) throw new Trap({ message: 'already taken' })
          holder = who
          before = tables.save()
          return done
        case '/safe-mode/release':
          if (holder === who) holder = null
          return done
        case '/safe-mode/unroll':
          unroll(who)
          return done
        case '/execute': {
          if (execute === 'refused') throw new Trap({ message: 'not enough permissions (9)' })
          const id = `*${(nextJob += 1).toString(16).toUpperCase()}`
          jobs.set(id, attributes['script'] ?? '')
          return { rows: [], ret: id }
        }
        case '/system/script/job/print':
          return { rows: [...jobs.keys()].map((id) => ({ '.id': id })), ret: null }
        case '/system/script/job/remove':
          if (!jobs.delete(attributes['.id'] ?? '')) throw new Trap({ message: 'no such item' })
          return done
        default:
          return tables.exec(sentence, signal)
      }
    }
  }

  function unroll(who: symbol): void {
    if (holder !== who) return
    holder = null
    tables.load(before)
  }

  const kept = exec(Symbol('kept'))
  return {
    ...tables,
    exec: kept,
    dialect: {
      version: safeMode === undefined ? '7.16.2' : '7.18.2',
      major: 7,
      minor: safeMode === undefined ? 16 : 18,
      model: 'CHR',
      identity: 'paper',
      peerName: true,
      safeMode: safeMode !== undefined,
      allowsScheduler,
    },
    connection: {
      exec: kept,
      session: () => Promise.reject(new Error('paper tells nothing by itself')),
      fresh: async () => {
        if (isCutOff) throw new Error('no route to host')
        const who = Symbol('session')
        let isOpen = true
        open += 1
        return {
          exec: exec(who),
          stream: async () => ({ kind: 'refused', why: 'no such command' }),
          ended: new Promise<string>(() => undefined),
          isOpen: () => isOpen,
          ends: { local: '192.168.1.2', remote: '192.168.1.1' },
          close: () => {
            if (!isOpen) return
            isOpen = false
            open -= 1
            unroll(who)
          },
        }
      },
      ends: () => null,
      close: () => undefined,
    },
    jobs,
    endJob: (id) => void jobs.delete(id),
    schedule: () => tables.rows('/system/scheduler'),
    openSessions: () => open,
    cutOff: () => {
      isCutOff = true
    },
  }
}
