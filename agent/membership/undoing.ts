import { asProblem } from '../../problems/problem.ts'

/**
 * Tries one part of an undo, whatever became of the others; failures are told.
 * @returns of the attempt: whether it succeeded.
 */
export function undoing(
  tell: (uplink: string) => void,
): (what: string, act: () => Promise<unknown>) => Promise<boolean> {
  return async (what, act) => {
    try {
      await act()
      return true
    } catch (thrown) {
      tell(`${what} could not be undone: ${asProblem(thrown, what).why}`)
      return false
    }
  }
}
