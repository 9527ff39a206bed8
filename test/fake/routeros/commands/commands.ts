import { createHash, X509Certificate } from 'node:crypto'
import { sleep } from '../../../../system/time/sleep.ts'
import { makeCertificate } from '../../../../hub/settings/certificate.ts'
import { childrenOf } from './inspect.ts'
import type { Jobs } from '../script/jobs.ts'
import { type Changes, listen, makeChanges } from '../api/listen.ts'
import { type Model, WIREGUARD } from '../model.ts'
import { Refused } from '../refused.ts'
import { require, type Rights } from '../api/rights.ts'
import type { SafeMode } from '../api/safe-mode.ts'
import { runScript } from '../script/script.ts'
import { pingRow } from './ping.ts'
import { readOnlyMenus } from '../tables/read-only.ts'
import { makeScheduler } from '../script/scheduler.ts'
import { flawOf } from '../script/script-check.ts'
import type { ShownRow } from '../tables/shown.ts'
import { type Answer, checkPrint, type Command, DONE, project, tableCommand } from './table-commands.ts'
import { idText, menuOf } from '../tables/tables.ts'
import { isAtLeast } from '../version.ts'

/** Everything a router does for whoever may. */
export interface Commands {
  /** @throws {Refused} */
  readonly run: (command: Command, caller: Caller) => Promise<Answer>
  /** @throws {Refused} of the first command that fails. */
  readonly script: (source: string, caller: Caller) => Promise<Answer>
  /** The power came. */
  readonly powerOn: () => void
  /** Of the API's certificate, PEM; null: none. */
  readonly tlsOf: () => KeyPair | null
  readonly pour: Changes['pour']
}

interface KeyPair {
  readonly key: string
  readonly certificate: string
}

export interface Caller {
  readonly rights: Rights
  /** Its session, or its script: safe mode belongs to one. */
  readonly session: object
  readonly signal: AbortSignal
  /** Takes rows of a command that has no end of its own. */
  readonly emit?: (row: ShownRow) => void
}

export interface CommandDeps {
  readonly model: Model
  readonly jobs: Jobs
  readonly safeMode: SafeMode
  readonly sessions: () => readonly ShownRow[]
  /** Ends when the router does, or its power. */
  readonly lifetime: () => AbortSignal
  /** After each command that may have changed something. */
  readonly onChanged: () => void
  /** After each command, whoever gave it. The power may go there. */
  readonly onRun: (isChange: boolean) => Promise<void>
}

export function makeCommands(parts: CommandDeps): Commands {
  const { model, jobs, safeMode } = parts
  const changes = makeChanges()
  const scheduler = makeScheduler(
    model,
    async (source, rights, signal) => {
      // What it fails with goes to the router's log.
      await script(source, { rights, session: {}, signal }).catch(() => undefined)
    },
    parts.lifetime,
  )
  const changed = (): void => {
    scheduler.follow()
    changes.tell()
    parts.onChanged()
  }

  async function run(command: Command, caller: Caller): Promise<Answer> {
    // A script ends with the power.
    caller.signal.throwIfAborted()
    const answer = await carryOut(command, caller)
    // A listen has no end of its own.
    if (command.verb !== 'listen') await parts.onRun(!/^(?:print|get|find)$/.test(command.verb))
    return answer
  }

  async function carryOut(command: Command, caller: Caller): Promise<Answer> {
    const { path, verb } = command
    if (model.switches.refuses?.test(`${path}/${verb}`) === true) throw new Refused('failure: not now')
    const before = model.version.major < 7 || !isAtLeast(model.version, '7.1')
    if (path.startsWith(WIREGUARD) && before) throw new Refused('no such command or directory (wireguard)', 0)
    const special = SPECIALS[`${path}/${verb}`]
    if (special !== undefined) return await special(command, caller)
    if (verb === 'listen' && caller.emit !== undefined) {
      const rows = rowsOf(command, caller)
      if (rows === null || model.switches.events.lacking?.test(path) === true) throw new Refused('no such command')
      require(caller.rights, 'read')
      await listen(rows, command, caller.emit, changes, () => model.switches.events, caller.signal)
      return DONE
    }
    const readOnly = READ_ONLY[path]
    if (readOnly !== undefined && verb === 'print') {
      require(caller.rights, 'read')
      checkPrint(command.attributes, model.version)
      return project(await readOnly(), command.attributes, command.queries)
    }
    const menu = menuOf(path)
    if (menu === undefined) throw new Refused('no such command prefix', 0)
    if (path === '/system/scheduler' && verb === 'add') refuseByDeviceMode(model)
    const answer = await tableCommand(model, menu, command, caller.rights)
    if (verb !== 'print') {
      safeMode.acted()
      changed()
    }
    return answer
  }

  /** All rows of a menu that can be listened to, whole. */
  function rowsOf({ path }: Command, { rights }: Caller): (() => Promise<readonly ShownRow[]>) | null {
    if (path === '/interface') return READ_ONLY[path] ?? null
    const menu = menuOf(path)
    if (menu === undefined) return null
    const print = { path, verb: 'print', attributes: new Map<string, string>(), queries: [] }
    return async () => (await tableCommand(model, menu, print, rights)).rows
  }

  async function script(source: string, caller: Caller): Promise<Answer> {
    return await runScript(source, {
      run: (command) => run(command, caller),
      flawOf: (spelling) => flawOf(spelling, model.version),
      sleep: async (seconds) => {
        await sleep(seconds * 1_000, caller.signal)
        caller.signal.throwIfAborted()
      },
    })
  }

  function startJob(source: string, caller: Caller): string {
    return jobs.start(source, caller.rights.user, async (signal) => {
      await script(source, { ...caller, session: {}, signal })
    })
  }

  const safe = (act: (caller: Caller) => Promise<void> | void) => async (_command: Command, caller: Caller) => {
    if (!isAtLeast(model.version, '7.18')) throw new Refused('no such command prefix', 0)
    require(caller.rights, 'write')
    await act(caller)
    changed()
    return DONE
  }

  const SPECIALS: Readonly<Record<string, (command: Command, caller: Caller) => Promise<Answer>>> = {
    '/safe-mode/take': safe(({ session }) => safeMode.take(session)),
    '/safe-mode/release': safe(({ session }) => safeMode.release(session)),
    '/safe-mode/unroll': safe(({ session }) => safeMode.unroll(session)),
    '/safe-mode/get': safe(() => undefined),
    '/execute': async ({ attributes }, caller) => {
      require(caller.rights, 'read')
      onlyKnown(attributes, ['script', 'as-string', 'file'])
      if (model.switches.refusesJobs) throw new Refused('not enough permissions (9)')
      const source = attributes.get('script')
      if (source === undefined) throw new Refused('missing value(s) of argument(s) script')
      if (!attributes.has('as-string')) return { rows: [], ret: startJob(source, caller) }
      await script(source, caller)
      return { rows: [], ret: '' }
    },
    '/system/script/job/remove': async ({ attributes }, caller) => {
      require(caller.rights, 'write')
      jobs.remove(attributes.get('.id') ?? '')
      return DONE
    },
    '/ip/firewall/connection/remove': async ({ attributes }, caller) => {
      require(caller.rights, 'write')
      for (const id of (attributes.get('.id') ?? '').split(','))
        if (!(await model.kernel.forgetConnection(id)) || model.switches.vanishingConnections)
          throw new Refused('no such item')
      return DONE
    },
    '/certificate/sign': async ({ attributes }, caller) => {
      require(caller.rights, 'write')
      const which = attributes.get('.id') ?? attributes.get('numbers')
      onlyKnown(attributes, ['.id', 'numbers', 'number', 'name', 'ca', 'ca-crl-host'])
      const item = model.tables
        .rows('/certificate')
        .find((one) => idText(one) === which || one.values.get('name') === which)
      if (item === undefined) throw new Refused('no such item')
      // A small router takes seconds for it.
      await sleep(model.switches.signMs, caller.signal)
      if (caller.signal.aborted) return DONE
      const made = makeCertificate(['192.168.88.1'])
      item.values.set('pem-key', made.key)
      item.values.set('pem-certificate', made.certificate)
      item.values.set('fingerprint', fingerprintOf(made.certificate))
      return DONE
    },
    '/tool/ping': async ({ attributes }, caller) => {
      require(caller.rights, 'test')
      onlyKnown(attributes, [...PING, '.proplist'])
      const host = attributes.get('address')
      if (host === undefined) throw new Refused('missing value(s) of argument(s) address')
      const count = Number(attributes.get('count') ?? Number.POSITIVE_INFINITY)
      const emit = caller.emit
      const rows: ShownRow[] = []
      const times: number[] = []
      for (let seq = 0; seq < count && !caller.signal.aborted; seq += 1) {
        const ms = await model.kernel.ping(host)
        if (ms !== null) times.push(ms)
        const row = pingRow(host, seq, ms, times)
        // Each as it comes: who gives no count is told without end.
        if (emit === undefined) rows.push(row)
        else emit(row)
        if (seq + 1 < count) await sleep(1_000, caller.signal)
      }
      return { rows, ret: null }
    },
    '/system/script/run': async ({ attributes }, caller) => {
      require(caller.rights, 'test')
      const which = attributes.get('.id') ?? attributes.get('number')
      const found = model.tables
        .rows('/system/script')
        .find((item) => idText(item) === which || item.values.get('name') === which)
      if (found === undefined) throw new Refused('no such item')
      return await script(found.values.get('source') ?? '', caller)
    },
    '/console/inspect': async ({ attributes }, caller) => {
      require(caller.rights, 'read')
      onlyKnown(attributes, ['request', 'path', 'input'])
      if (attributes.get('request') !== 'child') throw new Refused('input does not match any value of request', 1)
      return { rows: childrenOf(attributes.get('path') ?? '', model.version), ret: null }
    },
  }

  const READ_ONLY = readOnlyMenus(model, jobs, parts.sessions)

  return {
    run,
    script,
    powerOn: scheduler.start,
    pour: changes.pour,
    tlsOf: () => {
      const name = model.tables
        .rows('/ip/service')
        .find(({ values }) => values.get('name') === 'api-ssl')
        ?.values.get('certificate')
      const found = model.tables.rows('/certificate').find(({ values }) => values.get('name') === name)?.values
      const [key, certificate] = [found?.get('pem-key'), found?.get('pem-certificate')]
      return key === undefined || certificate === undefined ? null : { key, certificate }
    },
  }
}

/** Of `/tool/ping`. */
const PING = [
  'address',
  'count',
  'interval',
  'interface',
  'size',
  'src-address',
  'do-not-fragment',
  'ttl',
  'dscp',
  'vrf',
]

function onlyKnown(attributes: Command['attributes'], known: readonly string[]): void {
  for (const name of attributes.keys()) if (!known.includes(name)) throw new Refused(`unknown parameter ${name}`)
}

function refuseByDeviceMode({ deviceMode, switches }: Model): void {
  if (switches.flagged)
    throw new Refused(
      'failure: configuration flagged, check all router configuration for unauthorized changes and update device-mode',
    )
  if (deviceMode === 'home') throw new Refused('failure: not allowed by device-mode')
}

function fingerprintOf(certificate: string): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex')
}
