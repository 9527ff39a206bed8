import { createInterface } from 'node:readline'

/**
 * A simulator as a program: it says that it is ready, then is told what to do by lines of JSON with an `id`, and answers each
 * by a line `{id, answer}` or `{id, refused}`.
 * @param ready the answer to the id 0, which nobody asks.
 */
export function serveLines(ready: unknown, carryOut: (request: unknown) => Promise<unknown>): void {
  const answer = async (request: { readonly id: number }): Promise<void> => {
    const { id } = request
    try {
      console.log(JSON.stringify({ id, answer: (await carryOut(request)) ?? null }))
    } catch (thrown) {
      console.log(JSON.stringify({ id, refused: thrown instanceof Error ? thrown.message : String(thrown) }))
    }
  }
  createInterface({ input: process.stdin }).on('line', (line) => void answer(JSON.parse(line) as { id: number }))
  console.log(JSON.stringify({ id: 0, answer: ready }))
}
