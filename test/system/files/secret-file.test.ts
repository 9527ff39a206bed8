import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readSecretFile } from '../../../system/files/secret-file.ts'

let folder: string
let path: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-test-'))
  path = join(folder, 'home.secret')
  await writeFile(path, 'hunter2\n', { mode: 0o600 })
})
afterEach(() => rm(folder, { recursive: true, force: true }))

test('a secret is its line without the end', async () => {
  expect(await readSecretFile(path)).toBe('hunter2')
})

test.each([0o640, 0o604, 0o644, 0o660, 0o610])(
  'a file that others may touch is refused, and the cure is named: %o',
  async (mode) => {
    await chmod(path, mode)
    const failure = await readSecretFile(path).catch((thrown: unknown) => thrown)
    expect(failure).toMatchObject({ code: 'secret-exposed', next: `chmod 600 ${path}` })
    expect(String(failure)).not.toContain('hunter2')
  },
)

test('a file that is not there is a problem that names it', async () => {
  await expect(readSecretFile(join(folder, 'none'))).rejects.toMatchObject({
    code: 'config-unreadable',
    what: `reading ${join(folder, 'none')}`,
  })
})
