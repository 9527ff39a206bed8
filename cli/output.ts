import type { Context } from './context.ts'
import { catalogue } from '../problems/catalogue.ts'
import { asProblem } from '../problems/problem.ts'
import { forJournal } from '../system/journal.ts'

const STDERR = 2

/** Prints an answer with facts: JSON for scripts, text for people. */
export function printFacts(context: Context, facts: unknown, text: () => string): void {
  const out = context.json ? JSON.stringify(facts, null, 2) : text()
  process.stdout.write(out.endsWith('\n') ? out : `${out}\n`)
}

/** Tells a person what is going on. Goes to stderr, so that stdout stays what a script reads. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** Reports what went wrong and returns the exit status. */
export function reportProblem(thrown: unknown, json: boolean): number {
  const problem = asProblem(thrown, 'homeward')
  if (json) {
    const { code, what, why, next } = problem
    process.stdout.write(`${JSON.stringify({ error: { code, message: `${what} failed: ${why}`, next } })}\n`)
  }
  // A daemon that cannot begin says it here.
  const line = forJournal(STDERR)(`homeward: ${problem.message} [${problem.code}]`, 3)
  process.stderr.write(`${line}\n`)
  if (problem.code === 'internal' && process.env['HOMEWARD_DEBUG'] !== undefined)
    process.stderr.write(`${String((problem.cause as Error | undefined)?.stack ?? problem.stack)}\n`)
  return catalogue[problem.code].exit
}

/** A warning for people: below its first line stand lines to paste. */
export function indented(warning: string, by: string): string {
  return warning.split('\n').join(`\n${by}`)
}
