import type { LabProcess } from './process.ts'

/** The other end of `serveLines`: a simulator that runs on a host of the laboratory. */
export interface AskedProgram {
  /** Waits until it is ready. @returns what it says of itself then. */
  readonly begin: (running: LabProcess) => Promise<unknown>
  /** @throws with the simulator's refusal. */
  readonly ask: <Answer>(request: Readonly<Record<string, unknown>>) => Promise<Answer>
}

/** @param name for errors: `the MikroTik`. */
export function askedProgram(name: string): AskedProgram {
  let running: LabProcess | undefined
  let last = 0

  async function answerTo(id: number, after = 0): Promise<unknown> {
    if (running === undefined) throw new Error(`${name} is switched off`)
    const [line] = await running.waitForLine(new RegExp(`^{"id":${id},.*$`), { after, timeoutMs: 60_000 })
    const { answer, refused } = JSON.parse(line) as { answer?: unknown; refused?: string }
    if (refused !== undefined) throw new Error(`${name} refuses: ${refused}`)
    return answer
  }

  return {
    begin: (started) => {
      running = started
      return answerTo(0)
    },
    ask: async <Answer>(request: Readonly<Record<string, unknown>>) => {
      const id = (last += 1)
      const after = running?.lineCount
      running?.write(`${JSON.stringify({ ...request, id })}\n`)
      return (await answerTo(id, after)) as Answer
    },
  }
}
