import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  forgetRotatedSecret,
  keepRotatedSecret,
  newHomeSecret,
  readHomeSecret,
} from '../../../agent/secrets/home-secret.ts'
import { draftSecrets, keepSecrets, newSecrets } from '../../../agent/secrets/secrets.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-secrets-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a rotated secret counts instead of the join’s, until there is another join', async () => {
  const folders = { configDir: folder, stateDir: folder }
  const secrets = await draftSecrets(folder)
  await keepSecrets(folder, secrets)
  expect(await readHomeSecret(folders)).toBe(secrets.homeSecret)
  const next = newHomeSecret()
  await keepRotatedSecret(folders, next)
  expect(await readHomeSecret(folders)).toBe(next)
  expect((await stat(join(folder, 'secret.json'))).mode & 0o777).toBe(0o600)
  // A join in the same folders knows none but its own.
  expect(await readHomeSecret({ ...folders, stateDir: null })).toBe(secrets.homeSecret)
  // It replaces what the join gave, however often it was rotated.
  const third = newHomeSecret()
  await keepRotatedSecret(folders, third)
  expect(await readHomeSecret(folders)).toBe(third)
  const again = newSecrets()
  await keepSecrets(folder, again)
  expect(await readHomeSecret(folders)).toBe(again.homeSecret)
})

test('a damaged or removed one leaves the join’s', async () => {
  const folders = { configDir: folder, stateDir: folder }
  const secrets = await draftSecrets(folder)
  await keepSecrets(folder, secrets)
  await keepRotatedSecret(folders, newHomeSecret())
  await writeFile(join(folder, 'secret.json'), '{"schema":1,')
  expect(await readHomeSecret(folders)).toBe(secrets.homeSecret)
  await keepRotatedSecret(folders, newHomeSecret())
  await forgetRotatedSecret(folder)
  expect(await readHomeSecret(folders)).toBe(secrets.homeSecret)
})
