import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { Problem } from '../../problems/problem.ts'

/**
 * Runs a program and hands over its output line by line, until it ends or the signal ends it.
 * @returns its exit status; null where the signal ended it.
 * @throws {Problem} `tool-missing`, `command-failed` when it cannot be started.
 */
export async function streamLines(
  file: string,
  args: readonly string[],
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<number | null> {
  const child = spawn(file, [...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = (): void => void child.kill('SIGTERM')
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  try {
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('close', (code) => resolve(code))
      child.once('error', (error: NodeJS.ErrnoException) =>
        reject(
          new Problem(error.code === 'ENOENT' ? 'tool-missing' : 'command-failed', {
            what: `running ${file}`,
            why: error.code === 'ENOENT' ? 'it is not installed' : error.message,
            cause: error,
          }),
        ),
      )
    })
    const lines = createInterface({ input: child.stdout, crlfDelay: Infinity })
    lines.on('line', onLine)
    return await ended
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
