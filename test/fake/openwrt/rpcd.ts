import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Uci } from './uci.ts'

/** Codes of ubus. */
export const UBUS = {
  ok: 0,
  invalidArgument: 2,
  methodNotFound: 3,
  notFound: 4,
  noData: 5,
  permissionDenied: 6,
} as const

interface Answer {
  readonly code: number
  readonly data?: object
}

/** The service behind LuCI: sessions, and changes of the configuration that are taken back unless they are confirmed. */
export interface Rpcd {
  readonly session: (method: string, args: Record<string, unknown>) => Answer
  readonly uci: (method: string, args: Record<string, unknown>) => Answer
  /** It forgets what it waits for: the change is there to stay. */
  readonly restart: () => void
}

interface Session {
  readonly granted: Set<string>
  timer: NodeJS.Timeout
}

interface Applied {
  readonly session: string
  readonly timer: NodeJS.Timeout
  readonly before: string
}

/** @param committed the files were written, and the services learn of it. */
export function makeRpcd(root: string, uci: Uci, committed: (configs: readonly string[]) => void): Rpcd {
  const sessions = new Map<string, Session>()
  let applied: Applied | null = null

  const stageOf = (id: string): string => `/var/run/rpcd/uci-${id}`

  function destroy(id: string): void {
    clearTimeout(sessions.get(id)?.timer)
    sessions.delete(id)
    rmSync(join(root, stageOf(id)), { recursive: true, force: true })
  }

  function rollBack(): void {
    if (applied === null) return
    clearTimeout(applied.timer)
    for (const config of uci.configs)
      if (existsSync(join(applied.before, config)))
        cpSync(join(applied.before, config), join(root, 'etc/config', config))
    rmSync(applied.before, { recursive: true, force: true })
    applied = null
    committed(uci.configs)
  }

  return {
    session: (method, args) => {
      const id = textIn(args['ubus_rpc_session'])
      if (method === 'create') {
        const made = randomBytes(16).toString('hex')
        const seconds = typeof args['timeout'] === 'number' ? args['timeout'] : 300
        const timer = setTimeout(() => destroy(made), seconds * 1_000)
        timer.unref()
        sessions.set(made, { granted: new Set(), timer })
        return {
          code: UBUS.ok,
          data: { ubus_rpc_session: made, timeout: seconds, expires: seconds, acls: {}, data: {} },
        }
      }
      const session = sessions.get(id)
      if (session === undefined) return { code: UBUS.notFound }
      if (method === 'destroy') {
        destroy(id)
        return { code: UBUS.ok }
      }
      if (method !== 'grant') return { code: UBUS.methodNotFound }
      if (args['scope'] !== 'uci' || !Array.isArray(args['objects'])) return { code: UBUS.invalidArgument }
      for (const pair of args['objects'] as unknown[]) if (Array.isArray(pair)) session.granted.add(pair.join(' '))
      return { code: UBUS.ok }
    },

    uci: (method, args) => {
      const id = textIn(args['ubus_rpc_session'])
      const session = sessions.get(id)
      if (session === undefined) return { code: UBUS.permissionDenied }
      switch (method) {
        case 'apply': {
          if (applied !== null) return { code: UBUS.permissionDenied }
          const staged = uci.configs.filter((config) => existsSync(join(root, stageOf(id), config)))
          if (staged.length === 0) return { code: UBUS.noData }
          if (staged.some((config) => !session.granted.has(`${config} write`))) return { code: UBUS.permissionDenied }
          const before = join(root, 'tmp/run/rpcd/snapshot-files')
          if (args['rollback'] === true) {
            rmSync(before, { recursive: true, force: true })
            mkdirSync(before, { recursive: true, mode: 0o700 })
            for (const config of uci.configs) cpSync(join(root, 'etc/config', config), join(before, config))
            const seconds = typeof args['timeout'] === 'number' ? args['timeout'] : 60
            applied = { session: id, before, timer: setTimeout(rollBack, seconds * 1_000) }
          }
          for (const config of staged) uci.commit(config, [stageOf(id)])
          committed(staged)
          return { code: UBUS.ok }
        }
        case 'confirm':
        case 'rollback': {
          if (applied === null) return { code: UBUS.noData }
          if (applied.session !== id) return { code: UBUS.permissionDenied }
          if (method === 'rollback') rollBack()
          else {
            clearTimeout(applied.timer)
            rmSync(applied.before, { recursive: true, force: true })
            applied = null
          }
          return { code: UBUS.ok }
        }
        default:
          return { code: UBUS.methodNotFound }
      }
    },

    restart: () => {
      if (applied !== null) clearTimeout(applied.timer)
      applied = null
      for (const id of sessions.keys()) destroy(id)
    },
  }
}

function textIn(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
