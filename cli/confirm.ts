import { Problem } from '../problems/problem.ts'
import type { Context } from './context.ts'

/**
 * Asks before something is changed. With no terminal nothing ever asks.
 * @throws {Problem} `needs-yes` when there is nobody to ask. Answers false when the person says no.
 */
export async function confirm(context: Context, question: string, what: string): Promise<boolean> {
  if (context.yes) return true
  if (!process.stdin.isTTY || !process.stdout.isTTY)
    throw new Problem('needs-yes', { what, why: 'it changes this machine and there is no terminal to ask at' })
  // Loaded only here: prompts are for people, and most runs have none.
  const prompts = await import('@clack/prompts')
  return (await prompts.confirm({ message: question })) === true
}
