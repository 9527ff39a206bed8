import { execFile } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { runCommand, tryCommand } from '../../../system/process/run-command.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { DIALECTS, type Release } from './dialects.ts'
import { fw4Table } from './fw4.ts'
import { makeNetifd } from './netifd.ts'
import { apk, type Feeds, opkg, type PackageState } from './packages.ts'
import { makeRpcd } from './rpcd.ts'
import { serveLines } from '../serve-lines.ts'
import { type SshdPlan, startSshd } from './sshd.ts'
import { makeUbus } from './ubus.ts'
import { makeUbusEvents, type UbusOddities } from './ubus-events.ts'
import { makePower, type PowerCut, TELLING } from './power.ts'
import { endProcess, ticksOfAll } from './processes.ts'
import { installWireguard, MEETING, MEETING_PORT, passwordHash, prepareRoot } from './small-root.ts'
import { makeUci, OK, type Said } from './uci.ts'

/**
 * An OpenWrt router as a program on the laboratory's router: started in its namespaces, with a real SSH server over a small
 * root, and real WireGuard, nftables and routes under it. Told what to do by lines of JSON. Argument: a file with the plan.
 */
export interface LabRouterPlan {
  readonly release: Release
  readonly root: string
  /** Files of /etc/config, for a router that has none yet. */
  readonly configs: Readonly<Record<string, string>>
  readonly authorizedKeys: readonly string[]
  readonly password: string | null
  readonly hasWireguard: boolean
  readonly hasConntrack: boolean
  readonly feeds: Feeds
  /** What /etc lies on, and what packages go to; null: as much as there is. */
  readonly flashKib: number | null
  readonly setupMs: number
  readonly hostKeys: SshdPlan['hostKeys']
}

export type Misbehaviour = 'stall' | 'garbage' | 'truncate' | 'fail'

export type LabRouterRequest =
  | { readonly id: number; readonly verb: 'shell'; readonly script: string }
  | {
      readonly id: number
      readonly verb: 'settle' | 'cut' | 'commands' | 'looks' | 'sessions' | 'ticks' | 'counted' | 'up'
    }
  | ({ readonly id: number; readonly verb: 'power' } & PowerCut)
  | { readonly id: number; readonly verb: 'interject'; readonly after: number; readonly script: string }
  | { readonly id: number; readonly verb: 'misbehave'; readonly how: Misbehaviour | null }
  | { readonly id: number; readonly verb: 'refuse'; readonly pattern: string | null }
  | { readonly id: number; readonly verb: 'ubus'; readonly how: UbusOddities | 'restart' }
  | { readonly id: number; readonly verb: 'event'; readonly interface: string; readonly times: number }
  | { readonly id: number; readonly verb: 'route'; readonly gateway: string; readonly source: string }

const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as LabRouterPlan
const { root } = plan
const dialect = DIALECTS[plan.release]
const configs = Object.keys(plan.configs)
const uci = makeUci(root, configs)
const packages: PackageState = {
  feeds: plan.feeds,
  freeKib: plan.flashKib ?? 10_000,
  kernel: dialect.kernel,
  hasLists: false,
  isInstalled: plan.hasWireguard,
}
/** How long a router is without its firewall while that restarts. */
const FIREWALL_RESTART_MS = 700
/** A program whose command line matches fails. */
let refused: RegExp | null = null

await prepareRoot({
  root,
  flashKib: plan.flashKib,
  packageManager: dialect.packageManager,
  hasWireguard: plan.hasWireguard,
  hasConntrack: plan.hasConntrack,
  authorizedKeys: existsSync(join(root, 'etc/dropbear/authorized_keys')) ? [] : plan.authorizedKeys,
  passwordHash: plan.password === null ? null : await passwordHash(plan.password),
})
for (const [name, text] of Object.entries(plan.configs))
  if (!existsSync(join(root, 'etc/config', name))) writeFileSync(join(root, 'etc/config', name), text, { mode: 0o600 })

const events = makeUbusEvents()
const netifd = makeNetifd({
  root,
  uci,
  dialect,
  setupMs: plan.setupMs,
  changed: reloadIfInZone,
  told: events.tell,
})
const rpcd = makeRpcd({
  root,
  uci,
  changed: (config) =>
    config === 'network' ? netifd.reload() : config === 'firewall' ? loadFirewall() : Promise.resolve(),
})
const ubus = makeUbus({ dialect, netifd, rpcd })
await netifd.start()
await loadFirewall()
await new Promise<void>((resolve) => meeting().listen(MEETING_PORT, '127.0.0.1', resolve))
let sshd = await startSshd(plan)
const power = makePower(root)
/** Ends when the power is back. */
let isBack: Promise<void> = Promise.resolve()
/** What its owner does in the midst of what others do. */
let deed: { readonly after: number; readonly script: string } | null = null

serveLines(await sshd.fingerprints(), (request) => carryOut(request as LabRouterRequest))

async function carryOut(request: LabRouterRequest): Promise<unknown> {
  switch (request.verb) {
    case 'shell':
      return await inRoot(request.script)
    case 'settle':
      await netifd.reload()
      return await loadFirewall()
    case 'cut':
      for (const pid of sshd.sessions()) endProcess(pid)
      return null
    case 'power':
      return await power.begin(request)
    case 'interject':
      await power.begin({ after: Infinity, loses: 'nothing' })
      deed = request
      return null
    case 'counted':
      return power.count()
    case 'up':
      return await isBack
    case 'sessions':
      return sshd.sessions().length
    case 'ticks':
      return sshd.sessions().reduce((sum, pid) => sum + ticksOfAll(pid), 0)
    case 'commands':
      return commandLines()
    case 'looks':
      return commandLines().match(/^wg show all dump$/gm)?.length ?? 0
    case 'misbehave':
      return request.how === null
        ? await rm(join(root, MEETING, 'misbehave'), { force: true })
        : await writeFile(join(root, MEETING, 'misbehave'), `${request.how}\n`)
    case 'refuse':
      refused = request.pattern === null ? null : new RegExp(request.pattern)
      return null
    case 'ubus':
      return request.how === 'restart' ? events.restart() : events.behave(request.how)
    case 'event':
      for (let time = 0; time < request.times; time += 1)
        events.tell(time % 2 === 0 ? 'ifdown' : 'ifup', request.interface)
      return null
    case 'route': {
      const { gateway, source } = request
      return void (await runCommand('ip', [
        'route',
        'replace',
        'default',
        'via',
        gateway,
        'dev',
        'wan0',
        'src',
        source,
      ]))
    }
    default:
      return request satisfies never
  }
}

/** Power off, power on. */
async function restart(loses: PowerCut['loses']): Promise<void> {
  rpcd.powerLost()
  await power.off(loses)
  // What a reload only empties is gone with the kernel.
  await runCommand('nft', ['-f', '-'], { input: 'table inet fw4\ndelete table inet fw4\n' })
  await netifd.start()
  await loadFirewall()
  sshd = await startSshd(plan)
}

/** As its owner at its console. */
function inRoot(script: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' }
    const child = execFile(
      'chroot',
      [root, '/bin/ash', '-ec', script],
      { env, timeout: 60_000 },
      (error, stdout, stderr) =>
        error === null ? resolve(stdout) : reject(new Error(`${script}: ${stderr || error.message}`)),
    )
    child.stdin?.end()
  })
}

/** All that were asked of it, one a line. */
function commandLines(): string {
  return readFileSync(join(root, MEETING, 'commands'), 'utf8')
}

/** Where the scripts in the root ask. */
function meeting(): ReturnType<typeof createServer> {
  // Who asks has said all that there is to say.
  return createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (chunk: Buffer) => {
      const at = join(root, MEETING, chunk.toString().trim())
      if (isListening(at)) return events.serve(socket)
      void serve(at).then(
        (stdout) => socket.end(stdout),
        () => socket.destroy(),
      )
    })
  })
}

/** Whether the program is `ubus listen`, which has no end of its own. */
function isListening(at: string): boolean {
  const words = readFileSync(`${at}.args`, 'utf8').split('\0')
  if (words[0] !== 'ubus' || words[1] !== 'listen') return false
  rmSync(`${at}.args`)
  writeFileSync(join(root, MEETING, 'commands'), `${words.join(' ').trim()}\n`, { flag: 'a' })
  return true
}

/** @returns what it says; its status, and what it says of errors, are in files, by which the end is known from a cut. */
async function serve(at: string): Promise<string> {
  const [name = '', ...args] = readFileSync(`${at}.args`, 'utf8').split('\0').slice(0, -1)
  const stdin = existsSync(`${at}.in`) ? readFileSync(`${at}.in`, 'utf8') : ''
  // Of an earlier process by this number.
  for (const kind of ['args', 'in', 'code', 'err']) rmSync(`${at}.${kind}`, { force: true })
  const commandLine = [name, ...args].join(' ')
  writeFileSync(join(root, MEETING, 'commands'), `${commandLine}\n`, { flag: 'a' })
  const said =
    refused?.test(commandLine) === true
      ? { code: 1, stdout: '', stderr: `${name}: broken on purpose\n` }
      : await run(name, args, stdin).catch((thrown: unknown): Said => {
          return {
            code: 1,
            stdout: '',
            stderr: `${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}\n`,
          }
        })
  const loses = power.ran(name, args)
  if (deed !== null && power.count() >= deed.after) {
    const { script } = deed
    deed = null
    await inRoot(script)
  }
  if (loses !== null) {
    isBack = restart(loses)
    await isBack
    throw new Error('nobody is there to hear it')
  }
  if (said.stderr !== '') writeFileSync(`${at}.err`, said.stderr)
  writeFileSync(`${at}.code`, `${said.code}\n`)
  return said.stdout
}

async function run(name: string, args: readonly string[], stdin: string): Promise<Said> {
  switch (name) {
    case 'uci':
      return uci.run(args, stdin)
    case 'ubus':
      return ubus(args)
    case 'fw4':
      if (args.at(-1) === 'restart') {
        // Its script stops it first; a small router takes longer than that to load it again.
        await runCommand('nft', ['delete', 'table', 'inet', 'fw4'])
        await sleep(FIREWALL_RESTART_MS)
        await loadFirewall()
        return OK
      }
      if (args.at(-1) === 'check') {
        const { exitCode, stderr } = await tryCommand('nft', ['-c', '-f', '-'], { input: rendered() })
        return exitCode === 0
          ? { ...OK, stdout: 'Ruleset passes nftables check.\n' }
          : { code: exitCode, stdout: '', stderr }
      }
      if (args.at(-1) !== 'reload' || args.some((arg) => !['-q', 'reload'].includes(arg)))
        throw new TypeError(`the simulated fw4 does not know ${args.join(' ')}`)
      await loadFirewall()
      return OK
    case 'ifup':
    case 'ifdown': {
      const [which = ''] = args
      await netifd.reload()
      if (!netifd.names().includes(which)) return { ...OK, stdout: `Interface ${which} not found\n` }
      await netifd.act(which, 'down')
      if (name === 'ifup') await netifd.act(which, 'up')
      return OK
    }
    case 'opkg':
    case 'apk': {
      const said = name === 'apk' ? apk(args, packages) : opkg(args, packages)
      if (packages.isInstalled) await installWireguard(root)
      return said
    }
    case TELLING:
      return OK
    case 'modprobe':
      return packages.isInstalled ? OK : { code: 255, stdout: '', stderr: 'failed to find a module named wireguard\n' }
    default:
      throw new TypeError('there is no such stand-in')
  }
}

async function loadFirewall(): Promise<void> {
  await runCommand('nft', ['-f', '-'], { input: rendered() })
}

function rendered(): string {
  return fw4Table(uci.load('firewall'), netifd.devicesOf, root)
}

/** The hotplug script: an interface that came up and is in a zone has the firewall loaded again. */
async function reloadIfInZone(name: string): Promise<void> {
  const isInZone = uci
    .load('firewall')
    .some(({ type, options }) => type === 'zone' && [options.get('network') ?? []].flat().includes(name))
  if (isInZone) await loadFirewall().catch(() => undefined)
}
