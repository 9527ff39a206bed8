import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'

const page = await readFile(new URL('../../docs/security.md', import.meta.url), 'utf8')

/** The notes: `[^name]: ` and tests, each a path in backticks with titles in quotes behind it. */
const NOTES = [...page.matchAll(/^\[\^([a-z-]+)\]: (.*)$/gm)].map(([, name = '', text = '']) => ({
  name,
  tests: [...text.matchAll(/`(test\/[^`]+)`: ((?:“[^”]+”(?:, )?)+)/g)].map(([, path = '', titles = '']) => ({
    path,
    titles: [...titles.matchAll(/“([^”]+)”/g)].map(([, title = '']) => title),
  })),
}))
const TESTS = NOTES.flatMap(({ tests }) => tests)

const text = page.replaceAll(/^\[\^[a-z-]+\]: .*$/gm, '')
const referred = [...text.matchAll(/\[\^([a-z-]+)\]/g)].map(([, name = '']) => name)

test('each line of docs/security.md names what shows it: those in lists, and rows of tables', () => {
  const lines = text.split('\n').filter((line) => /^(?:- |\| (?!right |---))/.test(line))
  expect(lines.length).toBeGreaterThan(60)
  expect(lines.filter((line) => !/\[\^[a-z-]+\]/.test(line))).toEqual([])
})

test('each note is there once, is referred to, and names tests', () => {
  expect(NOTES.map(({ name }) => name).toSorted()).toEqual([...new Set(referred)].toSorted())
  expect(NOTES.filter(({ tests }) => tests.length === 0 || tests.some(({ titles }) => titles.length === 0))).toEqual([])
})

test.each([...new Set(TESTS.map(({ path }) => path))])('%s has the tests that the page names', async (path) => {
  const source = await readFile(new URL(`../../${path}`, import.meta.url), 'utf8')
  const titles = TESTS.filter((one) => one.path === path).flatMap((one) => one.titles)
  const isThere = (title: string): boolean => ["'", '"', '`'].some((quote) => source.includes(quote + title + quote))
  expect(titles.filter((title) => !isThere(title))).toEqual([])
})
