import { stat } from 'node:fs/promises'

/** A stamp that differs whenever somebody replaced or edited the file; `gone` when there is none. */
export async function stampOf(path: string): Promise<string> {
  const seen = await stat(path, { bigint: true }).catch(() => null)
  return seen === null ? 'gone' : `${seen.ino}.${seen.mtimeNs}.${seen.size}`
}
