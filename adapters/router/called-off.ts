import { Problem } from '../../problems/problem.ts'

/** The problem of an action that the caller aborted. @param what reads well before ` failed`. */
export function calledOff(what: string, signal: AbortSignal): Problem {
  const next = 'Run it again when you are ready'
  return new Problem('interrupted', { what, why: 'it was called off', next, cause: signal.reason })
}

/**
 * Waits for a result no longer than the signal lets it; the action itself goes on, unheard.
 * @throws {Problem} `interrupted`.
 */
export function orCalledOff<Result>(waited: Promise<Result>, what: string, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(calledOff(what, signal))
    signal.addEventListener('abort', onAbort)
    if (signal.aborted) onAbort()
    void waited.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
