import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Rooms whose texts people read: of the command, of errors, of the log and of notifications. */
const ROOMS = ['adapters', 'agent', 'alerts', 'cli', 'hub', 'net', 'problems', 'protocol', 'system', 'wireguard']

export interface Sentence {
  readonly file: string
  readonly text: string
}

/** Texts of several words in the sources, without comments: nearly all that people ever read of this program. */
export async function sentencesOf(rooms: readonly string[] = ROOMS): Promise<readonly Sentence[]> {
  const files = await Promise.all(
    rooms.map(async (room) => (await readdir(room, { recursive: true })).map((file) => join(room, file))),
  )
  const sources = files.flat().filter((file) => file.endsWith('.ts'))
  const all = await Promise.all(
    sources.map(async (file) => textsIn(await readFile(file, 'utf8')).map((text) => ({ file, text }))),
  )
  return all.flat().filter(({ text }) => text.trim().split(/\s+/).length > 3)
}

/** What stands in quotes of a source in TypeScript; what a template puts in is left out. */
export function textsIn(source: string): readonly string[] {
  const pattern =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'((?:[^'\\\n]|\\.)*)'|"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\$]|\\.|\$(?!\{)|\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\})*)`|(?<=[=(,:]\s*)\/(?:[^/\\\n]|\\.)+\/[a-z]*/g
  return [...source.matchAll(pattern)].flatMap(([, single, double, template]) => {
    const text = single ?? double ?? template
    return text === undefined ? [] : [text]
  })
}
