import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from '../../properties.ts'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeFolder, removeTornWrites, writeFileAtomic } from '../../../system/files/atomic-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777

test('what is written is read again, whatever it is', async () => {
  const path = join(folder, 'store.json')
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (content) => {
      await writeFileAtomic(path, content)
      expect(await readFile(path, 'utf8')).toBe(Buffer.from(content).toString())
    }),
    { numRuns: 20 },
  )
  expect(await readdir(folder)).toEqual(['store.json'])
})

test('the file is for its owner alone, also where an older one was open to all', async () => {
  const path = join(folder, 'private.key')
  await writeFile(path, 'old', { mode: 0o644 })
  await writeFileAtomic(path, 'new')
  expect(await modeOf(path)).toBe(0o600)
})

test('writers at the same time leave the whole of one', async () => {
  const path = join(folder, 'store.json')
  const contents = Array.from({ length: 10 }, (_, index) => String(index).repeat(50_000))
  await Promise.all(contents.map((content) => writeFileAtomic(path, content)))
  expect(contents).toContain(await readFile(path, 'utf8'))
  expect(await readdir(folder)).toEqual(['store.json'])
})

test('what cannot be written is a problem, and no half of it stays', async () => {
  const path = join(folder, 'taken')
  await mkdir(join(path, 'full'), { recursive: true })
  await expect(writeFileAtomic(path, 'x')).rejects.toMatchObject({ code: 'write-failed', what: `writing ${path}` })
  expect(await readdir(folder)).toEqual(['taken'])
  await expect(writeFileAtomic(join(folder, 'missing/file'), 'x')).rejects.toMatchObject({ code: 'write-failed' })
})

test('a new folder and its parents are for their owner alone; one that is there stays as it is', async () => {
  await makeFolder(join(folder, 'a/b'))
  expect([await modeOf(join(folder, 'a')), await modeOf(join(folder, 'a/b'))]).toEqual([0o700, 0o700])
  await mkdir(join(folder, 'open'), { mode: 0o755 })
  await makeFolder(join(folder, 'open'))
  expect(await modeOf(join(folder, 'open'))).toBe(0o755)
})

test('a folder where a file is in the way is a problem', async () => {
  await writeFile(join(folder, 'file'), '')
  const failure = makeFolder(join(folder, 'file/below'))
  await expect(failure).rejects.toMatchObject({ code: 'write-failed' })
})

test('what killed writers left goes, and nothing else does', async () => {
  await writeFile(join(folder, '.private.key.0123456789ab'), 'half')
  for (const name of ['.profile', 'private.key', '.a.0123456789a']) await writeFile(join(folder, name), 'somebody’s')
  await removeTornWrites(folder)
  expect((await readdir(folder)).sort()).toEqual(['.a.0123456789a', '.profile', 'private.key'])
  await removeTornWrites(join(folder, 'none'))
})
