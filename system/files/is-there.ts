import { access } from 'node:fs/promises'

/** Whether there is a file. A forbidden look is no proof of absence: the one who reads it then says what is wrong. */
export async function isThere(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code !== 'ENOENT'
  }
}
