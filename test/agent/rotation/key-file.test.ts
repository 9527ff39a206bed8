import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { whyNoKey } from '../../../agent/rotation/key-file.ts'
import { newSecrets, privateKeyPath } from '../../../agent/secrets/secrets.ts'
import { sampleTunnel } from '../sample-config.ts'

/** Where the tunnel ends on a router that is given the key; on this machine itself: key-rotation.lab.test.ts. */
let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a file of the key that is missing, empty, damaged or exposed is told, with what helps', async () => {
  const file = privateKeyPath(folder)
  const look = () => whyNoKey({ configDir: folder, stateDir: folder }, sampleTunnel.publicKey)
  expect(await look()).toMatch(/lost from \S+ \(ENOENT.*join --again TOKEN$/)
  for (const text of ['', '\n', 'c2VjcmV0\n']) {
    await writeFile(file, text, { mode: 0o600 })
    expect(await look(), JSON.stringify(text)).toMatch(/\(it holds no key\).*join --again TOKEN$/)
    expect(await look()).not.toContain('c2VjcmV0')
  }
  await writeFile(file, `${newSecrets().privateKey}\n`)
  expect(await look()).toBeNull()
  await chmod(file, 0o644)
  expect(await look()).toBe(`reading ${file} failed: other users may read it. chmod 600 ${file}.`)
})
