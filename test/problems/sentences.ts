import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseSync, Visitor } from 'oxc-parser'
import { SOURCE_ROOMS } from '../source-rooms.ts'

export interface Sentence {
  readonly file: string
  readonly text: string
}

/** Texts of several words in the sources, without comments: nearly all that people ever read of this program. */
export async function sentencesOf(rooms: readonly string[] = SOURCE_ROOMS): Promise<readonly Sentence[]> {
  const files = await Promise.all(
    rooms.map(async (room) => (await readdir(room, { recursive: true })).map((file) => join(room, file))),
  )
  const sources = files.flat().filter((file) => file.endsWith('.ts'))
  const all = await Promise.all(
    sources.map(async (file) => textsIn(await readFile(file, 'utf8')).map((text) => ({ file, text }))),
  )
  return all.flat().filter(({ text }) => text.trim().split(/\s+/).length > 3)
}

/** What stands in quotes of a source in TypeScript; `…` is what a template puts in, whose own texts are listed besides. */
export function textsIn(source: string): readonly string[] {
  const texts: string[] = []
  new Visitor({
    Literal: ({ value }) => {
      if (typeof value === 'string') texts.push(value)
    },
    TemplateLiteral: ({ quasis }) => {
      texts.push(quasis.map(({ value }) => value.cooked ?? value.raw).join('…'))
    },
  }).visit(parseSync('source.ts', source).program)
  return texts
}
