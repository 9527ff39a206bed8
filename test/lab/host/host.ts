import type { Disk } from './disk.ts'
import { homewardCommand, homewardEnvironment } from '../homeward.ts'
import type { Namespace } from './namespace.ts'
import { type Exit, type LabProcess, startIn } from './process.ts'
import { SEARCH_PATH } from './tools.ts'

interface StartOptions {
  /** Added to the host's clean environment; the runner's own does not pass. */
  readonly env?: Readonly<Record<string, string>>
}

export interface RunOptions extends StartOptions {
  readonly input?: string
  /** Two minutes unless said otherwise; then the program is killed and the run rejects. */
  readonly timeoutMs?: number
  /** An exit status other than 0 is then an answer, not an error. */
  readonly allowFailure?: boolean
}

export interface RunResult extends Exit {
  /** `code`, and 1 when a signal ended it. */
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/** One machine of the laboratory. */
export interface Host {
  readonly name: string
  readonly disk: Disk
  /** The first process in its namespaces; another one after a reboot. */
  readonly pid: number
  /** The command that `homeward` and `startHomeward` run: the built one, unless it is given another version's. */
  program: string | null
  run(command: string, args?: readonly string[], options?: RunOptions): Promise<RunResult>
  /** A shell script over standard input, ended by its first failing command. */
  shell(script: string, options?: Omit<RunOptions, 'input'>): Promise<RunResult>
  start(command: string, args?: readonly string[], options?: StartOptions): LabProcess
  /** The built command, with this host's folders. */
  homeward(args: readonly string[], options?: RunOptions): Promise<RunResult>
  startHomeward(args: readonly string[], options?: StartOptions): LabProcess
}

/** @param current the namespaces of the moment; throws while the host is off. */
export function createHost(name: string, disk: Disk, current: () => Namespace): Host {
  function start(command: string, args: readonly string[] = [], options: RunOptions = {}): LabProcess {
    return startIn(command, args, {
      pid: current().pid,
      title: `${name}: ${[command, ...args].join(' ').slice(0, 200)}`,
      env: { PATH: SEARCH_PATH, HOME: '/root', LC_ALL: 'C', ...homewardEnvironment(disk), ...options.env },
      ...(options.input === undefined ? {} : { input: options.input }),
    })
  }

  async function run(command: string, args: readonly string[] = [], options: RunOptions = {}): Promise<RunResult> {
    const { timeoutMs = 120_000, allowFailure = false } = options
    const program = start(command, args, { input: '', ...options })
    let timedOut = false
    const late = setTimeout(() => {
      timedOut = true
      void program.kill('SIGKILL')
    }, timeoutMs)
    const exit = await program.exited.finally(() => clearTimeout(late))
    const { stdout, stderr } = program
    const why = timedOut
      ? `it did not end within ${timeoutMs / 1000} s`
      : exit.code === null
        ? `it was ended by ${exit.signal}`
        : `it ended with status ${exit.code}`
    if (timedOut || (exit.code !== 0 && !allowFailure)) {
      const said = [stderr, stdout].map((text) => text.trim().slice(-1500)).filter((text) => text !== '')
      throw new Error(`on ${name}, ${[command, ...args].join(' ').slice(0, 300)} failed: ${[why, ...said].join('\n')}`)
    }
    return { ...exit, exitCode: exit.code ?? 1, stdout, stderr }
  }

  const host: Host = {
    name,
    disk,
    program: null,
    get pid() {
      return current().pid
    },
    run,
    shell: (script, options) => run('sh', ['-e'], { ...options, input: script }),
    start,
    homeward: (args, options) => run(process.execPath, [host.program ?? homewardCommand(), ...args], options),
    startHomeward: (args, options) => start(process.execPath, [host.program ?? homewardCommand(), ...args], options),
  }
  return host
}
