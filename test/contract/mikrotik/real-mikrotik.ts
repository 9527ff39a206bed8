import { openSession } from '../../../adapters/mikrotik/api/api.ts'
import type { RouterAccess, Row, Session } from '../../../adapters/mikrotik/api/session.ts'
import type { Capabilities, Machine } from '../machine.ts'
import { mikrotikAgents } from './mikrotik-agents.ts'
import { MIKROTIK_DRIFT_NAMES, mikrotikDrifts } from './mikrotik-drifts.ts'
import { makeKeys } from '../specs.ts'

/** What can be known of a router that is reached over its API alone. */
export const REAL_MIKROTIK: Capabilities = {
  roles: ['home'],
  answersVisitors: true,
  leadsOutgoing: false,
  keysMadeThere: true,
  undoesFailures: true,
  tellsCommands: false,
  drifts: MIKROTIK_DRIFT_NAMES,
}

const ROLLBACK_SECONDS = 60

/** Menus in which homeward makes something, and properties that change by themselves. */
const MENUS = [
  '/interface/wireguard',
  '/interface/wireguard/peers',
  '/ip/address',
  '/ip/route',
  '/ip/firewall/filter',
  '/ip/firewall/nat',
  '/ip/firewall/mangle',
]
const RESTLESS = /^(?:bytes|packets|rx|tx|last-handshake|current-endpoint-.*|running|private-key|preshared-key)$/

/** A router somewhere: what is asked of it and done to it goes over its API, with the rights of that user. */
export async function realMikrotik(access: Omit<RouterAccess, 'password'>, password: string): Promise<Machine> {
  const agents = await mikrotikAgents(access, password, ROLLBACK_SECONDS)
  const signal = (): AbortSignal => AbortSignal.timeout(60_000)

  async function withSession<Result>(use: (session: Session) => Promise<Result>): Promise<Result> {
    const session = await openSession({ ...access, password: async () => password }, signal())
    try {
      return await use(session)
    } finally {
      session.close()
    }
  }

  /** Waits for its end. */
  async function console(script: string): Promise<string> {
    const attributes = { script, 'as-string': '' }
    return await withSession(async ({ exec }) => (await exec({ command: '/execute', attributes }, signal())).ret ?? '')
  }

  /** As text, a row a line: the router's own order is a part of it. */
  async function rows(isWanted: (row: Row) => boolean): Promise<readonly string[]> {
    const all = await withSession(async ({ exec }) => {
      const found: string[] = []
      for (const menu of MENUS)
        for (const row of (await exec({ command: `${menu}/print` }, signal())).rows)
          if (row['dynamic'] !== 'true' && isWanted(row)) found.push(textOf(menu, row))
      return found
    })
    return all
  }

  return {
    keys: makeKeys(),
    open: agents.open,
    foreign: async () => (await rows((row) => !isOurs(row))).join('\n'),
    leftovers: () => rows(isOurs),
    takeInterface: async (name) => {
      await console(`/interface/wireguard/add name=${name}`)
      return async () => void (await console(`/interface/wireguard/remove [find where name=${name}]`))
    },
    // It can't be made to fail.
    breakStep: () => null,
    commandLines: async () => '',
    drifts: mikrotikDrifts(console),
    close: agents.close,
  }
}

function isOurs(row: Row): boolean {
  return row['comment']?.startsWith('homeward hw') === true
}

function textOf(menu: string, row: Row): string {
  const words = Object.entries(row).filter(([name]) => name !== '.id' && !RESTLESS.test(name))
  return [menu, ...words.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => `${name}=${value}`)].join(' ')
}
