/**
 * Somebody with a login on a machine of homeward's, and nothing else, who does whatever such a user may, in the order of a seed.
 *
 *   node local-user.mjs <QUESTION       Question as JSON; Findings as JSON on standard output
 */
import { execFile } from 'node:child_process'
import * as fs from 'node:fs'
import { createSocket } from 'node:dgram'
import { connect } from 'node:net'
import { basename, join } from 'node:path'
import { seededRandom } from '../../fake/routeros/misbehaviour.ts'
import { COMMANDS } from './commands.ts'

export interface Question {
  readonly seed: number
  readonly steps: number
  /** What nobody but root and the service may ever see. */
  readonly secrets: readonly string[]
  /** Files and folders of root and the service whose names somebody has found out. */
  readonly targets: readonly string[]
  readonly sockets: readonly string[]
  readonly ports: readonly number[]
}

export interface Findings {
  /** How often each act was tried, and how often it went through. */
  readonly acts: Readonly<Record<string, readonly [tried: number, done: number]>>
  /** Where a secret was read. */
  readonly read: readonly string[]
  /** What of root's or the service's was changed, or whose process heard a signal. */
  readonly changed: readonly string[]
}

const question = JSON.parse(fs.readFileSync(0, 'utf8')) as Question
const { secrets, targets, sockets, ports } = question
const random = seededRandom(question.seed)
const below = (count: number): number => Math.floor(random() * count)
const oneOf = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item

const OPEN_FOLDERS = [
  '/tmp',
  '/var/tmp',
  '/dev/shm',
  '/run/lock',
  '/run',
  '/run/homeward',
  '/run/wireguard',
  '/etc/homeward',
  '/var/lib/homeward',
  '/usr/local/lib/homeward',
]
const PLACES = [
  ...OPEN_FOLDERS,
  '/proc',
  '/var/log',
  '/run/log',
  '/run/systemd',
  '/etc',
  '/root',
  '/etc/systemd/system',
  '/usr/local/bin',
]
const SIGNALS = ['SIGTERM', 'SIGKILL', 'SIGSTOP', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGSEGV'] as const
const MOST_READ = 1024 * 1024
/** Its own processes hold the secrets that it looks for. */
const OWN = ['self', 'thread-self', String(process.pid), 'kmsg']

const read = new Set<string>()
const changed = new Set<string>()
const held: { destroy(): void }[] = []

/** Looks for secrets in what somebody got to read, also where it is base64 or written in hex. */
function look(where: string, content: string | Buffer): void {
  const text = content.toString('latin1')
  for (const secret of secrets) if (text.includes(secret)) read.add(where)
}

function readFile(path: string): void {
  // Of pipes and terminals an open waits for the other end.
  const file = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
  try {
    const bytes = Buffer.alloc(MOST_READ)
    look(path, bytes.subarray(0, fs.readSync(file, bytes)))
  } finally {
    fs.closeSync(file)
  }
}

/** Looks at all files of a folder, and of one folder in it after the other. */
function walk(): void {
  let place: string = oneOf(PLACES)
  for (let depth = 0; depth < 5; depth += 1) {
    const entries = fs.readdirSync(place, { withFileTypes: true }).filter(({ name }) => !OWN.includes(name))
    look(place, entries.map(({ name }) => name).join(' '))
    for (const entry of entries) if (entry.isFile()) attempt(() => readFile(join(place, entry.name)))
    const folders = entries.filter((entry) => entry.isDirectory())
    if (folders.length === 0) return
    place = join(place, oneOf(folders).name)
  }
}

/** A process that somebody else started, which here is root or the service. A program with set-uid, such as su, stays its own. */
function somebodys(): number {
  const own = process.getuid?.()
  const ids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  // Real, effective, saved and of the file system (proc(5), status); signals go by the real one (kill(2)).
  const realUser = (id: string) => /^Uid:\t(\d+)/m.exec(fs.readFileSync(`/proc/${id}/status`, 'utf8'))?.[1]
  const others: string[] = []
  for (const id of ids) attempt(() => Number(realUser(id)) !== own && others.push(id))
  return Number(oneOf(others))
}

const ACTS: Readonly<Record<string, () => unknown>> = {
  walk,
  'read a target': () => readFile(oneOf(targets)),
  'read a process': () =>
    readFile(
      `/proc/${somebodys()}/${oneOf(['environ', 'mem', 'maps', 'cmdline', 'auxv', 'stack', 'io', 'root/etc/homeward', `fd/${below(40)}`, 'cwd', 'syscall'])}`,
    ),
  'list the files of a process': () => look('fd', fs.readdirSync(`/proc/${somebodys()}/fd`).join(' ')),
  'write into a target': () => (
    fs.appendFileSync(oneOf(targets), ''), changed.add('a target could be opened for writing')
  ),
  'take a target away': () => (fs.rmSync(oneOf(targets)), changed.add('a target was removed')),
  'move a target': () => (fs.renameSync(oneOf(targets), `/tmp/${below(9)}`), changed.add('a target was moved')),
  'open a target to all': () => (fs.chmodSync(oneOf(targets), 0o777), changed.add('a target got another mode')),
  'take a target over': () => (
    fs.chownSync(oneOf(targets), process.getuid?.() ?? 0, 0), changed.add('a target got another owner')
  ),
  'another name of a target': () => fs.linkSync(oneOf(targets), join(oneOf(OPEN_FOLDERS), `hw-${below(99)}`)),
  'a link to a target': () => fs.symlinkSync(oneOf(targets), join(oneOf(OPEN_FOLDERS), guessed())),
  'a file with a name of theirs': () =>
    fs.writeFileSync(join(oneOf(OPEN_FOLDERS), guessed()), 'mine', { flag: 'wx', mode: 0o666 }),
  'a folder with a name of theirs': () => fs.mkdirSync(join(oneOf(OPEN_FOLDERS), guessed())),
  'a link where something new is': () => {
    const folder = oneOf(OPEN_FOLDERS)
    fs.symlinkSync(
      oneOf(targets),
      join(folder, `${oneOf(fs.readdirSync(folder))}${oneOf(['.json', '.apt', '.new', '.tmp', '.old', '~'])}`),
    )
  },
  'its own files away': () => {
    for (const folder of ['/tmp', '/var/tmp', '/dev/shm'])
      for (const name of fs.readdirSync(folder))
        if (below(3) === 0) attempt(() => fs.rmSync(join(folder, name), { recursive: true }))
  },
  'a signal': () => {
    const [id, signal] = [somebodys(), oneOf(SIGNALS)]
    const name = fs.readFileSync(`/proc/${id}/comm`, 'utf8').trim()
    process.kill(id, signal)
    changed.add(`${name} heard ${signal}`)
  },
  'a question': () => ask(oneOf(sockets), words()),
  'a crowd at a socket': () => {
    const socket = oneOf(sockets)
    for (let count = 0; count < 60; count += 1) ask(socket, below(2) === 0 ? '' : 'x'.repeat(below(100_000)))
  },
  'a port': () =>
    ask(oneOf(ports), oneOf(['', 'GET / HTTP/1.1\r\nhost: x\r\n\r\n', '\x16\x03\x01\x02\x00\x01\x00', garbage()])),
  'a crowd at a port': () => {
    const port = oneOf(ports)
    for (let count = 0; count < 60; count += 1) ask(port, '')
  },
  datagrams: () => {
    const socket = createSocket('udp4')
    socket.on('error', () => undefined)
    for (let count = 0; count < 50; count += 1)
      socket.send(garbage(), oneOf(ports), oneOf(['127.0.0.1', '10.86.0.1', '10.86.0.2']), () => undefined)
    setTimeout(() => socket.close(), 1_000)
  },
  'hang up': () => held.splice(0).forEach((socket) => socket.destroy()),
  'a command': command,
}

/** Names that programs of root and the service make, or might. */
function guessed(): string {
  return oneOf([
    ...targets.map((path) => basename(path)),
    'homeward',
    'homeward-install.AAAAAA',
    'agent.sock',
    'agent-control.sock',
    'hub.sock',
    'change.sock',
    'hw0.sock',
    'node-compile-cache',
    `homeward-${somebodys()}`,
  ])
}

function garbage(): string {
  return Array.from({ length: below(600) }, () => String.fromCharCode(below(256))).join('')
}

function words(): string {
  const verb = oneOf([
    'status',
    'recheck',
    'invite',
    'remove-home',
    'devices',
    'add-device',
    'publish',
    'metrics',
    '__proto__',
    'constructor',
    garbage(),
  ])
  const input = oneOf([null, {}, { name: 'cabin' }, { home: 'cabin', device: 'x' }, [[[]]], garbage(), -1e308])
  return oneOf([
    `${JSON.stringify({ verb, input })}\n`,
    JSON.stringify({ verb }),
    '{"verb":\n',
    '\n'.repeat(1_000),
    garbage(),
    `${'['.repeat(3_000)}\n`,
  ])
}

/** Connects, says something, and looks at the answer; half of the time it stays, and reads nothing. */
function ask(place: string | number, says: string): void {
  const socket = typeof place === 'string' ? connect(place) : connect(place, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.once('connect', () => socket.write(Buffer.from(says, 'latin1')))
  let heard = ''
  if (below(2) === 0) socket.pause()
  else
    socket.on('data', (bytes) => look(`an answer of ${place}`, (heard += bytes.toString('latin1')).slice(-MOST_READ)))
  held.push(socket)
  while (held.length > 400) held.shift()?.destroy()
}

const running = new Set<Promise<unknown>>()
async function command(): Promise<void> {
  if (running.size >= 2) return
  const [file = '', ...args] = oneOf(COMMANDS)
  const env = oneOf([
    {},
    { HOMEWARD_CONFIG_DIR: '/tmp', HOMEWARD_STATE_DIR: '/dev/shm' },
    { HOMEWARD_RUNTIME_DIR: '/run/homeward', HOME: '/etc/homeward' },
    { HOMEWARD_CONFIG_DIR: '/etc/homeward' },
  ])
  const ending = new Promise<void>((resolve, reject) =>
    execFile(
      file,
      args,
      { env: { ...process.env, ...env }, timeout: 5_000, killSignal: 'SIGKILL', cwd: '/tmp' },
      (error, stdout, stderr) => {
        look([file, ...args].join(' '), stdout + stderr)
        if (error === null) resolve()
        else reject(error)
      },
    ),
  )
  running.add(ending)
  await ending.finally(() => running.delete(ending))
}

function attempt(act: () => unknown): boolean {
  try {
    act()
    return true
  } catch {
    return false
  }
}

const acts: Record<string, [number, number]> = {}
process.on('uncaughtException', () => undefined)
const names = Object.keys(ACTS)
for (let step = 0; step < question.steps; step += 1) {
  const name = oneOf(names)
  const count = (acts[name] ??= [0, 0])
  count[0] += 1
  try {
    // One command in two is waited for, the others run beside what comes next.
    const act = ACTS[name]?.()
    if (act instanceof Promise) {
      const done = act.then(
        () => void (count[1] += 1),
        () => undefined,
      )
      if (below(2) === 0) await done
    } else count[1] += 1
  } catch {}
  if (step % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
}
await Promise.allSettled(running)
const findings: Findings = { acts, read: [...read], changed: [...changed] }
process.stdout.write(JSON.stringify(findings), () => process.exit())
