import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Files that a daemon remembers by and that hold no JSON any more, as a power cut or a failing card leaves them. Whoever
 * reads one takes it for never known (json-file.ts): so it is looked for once, at the start, for the log to say it.
 * @returns paths, in the order of their names. Nothing of their content, which may be secret.
 */
export async function damagedFiles(folder: string): Promise<readonly string[]> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  const damaged: string[] = []
  for (const name of names) if (!(await isJson(join(folder, name)))) damaged.push(join(folder, name))
  return damaged
}

async function isJson(path: string): Promise<boolean> {
  try {
    JSON.parse(await readFile(path, 'utf8'))
    return true
  } catch {
    return false
  }
}
