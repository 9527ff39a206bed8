import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { noticesOf, readLicensed } from '../../packaging/notices.ts'

let folder: string
beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'homeward-notices-'))))
afterEach(() => rm(folder, { recursive: true, force: true }))

const packageOf = async (about: object, files: Readonly<Record<string, string>> = {}) => {
  await writeFile(join(folder, 'package.json'), JSON.stringify({ name: 'thing', version: '1.2.3', ...about }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return readLicensed(folder)
}

test('licence and notice of a package are there, whole', async () => {
  const found = await packageOf(
    { license: 'Apache-2.0' },
    { 'LICENSE.md': '\r\nYou may.\r\n', NOTICE: 'Of Somebody\n' },
  )
  expect(found).toEqual({ name: 'thing', version: '1.2.3', licence: 'Apache-2.0', texts: ['You may.', 'Of Somebody'] })
  expect(noticesOf([found])).toContain('thing 1.2.3 (Apache-2.0)\n\nYou may.\n\nOf Somebody\n')
})

test.each(['license', 'LICENCE', 'LICENSE-MIT', 'COPYING', 'UNLICENSE'])('%s is a licence’s name', async (name) => {
  expect((await packageOf({ license: 'MIT' }, { [name]: 'You may.' })).texts).toEqual(['You may.'])
})

test('older ways to name a licence are read', async () => {
  expect((await packageOf({ licenses: [{ type: 'MIT' }, { type: 'BSD-3-Clause' }] })).licence).toBe(
    'MIT OR BSD-3-Clause',
  )
})

test('a package without a text stops, and is named', async () => {
  const found = await packageOf({ license: 'MIT' }, { LICENSE: '\n', 'README.md': 'MIT' })
  expect(() => noticesOf([found])).toThrow('no licence text comes with thing 1.2.3 (MIT)')
})

test('unless its text is given by hand, for that version alone, with its source', async () => {
  const found = await packageOf({ license: 'MIT' })
  const given = { source: 'https://example.org/thing/LICENSE', text: 'You may.' }
  expect(noticesOf([found], { 'thing@1.2.3': given })).toContain(
    'From https://example.org/thing/LICENSE:\n\nYou may.\n',
  )
  expect(() => noticesOf([found], { 'thing@1.2.4': given })).toThrow('thing 1.2.3')
})

test('a folder that only looks like a licence’s is an error, not a package without one', async () => {
  await mkdir(join(folder, 'LICENSES'))
  await expect(packageOf({ license: 'MIT' })).rejects.toThrow('EISDIR')
})
