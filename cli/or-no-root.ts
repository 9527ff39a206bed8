import { Problem } from '../problems/problem.ts'

/** What the system forbids a plain user is said as what to do about it. */
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
