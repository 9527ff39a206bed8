import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lookAtKeyFile } from '../../../agent/rotation/key-file.ts'
import { newSecrets, privateKeyPath } from '../../../agent/secrets/secrets.ts'
import { sampleTunnel } from '../sample-config.ts'

/** Where the tunnel ends on a router that is given the key; on this machine itself: key-rotation.lab.test.ts. */
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a file of the key is whole with a key that nobody else may read, and damaged otherwise', async () => {
  const file = privateKeyPath(folder)
  const look = () => lookAtKeyFile({ configDir: folder, stateDir: folder }, sampleTunnel.publicKey)
  expect(await look()).toBe('damaged')
  for (const text of ['', '\n', 'c2VjcmV0\n']) {
    await writeFile(file, text, { mode: 0o600 })
    expect(await look(), JSON.stringify(text)).toBe('damaged')
  }
  await writeFile(file, `${newSecrets().privateKey}\n`)
  expect(await look()).toBe('whole')
  await chmod(file, 0o644)
  expect(await look()).toBe('damaged')
})
