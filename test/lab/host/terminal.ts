import { stripVTControlCharacters } from 'node:util'
import { sleep } from '../../../system/time/sleep.ts'
import type { Host } from './host.ts'
import type { Exit, LabProcess } from './process.ts'

/** A person at a real terminal of a host: script(1) makes a pseudo terminal for one command. */
export interface Terminal {
  /** Waits until the terminal shows what was not there at the last answer, then types. @throws when it does not. */
  answer(question: RegExp, typed: string): Promise<void>
  /** Waits until it is shown, since the last answer. */
  shows(pattern: RegExp): Promise<RegExpExecArray>
  /** All that was shown, without what moves the cursor. */
  readonly shown: string
  readonly exited: Promise<Exit>
  readonly process: LabProcess
}

export const ENTER = '\r'
export const CTRL_C = '\u0003'
/** Deletes the line that is typed (readline's unix-line-discard). */
export const CLEAR = '\u0015'
export const DOWN = '\u001B[B'

const GENEROUS_MS = 120_000

export function openTerminal(host: Host, command: readonly string[]): Terminal {
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  const line = `stty cols 120 rows 60; exec ${quoted}`
  const program = host.start('script', ['--quiet', '--flush', '--return', '--command', line, '/dev/null'], {
    env: { TERM: 'xterm-256color' },
  })
  let from = 0
  const text = (): string => stripVTControlCharacters(program.stdout).replaceAll('\r\n', '\n')

  async function shows(pattern: RegExp): Promise<RegExpExecArray> {
    for (const until = Date.now() + GENEROUS_MS; ; await sleep(30)) {
      const found = pattern.exec(text().slice(from))
      if (found !== null) return found
      const ended = await Promise.race([program.exited, Promise.resolve(null)])
      if (ended !== null || Date.now() > until)
        throw new Error(
          `the terminal ${ended === null ? 'did not show' : 'ended without'} ${String(pattern)}:\n${text()}`,
        )
    }
  }

  return {
    answer: async (question, typed) => {
      await shows(question)
      from = text().length
      program.write(typed)
    },
    shows,
    get shown() {
      return text()
    },
    exited: program.exited,
    process: program,
  }
}
