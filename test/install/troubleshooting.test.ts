import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { catalogue } from '../../problems/catalogue.ts'

const page = await readFile(new URL('../../docs/troubleshooting.md', import.meta.url), 'utf8')
const codesInTables = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map((match) => match[1])

test('docs/troubleshooting.md explains every problem that homeward can report, once', () => {
  expect(new Set(codesInTables)).toEqual(new Set(Object.keys(catalogue)))
  expect(codesInTables).toHaveLength(Object.keys(catalogue).length)
})
