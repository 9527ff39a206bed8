import { catalogue, type ProblemCode } from './catalogue.ts'
import { oneLine } from './printable.ts'

export interface ProblemDetails {
  /** What was being done, e.g. `joining the hub`. Reads well before ` failed`. */
  readonly what: string
  /** The device or file, and the reason. Without a final full stop, without secrets. */
  readonly why: string
  /** The next step, where the thrower knows better than the catalogue. */
  readonly next?: string | undefined
  /** When what is in the way has ended by itself, as HTTP's Retry-After (RFC 9110, 10.2.3). */
  readonly retryAfterSeconds?: number | undefined
  readonly cause?: unknown
}

/** An error a person can act on. `message` is the whole sentence: `WHAT failed: WHY. NEXT STEP.` */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly code: ProblemCode
  readonly what: string
  readonly why: string
  readonly next: string
  readonly retryAfterSeconds: number | undefined

  constructor(code: ProblemCode, details: ProblemDetails) {
    // Throwers repeat what others said, and the message ends up in terminals, logs, status and alerts.
    const [what, why] = [oneLine(details.what), oneLine(details.why)]
    const next = oneLine(details.next ?? catalogue[code].next)
    super(`${what} failed: ${sentence(why)} ${sentence(next)}`, { cause: details.cause })
    this.code = code
    this.what = what
    this.why = why
    this.next = next
    this.retryAfterSeconds = details.retryAfterSeconds
  }
}

/** The text with a full stop, unless it has its own mark: `it does not begin with hw1.`, `for this network?` */
function sentence(text: string): string {
  return /[.?!…]$/.test(text) ? text : `${text}.`
}

/** When it may be tried again, as an error or its cause says; null: waiting alone does not help. */
export function retryAfterOf(thrown: unknown): number | null {
  if (!(thrown instanceof Problem)) return null
  return thrown.retryAfterSeconds ?? retryAfterOf(thrown.cause)
}

/** Turns anything thrown into a Problem; an unforeseen error becomes `internal` and keeps its cause. */
export function asProblem(thrown: unknown, what: string): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem('internal', { what, why: reasonOf(thrown), cause: thrown })
}

/** The plain reason of anything thrown. */
export function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}
