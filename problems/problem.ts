import { catalogue, type ProblemCode } from './catalogue.ts'

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
    const next = details.next ?? catalogue[code].next
    super(`${details.what} failed: ${details.why}. ${next}.`, { cause: details.cause })
    this.code = code
    this.what = details.what
    this.why = details.why
    this.next = next
  }
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
