import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { damagedFiles } from '../../../system/files/damaged-files.ts'

test('a file that is empty, torn or overwritten is named; whole ones, and files of other kinds, are not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  try {
    const files = {
      'key.json': '',
      'line.json': '{"mtu": 12',
      'place.json': '\0\0\0\0',
      'heard.json': '{}\n',
      'outbox.json': '[]',
      'incidents.jsonl': '{"torn',
      'private.key': '',
    }
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
    const named = ['key.json', 'line.json', 'place.json'].map((name) => join(folder, name))
    expect(await damagedFiles(folder)).toEqual(named)
    expect(await damagedFiles(join(folder, 'none'))).toEqual([])
  } finally {
    await rm(folder, { recursive: true })
  }
})
