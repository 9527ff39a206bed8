import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { homeSecretPath } from '../../../agent/secrets/home-secret.ts'
import {
  draftSecrets,
  keepSecrets,
  privateKeyPath,
  readBearer,
  readEchoKey,
  removeSecrets,
} from '../../../agent/secrets/secrets.ts'
import { keepRouterPassword, routerPasswordPath } from '../../../agent/secrets/router-password.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import { echoKey } from '../../../protocol/datagrams/echo.ts'
import { readSecretFile } from '../../../system/files/secret-file.ts'
import { isKeyText } from '../../../wireguard/keys.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-secrets-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('a home’s secrets', () => {
  test('are drafted without being written', async () => {
    const secrets = await draftSecrets(folder)
    expect(isKeyText(secrets.privateKey)).toBe(true)
    expect(secrets).toMatchObject({ fresh: true, homeSecret: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) })
    await expect(stat(privateKeyPath(folder))).rejects.toThrow('ENOENT')
  })

  test('that a join left are taken again', async () => {
    const secrets = await draftSecrets(folder)
    await keepSecrets(folder, secrets)
    expect(await draftSecrets(folder)).toEqual({ ...secrets, fresh: false })
    expect(await readBearer({ configDir: folder, stateDir: null }, 'cabin')).toBe(`cabin.${secrets.homeSecret}`)
  })

  test('make the echo key that the hub makes of its hash', async () => {
    const secrets = await draftSecrets(folder)
    await keepSecrets(folder, secrets)
    expect(await readEchoKey({ configDir: folder, stateDir: null })).toEqual(echoKey(hashOf(secrets.homeSecret)))
  })

  test('hold no private key where a router makes it, and the one that lay there goes', async () => {
    const before = await draftSecrets(folder)
    await keepSecrets(folder, before)
    const secrets = await draftSecrets(folder, 'router')
    expect(secrets).toMatchObject({ homeSecret: before.homeSecret, fresh: false })
    expect(secrets.privateKey).not.toBe(before.privateKey)
    await keepSecrets(folder, secrets, 'router')
    expect(await readdir(folder)).toEqual(['home.secret'])
    expect((await draftSecrets(folder, 'router')).homeSecret).toBe(before.homeSecret)
  })

  test('hold the router’s password, as long as there is the home', async () => {
    const given = join(folder, 'given')
    await writeFile(given, 'hunter2\n', { mode: 0o600 })
    await keepRouterPassword(folder, given)
    expect((await stat(routerPasswordPath(folder))).mode & 0o777).toBe(0o600)
    expect(await readSecretFile(routerPasswordPath(folder))).toBe('hunter2')
    await removeSecrets(folder)
    expect(await readdir(folder)).toEqual(['given'])
    await chmod(given, 0o644)
    await expect(keepRouterPassword(folder, given)).rejects.toMatchObject({ code: 'secret-exposed' })
  })

  test('are for their owner only', async () => {
    await keepSecrets(folder, await draftSecrets(folder))
    for (const path of [privateKeyPath(folder), homeSecretPath(folder)])
      expect((await stat(path)).mode & 0o777, path).toBe(0o600)
  })

  test('that others could read are refused', async () => {
    await keepSecrets(folder, await draftSecrets(folder))
    await chmod(homeSecretPath(folder), 0o644)
    await expect(readBearer({ configDir: folder, stateDir: null }, 'cabin')).rejects.toMatchObject({
      code: 'secret-exposed',
    })
  })

  test('a file that holds no key is no secret', async () => {
    await keepSecrets(folder, await draftSecrets(folder))
    await writeFile(privateKeyPath(folder), 'torn')
    expect((await draftSecrets(folder)).fresh).toBe(true)
  })

  test('go when the home leaves, and going twice is no fault', async () => {
    await keepSecrets(folder, await draftSecrets(folder))
    await removeSecrets(folder)
    await removeSecrets(folder)
    await expect(stat(homeSecretPath(folder))).rejects.toThrow('ENOENT')
  })
})
