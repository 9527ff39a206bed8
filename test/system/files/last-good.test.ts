import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keepLastGood, readOrLastGood } from '../../../system/files/last-good.ts'
import { readYamlFile } from '../../../system/files/yaml-file.ts'

let folder: string
let path: string
let copy: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-kept-'))
  path = join(folder, 'x.yaml')
  copy = join(folder, 'x.last-good.yaml')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const read = (file: string) => readYamlFile(file, v.strictObject({ port: v.number() }))
const begin = () => readOrLastGood(path, copy, read)

test('a good file is in force, and what it says is kept', async () => {
  await writeFile(path, '# mine\nport: 1\n')
  expect(await begin()).toEqual({ settings: { port: 1 }, notInForce: null })
  await keepLastGood(path, copy)
  expect(await readFile(copy, 'utf8')).toBe('# mine\nport: 1\n')
  expect((await stat(copy)).mode & 0o777).toBe(0o600)
})

test.each(['port: one\n', 'prot: 2\n', 'port: [\n', ''])(
  'one that is not what it should be (%j) leaves the last good one in force',
  async (text) => {
    await writeFile(path, 'port: 1\n')
    await keepLastGood(path, copy)
    await writeFile(path, text)
    const { settings, notInForce } = await begin()
    expect(settings).toEqual({ port: 1 })
    expect(notInForce).toContain(path)
    expect(notInForce).not.toContain('last-good')
  },
)

test('the file’s own problem is said where nothing good was kept, or that is none any more', async () => {
  await writeFile(path, 'prot: 2\n')
  await expect(begin()).rejects.toMatchObject({ code: 'config-invalid' })
  await writeFile(copy, 'also: bad\n')
  await expect(begin()).rejects.toMatchObject({
    code: 'config-invalid',
    why: expect.stringContaining('prot is not a setting; port is one') as string,
  })
})

test('a file that is gone was taken away: nothing takes its place', async () => {
  await writeFile(copy, 'port: 1\n')
  await expect(begin()).rejects.toMatchObject({ code: 'config-unreadable' })
  await keepLastGood(path, copy)
  expect(await readFile(copy, 'utf8')).toBe('port: 1\n')
})

test('what has not changed is not written again', async () => {
  await writeFile(path, 'port: 1\n')
  await keepLastGood(path, copy)
  const { ino } = await stat(copy)
  await keepLastGood(path, copy)
  expect((await stat(copy)).ino).toBe(ino)
})
