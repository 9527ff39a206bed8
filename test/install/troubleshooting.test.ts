import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { catalogue } from '../../problems/catalogue.ts'
import { SAID } from './said/said.ts'

const page = await readFile(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')
const codesInTables = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].flatMap(([, code]) => code ?? [])

test('docs/troubleshooting.md explains every problem that homeward can report, once', () => {
  expect(new Set(codesInTables)).toEqual(new Set(Object.keys(catalogue)))
  expect(codesInTables).toHaveLength(Object.keys(catalogue).length)
})

test('and each of them is expected by a test', async () => {
  const tests = (await readdir('test', { recursive: true })).filter((file) => file.endsWith('.test.ts'))
  const texts = await Promise.all(
    tests.filter((file) => !file.startsWith('install/')).map((file) => readFile(join('test', file), 'utf8')),
  )
  const all = texts.join('\n')
  const unexpected = codesInTables.filter((code) => !new RegExp(`['"\`[]${code}['"\`\\]]`).test(all))
  expect(unexpected).toEqual([])
})

/** The tables of messages, by the heading above each: the first cells, in which the messages stand in backticks. */
const TABLES = page.split(/^### /m).flatMap((section) => {
  const [heading = ''] = section.split('\n', 1)
  const [, rows] = /^\| it says[^\n]*\n\|[- |]*\n((?:\|.*\n)+)/m.exec(section) ?? []
  const cells = rows?.split('\n').flatMap((row) => /^\| (.*?) \|/.exec(row)?.[1] ?? [])
  return cells === undefined ? [] : [{ heading, cells }]
})

/** `…` is whatever stands there. Columns are padded, and Markdown is not. */
function isIn(said: string, message: string): boolean {
  const parts = message.split('…').map((part) => escaped(part.trim()).replaceAll(' ', '\\s+'))
  return new RegExp(parts.join('.*')).test(said)
}

/** A message, and the code that stands behind it in brackets. */
interface Message {
  readonly text: string
  readonly code: string | undefined
}

const messagesIn = (cell: string): readonly Message[] =>
  [...cell.matchAll(/`([^`]+)`(?: \(`([^`]+)`\))?/g)].map(([, text = '', code]) => ({ text, code }))

const isSaidBy = ({ text, code = '' }: Message, said: string): boolean => isIn(said, text) && said.includes(code)

test('each table of messages has what says them', () => {
  expect(TABLES.map(({ heading }) => heading)).toEqual(Object.keys(SAID))
})

describe.each(TABLES)('in the table under “$heading”', ({ heading, cells }) => {
  test('each row has its messages word for word, as the code says them', async () => {
    const said = (await SAID[heading]?.()) ?? []
    expect(cells.filter((cell) => messagesIn(cell).length === 0)).toEqual([])
    const messages = cells.flatMap(messagesIn)
    expect(messages.filter((message) => !said.some((text) => isSaidBy(message, text)))).toEqual([])
  })

  test('all that the code says there has a row', async () => {
    const said = (await SAID[heading]?.()) ?? []
    const messages = cells.flatMap(messagesIn)
    expect(said.filter((text) => !messages.some((message) => isSaidBy(message, text)))).toEqual([])
  })
})

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
}
