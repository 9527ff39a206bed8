import { Problem, reasonOf } from '../../problems/problem.ts'
import { Trap } from './api.ts'

/**
 * What was done on which router, and why it failed, in the router's own words where it has any.
 * @param what reads well before ` failed`.
 */
export function stepFailed(what: string, router: string, thrown: unknown): Problem {
  const where = `${what} on the router ${router}`
  if (thrown instanceof Problem) {
    // What says more than that a step failed, says it itself.
    if (thrown.code.startsWith('router-') || thrown.code === 'interface-taken' || thrown.code === 'interrupted')
      return new Problem(thrown.code, { what: where, why: thrown.why, next: thrown.next, cause: thrown })
    return new Problem('step-failed', { what: where, why: thrown.why, next: thrown.next, cause: thrown })
  }
  return new Problem(codeOf(thrown), { what: where, why: reasonOf(thrown), cause: thrown })
}

/** A question, which changes nothing, that was not answered as foreseen. */
export function questionFailed(what: string, router: string, thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown
  const code = codeOf(thrown) === 'router-rights-missing' ? 'router-rights-missing' : 'router-refused'
  return new Problem(code, {
    what: `${what} on the router ${router}`,
    why: reasonOf(thrown),
    cause: thrown,
  })
}

function codeOf(thrown: unknown): 'step-failed' | 'router-rights-missing' | 'interface-taken' {
  if (!(thrown instanceof Trap)) return 'step-failed'
  if (thrown.message.startsWith('not enough permissions')) return 'router-rights-missing'
  if (thrown.message.includes('already have interface with such name')) return 'interface-taken'
  return 'step-failed'
}
