import { type ExecFileException, execFile } from 'node:child_process'
import { Problem } from '../../problems/problem.ts'
import { lacksFeature, notInstalled } from './tool-package.ts'

export interface CommandOptions {
  /** The standard input. Secrets travel here, never in the arguments. */
  readonly input?: string
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface CommandResult {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

/**
 * Runs a program: no shell, fixed arguments, C locale, always a timeout (default: 10 s).
 * @throws {Problem} `tool-missing`, `command-timeout`, or `command-failed` when the exit status is not 0.
 */
export async function runCommand(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return succeeded(file, args, await tryCommand(file, args, options))
}

/** @throws {Problem} `command-failed` of a program that ended with another status than 0. */
export function succeeded(file: string, args: readonly string[], result: CommandResult): CommandResult {
  const { exitCode, stderr } = result
  if (exitCode === 0) return result
  const said = stderr.trim().split('\n').slice(-3).join('; ')
  throw new Problem('command-failed', {
    what: commandLine(file, args),
    why: said === '' ? `it ended with status ${exitCode}` : said,
  })
}

/**
 * The same, for callers to whom other exit statuses are answers.
 * @throws {Problem} `tool-missing`, also of one that is there and can do too little, or `command-timeout`.
 */
export function tryCommand(
  file: string,
  args: readonly string[],
  { input, timeoutMs = 10_000, signal }: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      [...args],
      {
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 64 * 1024 * 1024,
        // Adds sbin, since a login shell of a plain user lacks it and sudo may keep that.
        env: { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` },
        ...(signal === undefined ? {} : { signal }),
      },
      (error, stdout, stderr) => {
        if (error === null) return resolve({ exitCode: 0, stdout, stderr })
        if (typeof error.code === 'number') {
          const lacking = lacksFeature(file, stderr)
          return lacking === null ? resolve({ exitCode: error.code, stdout, stderr }) : reject(lacking)
        }
        reject(startFailure(file, args, error, timeoutMs))
      },
    )
    // A program that ends before it has read its input breaks the pipe; its exit status says what happened.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input ?? '')
  })
}

export function tooSlow(file: string, args: readonly string[], timeoutMs: number, cause?: Error): Problem {
  return new Problem('command-timeout', {
    what: commandLine(file, args),
    why: `it did not end within ${timeoutMs / 1000} s`,
    ...(cause === undefined ? {} : { cause }),
  })
}

function startFailure(file: string, args: readonly string[], error: ExecFileException, timeoutMs: number): Problem {
  if (error.code === 'ENOENT') return notInstalled(file, error)
  if (error.killed === true) return tooSlow(file, args, timeoutMs, error)
  return new Problem('command-failed', { what: commandLine(file, args), why: error.message, cause: error })
}

function commandLine(file: string, args: readonly string[]): string {
  return [file, ...args].join(' ')
}
