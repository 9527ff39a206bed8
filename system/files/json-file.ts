import { readFile } from 'node:fs/promises'
import * as v from 'valibot'

/**
 * Reads what a daemon remembers in a file of its own. Never fails: content that is missing, damaged or of another form
 * counts as never known, and is learned again.
 */
export async function readJsonFile<const Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
): Promise<v.InferOutput<Schema> | null> {
  try {
    return v.parse(schema, JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return null
  }
}
