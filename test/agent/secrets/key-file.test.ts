import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { keyFileWarnings } from '../../../agent/secrets/key-file.ts'
import { newSecrets, privateKeyPath } from '../../../agent/secrets/secrets.ts'
import { sampleRouter, sampleTunnel } from '../sample-config.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-'))
})
afterEach(() => rm(folder, { recursive: true }))

const warnings = (router: typeof sampleTunnel.router = { kind: 'linux' }) =>
  keyFileWarnings({ configDir: folder, stateDir: folder }, { ...sampleTunnel, router })
const holding = (text: string) => writeFile(privateKeyPath(folder), text, { mode: 0o600 })

test('a file that holds a key is no news, nor is one that is missing where a router makes the key', async () => {
  await holding(`${newSecrets().privateKey}\n`)
  expect(await warnings()).toEqual([])
  await rm(privateKeyPath(folder))
  expect(await warnings(sampleRouter)).toEqual([])
})

test('an empty, missing, damaged or exposed one is told while the tunnel still runs, with the way to get it back', async () => {
  const file = privateKeyPath(folder)
  const back = `sudo sh -c 'umask 077; wg show hw0 private-key > ${file}; chown --reference=${folder} ${file}'`
  for (const [text, why] of [
    ['', 'it is empty'],
    ['\n', 'it is empty'],
    ['c2VjcmV0\n', 'it holds no key'],
  ] as const) {
    await holding(text)
    expect(await warnings()).toEqual([
      `the tunnel’s private key is lost from ${file} (${why}): it could not be set up again after a restart. The running tunnel still has the key: ${back}`,
    ])
  }
  await holding(newSecrets().privateKey)
  await chmod(file, 0o644)
  expect((await warnings())[0]).toContain('other users may read it')
  await rm(file)
  expect((await warnings())[0]).toContain('ENOENT')
})
