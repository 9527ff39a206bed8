import { catalogue } from '../problems/catalogue.ts'
import { oneLine, printable, printableFacts, printableJson } from '../problems/printable.ts'
import { asProblem } from '../problems/problem.ts'
import { forJournal } from '../system/process/journal.ts'
import type { Context } from './context.ts'
import { unlessStyled } from './text/style.ts'

const STDERR = 2

/**
 * The only output of the command, without anything that a terminal would take for a command: others often chose the
 * words. @clack/prompts, which moves the cursor, is given nothing but sentences of this program.
 */

/** Prints an answer with facts: JSON for scripts, text for people. `text` lays out lines of facts that have none. */
export function printFacts<Facts>(context: Context, facts: Facts, text: (facts: Facts) => string): void {
  if (context.json) return print(printableJson(JSON.stringify(facts, null, 2)))
  print(printable(text(printableFacts(facts))))
}

/** Prints facts like printFacts, with a text in our colours, which only come with facts that have none. */
export function printStyled<Facts>(context: Context, facts: Facts, text: (facts: Facts) => string): void {
  if (context.json) return printFacts(context, facts, text)
  print(unlessStyled(text(printableFacts(facts)), printable))
}

/** Erase the screen and go to its first line (ECMA-48: ED, CUP). */
const CLEAR = '\u001B[2J\u001B[H'

/** Prints the next of repeated answers: JSON by the line, or the screen redrawn where there is one. */
export function printStyledAgain<Facts>(context: Context, facts: Facts, text: (facts: Facts) => string): void {
  if (context.json) return print(printableJson(JSON.stringify(facts)))
  if (process.stdout.isTTY) process.stdout.write(CLEAR)
  printStyled(context, facts, text)
}

/** Prints the next line of many. */
export function printLine(line: string): void {
  print(printable(line))
}

/** Writes what is no text, such as a backup. */
export function printBytes(bytes: Uint8Array): void {
  process.stdout.write(bytes)
}

/** Rows that end as RFC 4180 says, whatever is in their cells. */
export function printCsv(text: string): void {
  process.stdout.write(text.split('\r\n').map(printable).join('\r\n'))
}

/** Tells a person what is going on, on stderr, so that stdout stays what a script reads. */
export function tell(text: string): void {
  process.stderr.write(`${printable(text)}\n`)
}

/** Reports a failure and returns the exit status. */
export function reportProblem(thrown: unknown, json: boolean): number {
  const problem = asProblem(thrown, 'homeward')
  if (json) {
    const { code, what, why, next } = problem
    print(printableJson(JSON.stringify({ error: { code, message: `${what} failed: ${why}`, next } })))
  }
  // A daemon that cannot begin reports it here.
  const line = oneLine(`homeward: ${problemText(problem)}`)
  process.stderr.write(`${forJournal(STDERR)(line, 3)}\n`)
  if (problem.code === 'internal' && process.env['HOMEWARD_DEBUG'] !== undefined)
    tell(String((problem.cause as Error | undefined)?.stack ?? problem.stack))
  return catalogue[problem.code].exit
}

/** A problem as people read it, with the code that docs/troubleshooting.md has. */
export function problemText({ message, code }: { readonly message: string; readonly code: string }): string {
  return `${message} [${code}]`
}

/** A warning for people: its first line is followed by lines to paste. */
export function indented(warning: string, by: string): string {
  return warning.split('\n').join(`\n${by}`)
}

/** Output of commander about a call, whose words it repeats. */
export const commanderOutput = {
  writeOut: (text: string): void => print(printable(text)),
  writeErr: (text: string): void => tell(text.trimEnd().replace(/^error: /, 'homeward: ')),
}

function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}
