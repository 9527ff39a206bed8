import type { Problem } from '../../../problems/problem.ts'
import * as router from '../../router/router-errors.ts'
import { isNotPermitted, Trap } from './trap.ts'

/** @param what reads well before ` failed`. */
export function stepFailed(what: string, name: string, thrown: unknown): Problem {
  return router.stepFailed(what, name, thrown, codeOf)
}

export function questionFailed(what: string, name: string, thrown: unknown): Problem {
  return router.questionFailed(what, name, thrown, (thrown) =>
    codeOf(thrown) === 'router-rights-missing' ? 'router-rights-missing' : 'router-refused',
  )
}

function codeOf(thrown: unknown): 'step-failed' | 'router-rights-missing' | 'interface-taken' {
  if (!(thrown instanceof Trap)) return 'step-failed'
  if (isNotPermitted(thrown)) return 'router-rights-missing'
  if (thrown.message.includes('already have interface with such name')) return 'interface-taken'
  return 'step-failed'
}
