import { oneLine } from '../../problems/printable.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'
import { WHAT } from './options.ts'

/** One of several answers. */
export interface Choice<Value> {
  readonly value: Value
  readonly label: string
  readonly hint?: string
}

/** Whether there is a person: who can answer, and sees the plan, which goes to standard error. */
export function hasTerminal(): boolean {
  return process.stdin.isTTY && process.stdout.isTTY && process.stderr.isTTY
}

/** @throws {Problem} `interrupted`, as all questions, when the person leaves it by Ctrl-C. */
export async function askChoice<Value extends string>(
  message: string,
  choices: readonly Choice<Value>[],
  initialValue: Value,
): Promise<Value> {
  const { select } = await import('@clack/prompts')
  const options = choices.map(({ value, label, hint }) => ({
    value,
    label: oneLine(label),
    ...(hint === undefined ? {} : { hint: oneLine(hint) }),
  }))
  return answered(await select<string>({ message: oneLine(message), options, initialValue })) as Value
}

/** @param check throws a Problem for what is no answer; its reason is shown at once, and asked again. */
export async function askText(
  message: string,
  initialValue: string,
  check: (given: string) => unknown,
): Promise<string> {
  const { text } = await import('@clack/prompts')
  return answered(await text({ message: oneLine(message), initialValue, validate: validator(check) })).trim()
}

/** The same for what nobody may see: the terminal shows a dot for each character. */
export async function askSecret(message: string, check: (given: string) => unknown): Promise<string> {
  const { password } = await import('@clack/prompts')
  return answered(await password({ message: oneLine(message), validate: validator(check) })).trim()
}

function validator(check: (given: string) => unknown): (given: string | undefined) => string | undefined {
  return (given = '') => {
    try {
      check(given.trim())
      return undefined
    } catch (thrown) {
      return oneLine(thrown instanceof Problem ? `${thrown.why}. ${thrown.next}` : reasonOf(thrown))
    }
  }
}

function answered<Value>(given: Value): Exclude<Value, symbol> {
  if (typeof given !== 'symbol') return given as Exclude<Value, symbol>
  throw leftOff()
}

/** The problem of a person who left before anything was changed. */
export function leftOff(): Problem {
  return new Problem('interrupted', {
    what: WHAT,
    why: 'it was interrupted before anything was changed',
    next: 'Run homeward setup again when you are ready',
  })
}
