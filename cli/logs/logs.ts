import { oneLine, printableJson } from '../../problems/printable.ts'
import { asProblem, Problem } from '../../problems/problem.ts'
import { streamLines } from '../../system/process/stream-lines.ts'
import type { Context } from '../context.ts'
import { printLine } from '../output.ts'
import { durationIn } from '../text/duration.ts'
import { logEntryOf, logLine } from './log-line.ts'

export interface LogsOptions {
  readonly follow?: boolean
  readonly since?: string
  readonly lines: string
}

/** `homeward logs`: what the services of this machine logged, for people; with --json an object a line. */
export async function logs(context: Context, { follow, since, lines }: LogsOptions): Promise<void> {
  const what = 'reading the log'
  if (!/^\d{1,6}$/.test(lines))
    throw new Problem('wrong-usage', { what, why: `--lines takes a number, and ${JSON.stringify(lines)} is none` })
  const from = since === undefined ? [] : ['--since', `-${Math.ceil(durationIn(since, '--since') / 1_000)}s`]
  const ending = new AbortController()
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => ending.abort())
  const reading = streamLines(
    'journalctl',
    [
      '--unit',
      'homeward',
      '--unit',
      'homeward-hub',
      '--output',
      'json',
      '--output-fields=MESSAGE,PRIORITY,_SYSTEMD_UNIT',
      '--no-pager',
      ...(since === undefined ? ['--lines', lines] : from),
      ...(follow === true ? ['--follow'] : []),
    ],
    (line) => {
      const entry = logEntryOf(line)
      if (entry !== null) printLine(context.json ? printableJson(JSON.stringify(entry)) : oneLine(logLine(entry)))
    },
    ending.signal,
  )
  const status = await reading.catch((thrown: unknown) => {
    const { code } = asProblem(thrown, what)
    if (code !== 'tool-missing') throw thrown
    throw new Problem(code, {
      what,
      why: 'this machine has no systemd, and no journal',
      next: 'Look where homeward run or homeward hub run was started: it writes its log there',
    })
  })
  if (status === null || status === 0) return
  throw new Problem('command-failed', { what, why: `journalctl ended with status ${status}` })
}
