import { createHash, X509Certificate } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import { createSecureContext, type SecureContext, TLSSocket } from 'node:tls'
import { type ApiSession, serveApi } from './api/api-session.ts'
import { addBackToHome } from './commands/back-to-home.ts'
import { type Commands, makeCommands } from './commands/commands.ts'
import { exportText } from './commands/export.ts'
import { makeJobs } from './script/jobs.ts'
import type { RouterKernel } from './kernel/kernel.ts'
import type { Ending, Misbehaviour } from './misbehaviour.ts'
import { isFrom } from './api/allowed-from.ts'
import { isEnabled, makeModel, type Switches } from './model.ts'
import { paperKernel } from './kernel/paper-kernel.ts'
import { ALL_RIGHTS, GROUPS, policyText, type Rights, rightsOf } from './api/rights.ts'
import { makeCountdown, type PowerCut } from './power-cut.ts'
import { makeSafeMode } from './api/safe-mode.ts'
import { type Item, type Snapshot } from './tables/tables.ts'
import { isAtLeast, parseVersion } from './version.ts'

export interface FakeRouterPlan {
  /** E.g. 7.16.2. */
  readonly version: string
  /** To listen on. */
  readonly address?: string
  /** 0: any that is free. null: the service is off. */
  readonly plainPort?: number | null
  readonly tlsPort?: number | null
  /** Without a certificate a router encrypts with whoever asks, and nobody proves who he is. */
  readonly tls?: 'certificate' | 'anonymous'
  readonly deviceMode?: 'home' | 'advanced'
  /** MikroTik's own tunnel home is on, with one phone. */
  readonly backToHome?: boolean
  /** Interfaces that are none of WireGuard's. */
  readonly links?: readonly string[]
  /** Its owner's own settings, as a console script, before the services open. */
  readonly setup?: string
  /** Settings of before a loss of power; the setup is left out then. */
  readonly saved?: SavedRouter
  readonly kernel?: RouterKernel
  /** What the flash would hold, after each change that stays: not while safe mode may take it back. */
  readonly onKept?: (kept: SavedRouter) => void
}

/** What a router's flash keeps. */
export interface SavedRouter {
  readonly tables: Snapshot
}

export interface FakeRouter {
  readonly plainPort: number | null
  readonly tlsPort: number | null
  /** SHA-256 of the API's certificate, lower-case hex. */
  readonly fingerprint: string
  /** As the owner at the console, with all rights; answers what the last command printed, a row a line. */
  readonly console: (script: string) => Promise<string>
  readonly export: () => string
  /** Every sentence that arrived, as words; passwords masked. */
  readonly transcript: () => readonly (readonly string[])[]
  readonly misbehave: (how: Misbehaviour | null) => void
  readonly switches: Switches
  readonly dropSessions: (how: Ending) => void
  /** Tells everybody who listens to a menu of these rows, as a router does that takes no queries there. */
  readonly pour: (path: string, rows: readonly Readonly<Record<string, string>>[]) => void
  /** Power off, power on: sessions, jobs and what safe mode held are gone, settings stay. */
  readonly reboot: () => Promise<void>
  /** The same in the midst of whatever is done to it. @returns when it is back. */
  readonly cutPower: (cut: PowerCut) => Promise<void>
  readonly sessions: () => number
  readonly jobs: () => number
  /** Makes the kernel follow again, after somebody changed it behind the router's back. */
  readonly settle: () => Promise<void>
  readonly close: () => Promise<void>
}

export const ADMIN = { user: 'admin', password: 'a router’s own' } as const

const CERTIFICATE = `
/certificate/add name=api common-name=router key-usage=tls-server
/certificate/sign api
/ip/service/set api-ssl certificate=api`

/** Starts a router, with its services open. */
export async function startFakeRouter(plan: FakeRouterPlan): Promise<FakeRouter> {
  const { address = '127.0.0.1', plainPort = 0, tlsPort = 0, tls = 'certificate', setup = '', saved } = plan
  const version = parseVersion(plan.version)
  const kernel = plan.kernel ?? paperKernel()
  const links = plan.links ?? ['ether1', 'ether2', 'bridge']
  const model = makeModel({ version, kernel, links, deviceMode: plan.deviceMode ?? 'advanced' })
  const jobs = makeJobs()
  const safeMode = makeSafeMode(model)
  const keep = (): void => {
    if (safeMode.holder() === null) plan.onKept?.({ tables: model.snapshot() })
  }
  const sessions = new Set<ApiSession>()
  const sockets = new Set<Socket>()
  const transcript: (readonly string[])[] = []
  let misbehaviour: Misbehaviour | null = null
  let power = new AbortController()
  const commands: Commands = makeCommands({
    model,
    jobs,
    safeMode,
    sessions: () => [...sessions].map((session) => ({ name: session.user() ?? '', via: 'api' })),
    lifetime: () => power.signal,
    onChanged: keep,
    onRun: (isChange) => countdown.ran(isChange),
  })
  const countdown = makeCountdown(model, async (written, held) => {
    if (held === 'kept') safeMode.forget()
    await reboot(written)
  })

  const owner = () => ({ rights: ALL_RIGHTS, session: {}, signal: power.signal })
  const console = async (script: string): Promise<string> => {
    const { rows } = await commands.script(Buffer.from(script, 'utf8').toString('latin1'), owner())
    return rows
      .map((row) =>
        Object.entries(row)
          .map(([name, value]) => `${name}=${value}`)
          .join(' '),
      )
      .join('\n')
  }

  if (saved === undefined) {
    firstSettings(model.tables.add)
    if (plan.backToHome === true) addBackToHome(model.tables)
    await console(tls === 'certificate' ? `${CERTIFICATE}\n${setup}` : setup)
  } else {
    model.tables.restore(saved.tables)
  }
  await model.settle()
  commands.powerOn()
  keep()

  /** @param from where he comes from: a user may be bound to addresses, and is unknown elsewhere. */
  function logIn(user: string, isHis: (password: string) => boolean, from: string): Rights | null {
    const known = model.tables.rows('/user').find(({ values }) => values.get('name') === user)
    if (known === undefined || !isHis(known.values.get('password') ?? '') || !isEnabled(known)) return null
    if (!isFrom(known.values.get('address') ?? '', from)) return null
    const rights = rightsOf(model.tables, user)
    return rights.policies.has('api') ? rights : null
  }

  function isServed(name: string, socket: Socket): boolean {
    const service = model.tables.rows('/ip/service').find(({ values }) => values.get('name') === name)
    const isAllowed = isFrom(service?.values.get('address') ?? '', remoteOf(socket))
    const most = Number(service?.values.get('max-sessions') ?? 20)
    return (
      service?.values.get('disabled') !== 'true' && isAllowed && (!isAtLeast(version, '7.16') || sessions.size < most)
    )
  }

  /** @param line the TCP connection under it. */
  function accept(name: string, socket: Socket, line: Socket): void {
    socket.on('error', () => undefined)
    sockets.add(line)
    line.on('close', () => sockets.delete(line))
    const hangUp = (): void => {
      // Unread, what the other side still says would keep the connection for ever.
      socket.resume()
      line.end()
    }
    if (misbehaviour?.kind === 'refuse') return misbehaviour.how === 'rst' ? void line.resetAndDestroy() : hangUp()
    if (!isServed(name, line)) return hangUp()
    const session = serveApi(socket, line, {
      version,
      commands,
      logIn: (user, isHis) => logIn(user, isHis, remoteOf(line)),
      misbehaviour: () => misbehaviour,
      note: (words) => transcript.push(words),
      onEnd: async (which) => {
        sessions.delete(session)
        await safeMode.ended(which)
        keep()
      },
    })
    sessions.add(session)
  }

  const plain = plainPort === null ? null : createServer((socket) => accept('api', socket, socket))
  /** As the service is set up now: a certificate may be replaced. */
  const secureContext = (): SecureContext => {
    const keys = commands.tlsOf()
    return createSecureContext(
      keys === null
        ? { ciphers: 'ADH-AES256-GCM-SHA384:@SECLEVEL=0', maxVersion: 'TLSv1.2', dhparam: 'auto' }
        : { key: keys.key, cert: keys.certificate },
    )
  }
  const secure =
    tlsPort === null
      ? null
      : createServer((line) => {
          line.on('error', () => undefined)
          const socket = new TLSSocket(line, { isServer: true, secureContext: secureContext() })
          socket.on('error', () => line.destroy())
          socket.once('secure', () => accept('api-ssl', socket, line))
        })
  const ports = {
    plain: plain === null ? null : await listen(plain, address, plainPort ?? 0),
    tls: secure === null ? null : await listen(secure, address, tlsPort ?? 0),
  }

  const powerOff = async (): Promise<void> => {
    power.abort()
    jobs.endAll()
    for (const socket of sockets) socket.destroy()
    await safeMode.powerLost()
  }

  /** @param written what the flash has; null: all settings. */
  async function reboot(written: Snapshot | null): Promise<void> {
    await powerOff()
    power = new AbortController()
    if (written !== null) model.tables.restore(written)
    if (model.switches.renumbersAtReboot) model.tables.renumber()
    for (const item of model.tables.rows('/ip/firewall/address-list').filter(({ values }) => values.has('timeout')))
      model.tables.remove('/ip/firewall/address-list', item)
    model.endpoints.forgetAll()
    await kernel.restart()
    await model.settle()
    commands.powerOn()
  }

  return {
    plainPort: ports.plain,
    tlsPort: ports.tls,
    get fingerprint() {
      const certificate = commands.tlsOf()?.certificate
      return certificate === undefined
        ? ''
        : createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex')
    },
    console,
    export: () => exportText(model),
    transcript: () => transcript,
    misbehave: (how) => {
      misbehaviour = how
    },
    switches: model.switches,
    pour: commands.pour,
    dropSessions: (how) => {
      for (const session of sessions) session.end(how)
    },
    reboot: () => reboot(null),
    cutPower: countdown.begin,
    sessions: () => sessions.size,
    jobs: () => jobs.count(),
    settle: model.settle,
    close: async () => {
      const shutting = Promise.all([plain, secure].flatMap((server) => (server === null ? [] : [shut(server)])))
      await powerOff()
      await shutting
      await kernel.close()
    },
  }
}

function firstSettings(add: (path: string, values: ReadonlyMap<string, string>) => Item): void {
  for (const [name, policy] of Object.entries(GROUPS))
    add(
      '/user/group',
      new Map([
        ['name', name],
        ['policy', policyText(policy)],
      ]),
    )
  add(
    '/user',
    new Map([
      ['name', ADMIN.user],
      ['group', 'full'],
      ['password', Buffer.from(ADMIN.password).toString('latin1')],
    ]),
  )
  add(
    '/ip/service',
    new Map([
      ['name', 'api'],
      ['port', '8728'],
    ]),
  )
  add(
    '/ip/service',
    new Map([
      ['name', 'api-ssl'],
      ['port', '8729'],
    ]),
  )
}

function remoteOf(socket: Socket): string {
  return (socket.remoteAddress ?? '').replace(/^::ffff:/, '')
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      const place = server.address()
      resolve(typeof place === 'object' && place !== null ? place.port : port)
    })
  })
}

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}
