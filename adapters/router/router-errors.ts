import type { ProblemCode } from '../../problems/catalogue.ts'
import { quoted } from '../../problems/printable.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'

/** What an error that is no Problem yet means. */
type CodeOf = (thrown: unknown) => ProblemCode

/**
 * What was tried on which router, and why it failed: what the router said of it, where it said something.
 * @param what reads well before ` failed`.
 */
export function stepFailed(
  what: string,
  router: string,
  thrown: unknown,
  codeOf: CodeOf = () => 'step-failed',
): Problem {
  const where = `${what} on the router ${router}`
  if (thrown instanceof Problem) {
    // What says more than that a step failed, says it itself.
    if (thrown.code.startsWith('router-') || thrown.code === 'interface-taken' || thrown.code === 'interrupted')
      return new Problem(thrown.code, { what: where, why: thrown.why, next: thrown.next, cause: thrown })
    return new Problem('step-failed', { what: where, why: thrown.why, next: thrown.next, cause: thrown })
  }
  return new Problem(codeOf(thrown), { what: where, why: whyOf(thrown), cause: thrown })
}

/** A question, which changes nothing, that was not answered as foreseen. */
export function questionFailed(
  what: string,
  router: string,
  thrown: unknown,
  codeOf: CodeOf = () => 'router-refused',
): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem(codeOf(thrown), { what: `${what} on the router ${router}`, why: whyOf(thrown), cause: thrown })
}

/** Errors that repeat what a router said have it apart. */
function whyOf(thrown: unknown): string {
  const { routerWords = '' } = thrown instanceof Error ? (thrown as { readonly routerWords?: string }) : {}
  return routerWords === '' ? reasonOf(thrown) : `the router says: ${quoted(routerWords)}`
}
