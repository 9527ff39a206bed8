import type { ProblemCode } from '../../problems/catalogue.ts'
import { quoted } from '../../problems/printable.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'

/** The code for an error that is no Problem yet. */
type CodeOf = (thrown: unknown) => ProblemCode

/**
 * The problem of a step: on which router, and why it failed, in the router's own words where it said any.
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
    // An error that says more than that a step failed keeps its code.
    if (thrown.code.startsWith('router-') || thrown.code === 'interface-taken' || thrown.code === 'interrupted')
      return new Problem(thrown.code, { what: where, why: thrown.why, next: thrown.next, cause: thrown })
    return new Problem('step-failed', { what: where, why: thrown.why, next: thrown.next, cause: thrown })
  }
  return new Problem(codeOf(thrown), { what: where, why: whyOf(thrown), cause: thrown })
}

/** The problem of a question, which changes nothing, that was not answered as expected. */
export function questionFailed(
  what: string,
  router: string,
  thrown: unknown,
  codeOf: CodeOf = () => 'router-refused',
): Problem {
  if (thrown instanceof Problem) return thrown
  return new Problem(codeOf(thrown), { what: `${what} on the router ${router}`, why: whyOf(thrown), cause: thrown })
}

/** The reason; errors that repeat what a router said hold that apart. */
function whyOf(thrown: unknown): string {
  const { routerWords = '' } = thrown instanceof Error ? (thrown as { readonly routerWords?: string }) : {}
  return routerWords === '' ? reasonOf(thrown) : `the router says: ${quoted(routerWords)}`
}
