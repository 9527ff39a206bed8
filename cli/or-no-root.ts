import { Problem } from '../problems/problem.ts'

/** Turns a failure for lack of rights into advice to run as root. */
export async function orNoRoot<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act()
  } catch (thrown) {
    if (process.getuid?.() === 0 || !(thrown instanceof Problem) || !isForbidden(thrown.cause)) throw thrown
    throw new Problem('no-root', { what: thrown.what, why: thrown.why, cause: thrown })
  }
}

function isForbidden(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code === 'EACCES' || code === 'EPERM'
}
