import { catalogue, type ProblemCode } from './catalogue.ts'
import { oneLine } from './printable.ts'

export interface ProblemDetails {
  /** What was being done, e.g. `joining the hub`. Reads well before ` failed`. */
  readonly what: string
  /** On which device or file, and why. Without a final full stop, without secrets. */
  readonly why: string
  /** Overrides the catalogue's next step where the thrower knows better. */
  readonly next?: string
  readonly cause?: unknown
}

/** An error a person can act on. `message` is the whole sentence: `WHAT failed: WHY. NEXT STEP.` */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly what: string
  readonly why: string
  readonly next: string

  constructor(code: ProblemCode, details: ProblemDetails) {
    // Whoever throws repeats what others said, and the message ends up in terminals, logs, status and alerts.
    const [what, why] = [oneLine(details.what), oneLine(details.why)]
    const next = oneLine(details.next ?? catalogue[code].next)
    super(`${what} failed: ${sentence(why)} ${sentence(next)}`, { cause: details.cause })
    this.code = code
    this.what = what
    this.why = why
    this.next = next
  }
}

/** No full stop behind a sentence that has its mark: `it does not begin with hw1.`, `for this network?` */
function sentence(text: string): string {
  return /[.?!…]$/.test(text) ? text : `${text}.`
}

/** Turns anything thrown into a Problem; what nobody foresaw becomes `internal` and keeps its cause. */
export function asProblem(thrown: unknown, what: string): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem('internal', { what, why: reasonOf(thrown), cause: thrown })
}

/** The plain reason in anything thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
