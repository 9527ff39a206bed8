import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { sleep } from '../../../system/time/sleep.ts'
import { childrenOf } from './namespace.ts'
import { createLineLog, type WaitForLine } from './line-log.ts'

export interface Exit {
  /** Null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** A program that runs on a host. */
export interface LabProcess {
  /** Resolves when it ended and what it wrote was read. Never rejects. */
  readonly exited: Promise<Exit>
  /** What it wrote so far (the last 16 MiB of it). */
  readonly stdout: string
  readonly stderr: string
  /** How many lines it has written: pass it to `waitForLine` to wait for news only. */
  readonly lineCount: number
  /** The first line, of either stream, that matches. Rejects when none came in time or the program ended without. */
  waitForLine(pattern: RegExp, options?: WaitForLine): Promise<RegExpExecArray>
  write(text: string): void
  /** Signals the program itself, in its namespace. Does nothing when it has ended. */
  kill(signal?: NodeJS.Signals): Promise<void>
  /** SIGTERM, SIGKILL after half a minute, and waits for the end. */
  stop(): Promise<Exit>
}

export interface StartIn {
  readonly pid: number
  /** For errors: `pi: curl http://…`. */
  readonly title: string
  readonly env: Readonly<Record<string, string>>
  /** Goes to standard input, which is then closed; without it standard input stays open for `write`. */
  readonly input?: string
}

const KEPT_CHARACTERS = 16 * 1024 * 1024
/** After the end, how long to wait for a daemon left behind that still holds the output open. */
const DRAIN_MS = 200

/** Starts a program in the namespaces of process `pid`. */
export function startIn(command: string, args: readonly string[], { pid, title, env, input }: StartIn): LabProcess {
  const child = spawn('nsenter', ['-t', String(pid), '-n', '-m', '-p', '-u', '--', command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...env },
    detached: true,
  })
  child.stdin.on('error', () => undefined)
  if (input !== undefined) child.stdin.end(input)

  const lines = createLineLog()
  const written = { stdout: '', stderr: '' }
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8')
    child[stream].on('data', (chunk: string) => {
      written[stream] = (written[stream] + chunk).slice(-KEPT_CHARACTERS)
      lines.add(stream, chunk)
    })
  }
  const exited = endOf(child).then((exit) => {
    lines.end()
    return exit
  })

  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    // nsenter forks to enter a process namespace, passes no signal on, and stops when its child does.
    if (signal === 'SIGCONT') child.kill('SIGCONT')
    for (const deadline = Date.now() + 20_000; isRunning(child) && Date.now() < deadline; await sleep(2)) {
      const [inner] = await childrenOf(child.pid ?? 0)
      if (inner !== undefined) return signalOf(inner, signal)
    }
    if (isRunning(child)) child.kill(signal)
  }

  return {
    exited,
    get stdout() {
      return written.stdout
    },
    get stderr() {
      return written.stderr
    },
    get lineCount() {
      return lines.count
    },
    waitForLine: (pattern, options) =>
      lines.waitFor(pattern, {
        ...options,
        describe: () => `${title}\n${lastOf(written.stdout)}${lastOf(written.stderr)}`,
      }),
    write: (text) => child.stdin.write(text),
    kill,
    stop: async () => {
      await kill('SIGTERM')
      const late = setTimeout(() => void kill('SIGKILL'), 30_000)
      return exited.finally(() => clearTimeout(late))
    },
  }
}

function isRunning(child: ChildProcessWithoutNullStreams): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

function signalOf(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown
  }
}

function lastOf(text: string): string {
  return text.slice(-1500)
}

/** `close` alone would wait for every daemon that inherited the output; `exit` alone would lose the last words. */
function endOf(child: ChildProcessWithoutNullStreams): Promise<Exit> {
  return new Promise((resolve) => {
    let exit: Exit = { code: null, signal: null }
    let drained: NodeJS.Timeout | undefined
    const done = () => {
      clearTimeout(drained)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve(exit)
    }
    child.once('error', (error) => {
      child.stderr.emit('data', `${error.message}\n`)
      exit = { code: 127, signal: null }
      done()
    })
    child.once('exit', (code, signal) => {
      exit = { code, signal }
      // On a busy machine the time may be over before what was written is read: reading comes before setImmediate.
      drained = setTimeout(() => setImmediate(() => setImmediate(done)), DRAIN_MS)
      for (const stream of [child.stdout, child.stderr]) stream.on('data', () => drained?.refresh())
    })
    child.once('close', done)
  })
}
