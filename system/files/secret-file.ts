import { readFile, stat } from 'node:fs/promises'
import { Problem, reasonOf } from '../../problems/problem.ts'

/**
 * Reads a secret of one line.
 * @throws {Problem} `config-unreadable` when it cannot be read, `secret-exposed` when others than its owner could.
 */
export async function readSecretFile(path: string): Promise<string> {
  const what = `reading ${path}`
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0)
      throw new Problem('secret-exposed', { what, why: 'other users may read it', next: `chmod 600 ${path}` })
    return (await readFile(path, 'utf8')).trim()
  } catch (thrown) {
    if (thrown instanceof Problem) throw thrown
    throw new Problem('config-unreadable', { what, why: reasonOf(thrown), cause: thrown })
  }
}
