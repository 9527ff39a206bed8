import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The file of sums, and what signs it: both are left out of it. */
export const SUMS = 'SHA256SUMS'
export const SIGNATURE = `${SUMS}.sig`

/**
 * Writes the sums of all files below a folder into its SHA256SUMS, as `sha256sum --check` reads them (sha256sum(1)): by path, in
 * the order of its bytes.
 * @throws for a name with a line break or a backslash, which that format writes another way.
 */
export async function writeSums(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(join(folder, '/').length))
    .filter((path) => path !== SUMS && path !== SIGNATURE)
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  const strange = paths.find((path) => /[\n\\]/.test(path))
  if (strange !== undefined) throw new Error(`${JSON.stringify(strange)} has a name that ${SUMS} cannot hold`)
  const lines: string[] = []
  for (const path of paths) lines.push(`${sumOf(await readFile(join(folder, path)))}  ${path}\n`)
  await writeFile(join(folder, SUMS), lines.join(''))
}

function sumOf(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
