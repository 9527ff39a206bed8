import { link, mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { overwriteFile } from '../../../system/files/overwrite.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-overwrite-'))
  path = join(folder, 'clock.json')
})
afterEach(() => rm(folder, { recursive: true }))

const inode = async (): Promise<number> => (await stat(path)).ino

test('a file of the same length is written over where it stands, any other is replaced', async () => {
  await overwriteFile(path, '{"a":1}\n')
  const first = await inode()
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  await overwriteFile(path, '{"a":2}\n')
  expect(await readFile(path, 'utf8')).toBe('{"a":2}\n')
  expect(await inode()).toBe(first)
  await overwriteFile(path, '{"a":"ä"}\n')
  expect(await readFile(path, 'utf8')).toBe('{"a":"ä"}\n')
  expect(await inode()).not.toBe(first)
  // As many characters, and fewer bytes.
  await overwriteFile(path, '{"a":"x"}\n')
  expect(await readFile(path, 'utf8')).toBe('{"a":"x"}\n')
})

test('nothing is written through a link: that is replaced, and what it names stays', async () => {
  const other = join(folder, 'other')
  for (const make of [symlink, link]) {
    await writeFile(other, '{"a":1}\n')
    await rm(path, { force: true })
    await make(other, path)
    await overwriteFile(path, '{"a":2}\n')
    expect(await readFile(other, 'utf8')).toBe('{"a":1}\n')
    expect(await readFile(path, 'utf8')).toBe('{"a":2}\n')
  }
})

test('where there is no folder, that is the error', async () => {
  await expect(overwriteFile(join(folder, 'none', 'clock.json'), 'x')).rejects.toMatchObject({ code: 'write-failed' })
})
