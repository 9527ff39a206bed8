import { createHash, X509Certificate } from 'node:crypto'
import { sleep } from '../../../system/sleep.ts'
import { makeCertificate } from '../../../hub/certificate.ts'
import type { Jobs } from './jobs.ts'
import { type Model, WIREGUARD } from './model.ts'
import { Refused } from './refused.ts'
import { require, type Rights } from './rights.ts'
import type { SafeMode } from './safe-mode.ts'
import { runScript } from './script.ts'
import type { ShownRow } from './shown.ts'
import { type Answer, type Command, DONE, project, tableCommand } from './table-commands.ts'
import { menuOf } from './tables.ts'
import { secondsIn } from './values.ts'
import { isAtLeast } from './version.ts'

/** Everything a router does for whoever may. */
export interface Commands {
  /** @throws {Refused} */
  readonly run: (command: Command, caller: Caller) => Promise<Answer>
  /** @throws {Refused} of the first command that fails. */
  readonly script: (source: string, caller: Caller) => Promise<Answer>
  /** Of the API's certificate, PEM; null: none. */
  readonly tlsOf: () => KeyPair | null
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
}

export interface CommandParts {
  readonly model: Model
  readonly jobs: Jobs
  readonly safeMode: SafeMode
  readonly sessions: () => readonly ShownRow[]
  /** Ends when the router does, or its power. */
  readonly lifetime: () => AbortSignal
  /** After each command that may have changed something. */
  readonly onChanged: () => void
}

export function makeCommands(parts: CommandParts): Commands {
  const { model, jobs, safeMode } = parts
  async function run(command: Command, caller: Caller): Promise<Answer> {
    const { path, verb } = command
    const before = model.version.major < 7 || !isAtLeast(model.version, '7.1')
    if (path.startsWith(WIREGUARD) && before) throw new Refused('no such command or directory (wireguard)', 0)
    const special = SPECIALS[`${path}/${verb}`]
    if (special !== undefined) return await special(command, caller)
    const readOnly = READ_ONLY[path]
    if (readOnly !== undefined && verb === 'print') {
      require(caller.rights, 'read')
      return project(await readOnly(), command.attributes, command.queries)
    }
    const menu = menuOf(path)
    if (menu === undefined) throw new Refused('no such command prefix', 0)
    if (path === '/system/scheduler' && verb === 'add' && model.deviceMode === 'home')
      throw new Refused('failure: not allowed by device-mode')
    const answer = await tableCommand(model, menu, command, caller.rights)
    if (verb !== 'print') parts.onChanged()
    if (path === '/system/scheduler' && verb === 'add') scheduleRow(answer.ret ?? '', caller)
    return answer
  }

  async function script(source: string, caller: Caller): Promise<Answer> {
    return await runScript(source, {
      run: (command) => run(command, caller),
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

  /** Runs each interval, the first time one interval after it was made; without an interval at once. */
  function scheduleRow(id: string, caller: Caller): void {
    const entry = () =>
      model.tables.rows('/system/scheduler').find((item) => `*${item.id.toString(16).toUpperCase()}` === id)
    const seconds = secondsIn(entry()?.values.get('interval') ?? '0s') ?? 0
    const source = entry()?.values.get('on-event') ?? ''
    const signal = parts.lifetime()
    void (async () => {
      for (;;) {
        await sleep(seconds * 1_000, signal)
        if (signal.aborted || entry() === undefined) return
        await script(source, { ...caller, session: {}, signal }).catch(() => undefined)
        if (seconds === 0) return
      }
    })()
  }

  const safe = (act: (caller: Caller) => Promise<void> | void) => async (_command: Command, caller: Caller) => {
    if (!isAtLeast(model.version, '7.18')) throw new Refused('no such command prefix', 0)
    require(caller.rights, 'write')
    await act(caller)
    parts.onChanged()
    return DONE
  }

  const SPECIALS: Readonly<Record<string, (command: Command, caller: Caller) => Promise<Answer>>> = {
    '/safe-mode/take': safe(({ session }) => safeMode.take(session)),
    '/safe-mode/release': safe(({ session }) => safeMode.release(session)),
    '/safe-mode/unroll': safe(({ session }) => safeMode.unroll(session)),
    '/safe-mode/get': safe(() => undefined),
    '/execute': async ({ attributes }, caller) => {
      require(caller.rights, 'read')
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
      const item = model.tables.rows('/certificate').find(({ values }) => values.get('name') === which)
      if (item === undefined) throw new Refused('no such item')
      // A small router takes seconds for it.
      await sleep(200, caller.signal)
      const made = makeCertificate(['192.168.88.1'])
      item.values.set('pem-key', made.key)
      item.values.set('pem-certificate', made.certificate)
      item.values.set('fingerprint', fingerprintOf(made.certificate))
      return DONE
    },
    '/tool/ping': async ({ attributes }, caller) => {
      require(caller.rights, 'test')
      const host = attributes.get('address')
      if (host === undefined) throw new Refused('missing value(s) of argument(s) address')
      const count = Number(attributes.get('count') ?? Number.POSITIVE_INFINITY)
      const rows: ShownRow[] = []
      for (let seq = 0; seq < count && !caller.signal.aborted; seq += 1) {
        const ms = await model.kernel.ping(host)
        rows.push(
          ms === null
            ? { seq: String(seq), host, status: 'timeout' }
            : { seq: String(seq), host, time: `${Math.ceil(ms)}ms` },
        )
        if (seq + 1 < count) await sleep(1_000, caller.signal)
      }
      return { rows, ret: null }
    },
    '/user/active/print': async ({ attributes, queries }, caller) => {
      require(caller.rights, 'read')
      return project(parts.sessions(), attributes, queries)
    },
  }

  const { switches } = model
  const READ_ONLY: Readonly<Record<string, () => Promise<readonly ShownRow[]>>> = {
    '/interface': async () => [
      ...model.links.map((name, index) => ({
        '.id': `*L${index}`,
        name,
        type: 'ether',
        running: 'true',
        disabled: 'false',
      })),
      ...model.tables.rows(WIREGUARD).map((item) => ({
        '.id': `*${item.id.toString(16).toUpperCase()}`,
        name: item.values.get('name') ?? '',
        type: 'wg',
        running: String(item.values.get('disabled') !== 'true'),
        disabled: item.values.get('disabled') ?? 'false',
      })),
    ],
    '/system/resource': async () => [
      {
        version: `${model.version.text} (stable)`,
        uptime: '1d3h12m46s',
        'board-name': 'CHR',
        'architecture-name': 'x86_64',
        platform: 'MikroTik',
      },
    ],
    '/system/identity': async () => [{ name: model.identity }],
    '/system/clock': async () => {
      const now = switches.clock === '1970' ? new Date(0) : new Date()
      return [{ date: now.toISOString().slice(0, 10), time: now.toISOString().slice(11, 19), 'gmt-offset': '+00:00' }]
    },
    '/system/ntp/client': async () => [
      { enabled: 'true', mode: 'unicast', status: switches.clock === '1970' ? 'waiting' : 'synchronized' },
    ],
    ...(isAtLeast(model.version, '7.12')
      ? {
          '/system/device-mode': async () => [
            { mode: model.deviceMode, scheduler: String(model.deviceMode !== 'home'), flagged: 'false' },
          ],
        }
      : {}),
    '/system/script/job': async () => jobs.rows(),
    '/ip/firewall/connection': connections,
  }

  async function connections(): Promise<readonly ShownRow[]> {
    return (await model.kernel.connections()).map((one) => ({
      '.id': one.id,
      protocol: one.protocol,
      'src-address': one.source,
      'dst-address': one.destination,
      'reply-src-address': one.replySource,
      'reply-dst-address': one.replyDestination,
      timeout: `${one.timeoutSeconds}s`,
    }))
  }

  return {
    run,
    script,
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

function fingerprintOf(certificate: string): string {
  return createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex')
}
