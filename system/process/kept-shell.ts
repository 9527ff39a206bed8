import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import type { CommandResult } from './run-command.ts'

/**
 * A shell that is kept, and runs one line after the other. A start from a process as large as this one costs several times what
 * a small program does: the kernel copies its page tables, and then each page that is written next.
 */
export interface KeptShell {
  /**
   * Runs a line of shell words. One at a time.
   * @returns null when nothing can be said of it: it was too slow, aborted or killed, or the shell was.
   */
  readonly run: (
    line: string,
    options: { readonly timeoutMs: number; readonly signal?: AbortSignal },
  ) => Promise<CommandResult | null>
  readonly end: () => void
}

/** What follows the output on either stream. */
const LOOP = `while read -r line; do eval "$line"; status=$?; printf '\\nended\\n' >&2; printf '\\nended %s\\n' $status; done`
const OUTPUT_ENDED = /\nended (\d+)\n$/
const ERRORS_ENDED = '\nended\n'

export function keepShell(): KeptShell {
  let shell: ChildProcessWithoutNullStreams | null = null

  function start(): ChildProcessWithoutNullStreams {
    const child = spawn('sh', ['-c', LOOP], {
      stdio: 'pipe',
      // A group of its own: what hangs is killed with the shell.
      detached: true,
      env: { ...process.env, LC_ALL: 'C', PATH: `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin` },
    })
    child.stdout.setEncoding('utf8')
    child.stderr.setEncoding('utf8')
    child.stdin.on('error', () => undefined)
    child.on('error', () => undefined)
    child.once('close', () => {
      if (shell === child) shell = null
    })
    // It ends with its input, whatever becomes of this process, which it does not keep from ending.
    child.unref()
    for (const stream of child.stdio) (stream as Socket | null)?.unref()
    return child
  }

  return {
    run: (line, { timeoutMs, signal }) => {
      const child = (shell ??= start())
      return new Promise((resolve) => {
        let [stdout, stderr] = ['', '']
        const settle = (result: CommandResult | null): void => {
          clearTimeout(late)
          child.stdout.off('data', hear)
          child.stderr.off('data', hearErrors)
          child.off('error', fail)
          child.off('close', fail)
          signal?.removeEventListener('abort', fail)
          resolve(result)
        }
        const fail = (): void => {
          if (shell === child) shell = null
          killGroup(child.pid)
          settle(null)
        }
        const settleAtEnd = (): void => {
          const ended = OUTPUT_ENDED.exec(stdout)
          if (ended === null || !stderr.endsWith(ERRORS_ENDED)) return
          const said = { stdout: stdout.slice(0, ended.index), stderr: stderr.slice(0, -ERRORS_ENDED.length) }
          settle({ exitCode: Number(ended[1]), ...said })
        }
        const hear = (data: string): void => {
          stdout += data
          settleAtEnd()
        }
        const hearErrors = (data: string): void => {
          stderr += data
          settleAtEnd()
        }
        const late = setTimeout(fail, timeoutMs)
        child.stdout.on('data', hear)
        child.stderr.on('data', hearErrors)
        child.once('error', fail)
        child.once('close', fail)
        signal?.addEventListener('abort', fail)
        child.stdin.write(`${line}\n`)
      })
    },
    end: () => {
      shell?.stdin.end()
      shell = null
    },
  }
}

function killGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}
