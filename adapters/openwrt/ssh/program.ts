import type { Client } from 'ssh2'
import { reasonOf } from '../../../problems/problem.ts'

/** A program on the router that has no end of its own. */
export interface Program {
  /** Writes a line to its standard input. */
  readonly say: (line: string) => void
  /** Resolves when it ended, and its session with it. Never rejects. */
  readonly ended: Promise<ProgramEnd>
}

export interface ProgramEnd {
  /** null: the session ended, or somebody killed it. */
  readonly code: number | null
  readonly why: string
}

/** What the session does for it. */
interface Host {
  readonly client: Client
  readonly whyEnded: () => string | null
  readonly end: (why: string) => void
  readonly onEnd: (take: (why: string) => void) => void
}

/** The longest line: one that does not end must not fill a Pi's memory. */
const MOST_CHARACTERS = 64 * 1024
const MOST_WORDS_OF_ERROR = 300

/** Starts a script on a session that is for it alone. @param hear takes each line of its output. */
export function startProgram(host: Host, script: string, hear: (line: string) => void): Program {
  const { client, end } = host
  let code: number | null = null
  let said = ''
  let rest = ''
  let write: ((line: string) => void) | null = null
  const unsaid: string[] = []
  const ended = new Promise<ProgramEnd>((resolve) => host.onEnd((why) => resolve({ code, why })))

  const take = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > MOST_CHARACTERS) return end('its answer is far too long')
    for (const line of lines) if (host.whyEnded() === null) hear(line)
  }

  try {
    client.exec(script, (error, channel) => {
      if (error !== undefined && error !== null) return end(error.message)
      channel.setEncoding('utf8')
      channel.stderr.setEncoding('utf8')
      channel.on('data', take)
      channel.stderr.on('data', (text: string) => {
        said = (said + text).slice(0, MOST_WORDS_OF_ERROR)
      })
      channel.on('error', (thrown: Error) => end(thrown.message))
      channel.stderr.on('error', (thrown: Error) => end(thrown.message))
      // What it left behind may keep the channel open: its own end is the end.
      channel.on('exit', (status: number | null) => {
        code = status
        setImmediate(() => end(`its program ended with status ${status}${said === '' ? '' : `: ${said.trim()}`}`))
      })
      channel.once('close', () => end('its program ended'))
      write = (line) => void channel.write(`${line}\n`)
      for (const line of unsaid) write(line)
    })
  } catch (thrown) {
    end(reasonOf(thrown))
  }

  return { say: (line) => (write === null ? void unsaid.push(line) : write(line)), ended }
}
