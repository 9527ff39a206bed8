import { keepShell, type KeptShell } from './kept-shell.ts'
import { type CommandOptions, type CommandResult, succeeded, tooSlow, tryCommand } from './run-command.ts'
import { lacksFeature } from './tool-package.ts'

/** The start of a shell costs as much as it saves in some looks; a command makes few and needs none. */
const FIRST_ALONE = 3
/** A look at a machine asks this many programs at once. */
const SHELLS = 3
const TIMEOUT_MS = 10_000
/** From here on the shell speaks of itself, or of a signal: sh(1), EXIT STATUS. */
const SAID_BY_SHELL = 126

let looks = 0
/** Shells that nobody uses now, the last used last. */
let idle: KeptShell[] = []
let inUse = 0
/** The search path that the shells have. */
let path: string | undefined

/**
 * As `tryCommand`, for programs that only read and that a daemon starts every few seconds: kept shells start them. What
 * goes wrong with the shell is tried again without it.
 */
export async function tryLook(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  looks += 1
  if (looks <= FIRST_ALONE || inUse >= SHELLS || options.signal?.aborted === true)
    return await tryCommand(file, args, options)
  const shell = takeShell()
  inUse += 1
  try {
    const { input, timeoutMs = TIMEOUT_MS, signal } = options
    const began = performance.now()
    const result = await shell.run(shellLine(file, args, input), {
      timeoutMs,
      ...(signal === undefined ? {} : { signal }),
    })
    if (result === null && performance.now() - began >= timeoutMs) throw tooSlow(file, args, timeoutMs)
    if (result !== null && result.exitCode < SAID_BY_SHELL) {
      const lacking = result.exitCode === 0 ? null : lacksFeature(file, result.stderr)
      if (lacking !== null) throw lacking
      return result
    }
  } finally {
    inUse -= 1
    if (path === process.env['PATH']) idle.push(shell)
    else shell.end()
  }
  return await tryCommand(file, args, options)
}

/** As `runCommand`, of the same programs. */
export async function runLook(
  file: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return succeeded(file, args, await tryLook(file, args, options))
}

function takeShell(): KeptShell {
  if (path !== process.env['PATH']) {
    for (const shell of idle) shell.end()
    idle = []
  }
  path = process.env['PATH']
  return idle.pop() ?? keepShell()
}

/** One line, as `read` takes it: what goes to the standard input is put together from its lines. */
export function shellLine(file: string, args: readonly string[], input = ''): string {
  const call = [file, ...args].map(quoted).join(' ')
  if (input === '') return `${call} </dev/null`
  const lines = (input.endsWith('\n') ? input.slice(0, -1) : input).split('\n')
  return `printf '%s\\n' ${lines.map(quoted).join(' ')} | ${call}`
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`
}
