import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newKeyPair } from '../../../adapters/openwrt/ssh/key-pair.ts'
import { type InstalledKey, installedKeys, writeInstalledKeys } from '../../../agent/secrets/installed-keys.ts'
import { routerKeyPath, routerOfLogin } from '../../../agent/secrets/router-login.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-installed-keys-'))
})
afterEach(() => rm(folder, { recursive: true }))

const ROUTER = {
  kind: 'openwrt',
  host: '192.168.1.1',
  port: 22,
  user: 'root',
  hostKey: { type: 'ssh-ed25519', sha256: 'A'.repeat(43) },
} as const

test('are read as they were written, those of an older homeward and damaged ones as keys of the router in agent.yaml', async () => {
  const keys: readonly InstalledKey[] = [
    { line: 'ssh-ed25519 AAAA homeward', router: null },
    { line: 'ssh-rsa BBBB homeward', router: ROUTER },
  ]
  await writeInstalledKeys(folder, keys)
  expect(await installedKeys(folder)).toEqual(keys)
  await writeFile(join(folder, 'router.key.pub'), 'ssh-ed25519 AAAA homeward\t{"kind":"openwrt","host":1\n', {
    mode: 0o600,
  })
  expect(await installedKeys(folder)).toEqual([{ line: 'ssh-ed25519 AAAA homeward', router: null }])
  await writeInstalledKeys(folder, [])
  expect(await readdir(folder)).toEqual([])
  expect(await installedKeys(folder)).toEqual([])
})

test('name the router of a join that was killed before agent.yaml did, and none by the owner’s own key', async () => {
  const pair = await newKeyPair('ed25519', 'homeward')
  await writeInstalledKeys(folder, [{ line: pair.public, router: ROUTER }])
  expect(await routerOfLogin(folder)).toBeNull()
  await writeFile(routerKeyPath(folder), pair.private, { mode: 0o600 })
  expect(await routerOfLogin(folder)).toEqual(ROUTER)
  const owners = await newKeyPair('ed25519', 'owner')
  await writeFile(routerKeyPath(folder), owners.private, { mode: 0o600 })
  expect(await routerOfLogin(folder)).toBeNull()
})
