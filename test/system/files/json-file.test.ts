import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as v from 'valibot'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readJsonFile } from '../../../system/files/json-file.ts'

const Schema = v.object({ seen: v.number(), times: v.optional(v.number(), 1) })

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-json-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('what is remembered is read, and defaulted', async () => {
  const path = join(folder, 'seen.json')
  await writeFile(path, '{"seen": 7}\n')
  expect(await readJsonFile(path, Schema)).toEqual({ seen: 7, times: 1 })
})

test('what is missing, damaged, of another form or no file was never known', async () => {
  const path = join(folder, 'seen.json')
  expect(await readJsonFile(path, Schema)).toBeNull()
  for (const text of ['', '{"seen": 7', '{"seen": "7"}', 'null']) {
    await writeFile(path, text)
    expect(await readJsonFile(path, Schema)).toBeNull()
  }
  await rm(path)
  await mkdir(path)
  expect(await readJsonFile(path, Schema)).toBeNull()
})
