import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Where the release's keys go in packaging/get.sh. */
const SIGNERS = '@ALLOWED_SIGNERS@'

/**
 * Writes get.sh, with the keys that may sign, into a folder.
 * @returns whether there is one: without a key it could verify nothing.
 */
export async function writeGetScript(root: string, folder: string): Promise<boolean> {
  const lines = (await readFile(join(root, 'allowed_signers'), 'utf8')).split('\n')
  const keys = lines.filter((line) => /^[^#\s]/.test(line)).join('\n')
  if (keys === '') return false
  if (keys.includes("'")) throw new Error('allowed_signers has an apostrophe, which get.sh cannot hold')
  const script = await readFile(join(root, 'packaging/get.sh'), 'utf8')
  await writeFile(
    join(folder, 'get.sh'),
    script.replace(SIGNERS, () => keys),
  )
  return true
}
