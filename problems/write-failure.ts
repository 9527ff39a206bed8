import { dirname } from 'node:path'
import { Problem, reasonOf } from './problem.ts'

/**
 * Why a file or folder could not be written, in words, with a next step for that very reason (errno(3)).
 * @param what is being done, before ` failed`.
 * @param path of the file or the folder.
 */
export function writeFailure(what: string, path: string, thrown: unknown): Problem {
  const code = codeOf(thrown)
  const known = code === null ? undefined : knownFor(code, dirname(path))
  if (known === undefined) return new Problem('write-failed', { what, why: reasonOf(thrown), cause: thrown })
  const [why, next] = known
  return new Problem('write-failed', { what, why: `${why} (${code})`, next, cause: thrown })
}

function knownFor(code: string, folder: string): readonly [why: string, next: string] | undefined {
  switch (code) {
    case 'ENOENT':
      return [`there is no folder ${folder}`, 'Make the folder, or name another one']
    case 'ENOTDIR':
      return [`${folder} is no folder`, 'Name another one']
    case 'ENOSPC':
    case 'EDQUOT':
      return ['no space is left on the disk', 'Free some space; the old file was left untouched']
    case 'EROFS':
      return ['the disk is read-only', 'Mount it for writing: a failing SD card turns read-only by itself']
    case 'EACCES':
    case 'EPERM':
      return [`this user may not write in ${folder}`, 'Run it again with sudo, or correct the permissions']
    default:
      return undefined
  }
}

function codeOf(thrown: unknown): string | null {
  const code = (thrown as NodeJS.ErrnoException | null | undefined)?.code
  return typeof code === 'string' ? code : null
}
