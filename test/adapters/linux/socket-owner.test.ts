import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { socketOwner } from '../../../adapters/linux/socket-owner.ts'

let folder: string
let users: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-sockets-'))
  users = join(folder, 'passwd')
  await writeFile(users, 'root:x:0:0::/root:/bin/sh\nhomeward:x:977:976::/nonexistent:/usr/sbin/nologin\n')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const isRoot = process.geteuid?.() === 0

test.runIf(isRoot)('is the user whose group may make sockets there', async () => {
  await chown(folder, 0, 976)
  await chmod(folder, 0o775)
  expect(await socketOwner(folder, users)).toEqual({ uid: 977, gid: 976 })
})

test.runIf(isRoot)('is nobody where the group may not, is unknown, or is root’s', async () => {
  await chown(folder, 0, 976)
  await chmod(folder, 0o755)
  expect(await socketOwner(folder, users)).toBeNull()
  await chmod(folder, 0o775)
  await chown(folder, 0, 12_345)
  expect(await socketOwner(folder, users)).toBeNull()
  await chown(folder, 0, 0)
  expect(await socketOwner(folder, users)).toBeNull()
  expect(await socketOwner(join(folder, 'none'), users)).toBeNull()
})
