import { Problem } from '../problems/problem.ts'
import type { Context } from './context.ts'

/**
 * Asks before something is changed. Without a terminal nothing ever asks.
 * @returns whether to go ahead.
 * @throws {Problem} `needs-yes` when there is nobody to ask.
 */
export async function confirm(context: Context, question: string, what: string): Promise<boolean> {
  if (context.yes) return true
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new Problem('needs-yes', { what, why: 'it changes this machine and there is no terminal to ask at' })
  // Loaded only here: prompts are for people, and most runs have none.
  const prompts = await import('@clack/prompts')
  return (await prompts.confirm({ message: question })) === true
}
