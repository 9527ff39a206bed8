import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chown, link, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { writeFileAtomic } from '../../system/files/atomic-file.ts'
import { handOver } from '../../system/files/hand-over.ts'
import { openJsonLines } from '../../system/files/json-lines.ts'
import { serveLocal } from '../../system/sockets/local-socket.ts'
import { runCommand } from '../../system/process/run-command.ts'
import { isLong } from '../long.ts'

/**
 * The folders of settings, state and sockets belong to the service's user, and root's commands write there. Whatever that
 * user puts in their way, no other file of this machine becomes his, or gets another mode or another content.
 */
const USER = 64_321
let base: string
/** The user's. */
let folder: string
/** Root's. */
let victim: string
beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), 'homeward-links-'))
  await runCommand('chmod', ['711', base])
  folder = join(base, 'state')
  await mkdir(folder, { mode: 0o700 })
  await chown(folder, USER, USER)
  await mkdir(join(base, 'root'))
  victim = join(base, 'root', 'shadow')
  await writeFile(victim, 'root:secret\n', { mode: 0o600 })
})
afterEach(async () => {
  expect(await readFile(victim, 'utf8')).toBe('root:secret\n')
  const { uid, gid, mode } = await stat(victim)
  expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 0, gid: 0, mode: 0o600 })
  expect(await readdir(join(base, 'root'))).toEqual(['shadow'])
  await rm(base, { recursive: true })
})

const ownerOf = async (name: string): Promise<number> => (await stat(join(folder, name))).uid

/** Puts a link to the victim in the place of whatever comes, as fast as it can, until it is ended. */
const SWAPPER = `
const { readdirSync, renameSync, symlinkSync, unlinkSync } = require('node:fs')
const [folder, victim] = process.argv.slice(1)
process.chdir(folder)
process.send('begun')
let count = 0
for (;;)
  for (const name of readdirSync('.'))
    try {
      if (name.startsWith('mine.')) { unlinkSync(name); continue }
      symlinkSync(victim, 'mine.' + count)
      renameSync('mine.' + count++, name)
    } catch {}
`

async function withSwapper(act: () => Promise<unknown>): Promise<void> {
  const swapper: ChildProcess = spawn(process.execPath, ['-e', SWAPPER, folder, victim], {
    uid: USER,
    gid: USER,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await once(swapper, 'message')
  try {
    await act()
  } finally {
    swapper.kill('SIGKILL')
    await once(swapper, 'exit')
  }
}

/** Enough for the swap to come at every moment. */
const ROUNDS = isLong ? 300 : 30

describe('while links are swapped in', () => {
  test('a file that is written', () =>
    withSwapper(async () => {
      for (let round = 0; round < ROUNDS; round += 1)
        await writeFileAtomic(join(folder, 'store.json'), 'x').catch(() => undefined)
    }))

  test('lines that are appended, and their file put aside', () =>
    withSwapper(async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const file = openJsonLines(join(folder, 'events.jsonl'), 20, () => '{"first":true}')
        await file.append('{"line":true}')
      }
    }))

  test('a socket that is listened at', () =>
    withSwapper(async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        const server = await serveLocal(join(folder, 'agent.sock'), 0o666, async () => null).catch(() => null)
        await server?.close()
      }
    }))

  test('everything that is handed over', () =>
    withSwapper(async () => {
      for (let round = 0; round < ROUNDS; round += 1) {
        await writeFile(join(folder, 'alerts.yaml'), 'x', { flag: 'wx' }).catch(() => undefined)
        await handOver(folder)
      }
    }))
})

describe('put there before', () => {
  const append = (): Promise<string | null> =>
    openJsonLines(join(folder, 'events.jsonl'), 1_000).append('{"line":true}')

  test('a link to a file of root’s, in the place of lines', async () => {
    await symlink(victim, join(folder, 'events.jsonl'))
    expect(await append()).toMatch(/ELOOP/)
  })

  test('a link to a file that is not there, where root may make one', async () => {
    await symlink(join(base, 'root', 'new'), join(folder, 'events.jsonl'))
    expect(await append()).toMatch(/ELOOP/)
  })

  test('another name of a file of root’s', async () => {
    await link(victim, join(folder, 'events.jsonl'))
    expect(await append()).toMatch(/something else/)
  })

  test('a pipe that nobody reads: nobody waits for him', async () => {
    await runCommand('mkfifo', [join(folder, 'events.jsonl')])
    expect(await append()).not.toBeNull()
  })

  test('a link in the place of a file that is replaced: the link goes', async () => {
    await symlink(victim, join(folder, 'store.json'))
    await writeFileAtomic(join(folder, 'store.json'), 'new')
    expect(await readFile(join(folder, 'store.json'), 'utf8')).toBe('new')
  })

  test('links of both kinds, and a folder behind one, where everything is handed over', async () => {
    await symlink(victim, join(folder, 'a'))
    await link(victim, join(folder, 'b'))
    await symlink(join(base, 'root'), join(folder, 'c'))
    await mkdir(join(folder, 'd'))
    await writeFile(join(folder, 'd', 'e'), 'x')
    expect([...(await handOver(folder))].sort()).toEqual(['a', 'b', 'c'].map((name) => join(folder, name)))
    expect(await Promise.all(['d', 'd/e'].map(ownerOf))).toEqual([USER, USER])
    expect((await stat(join(base, 'root'))).uid).toBe(0)
  })
})

test('undisturbed, what root makes there is the user’s, the socket too', async () => {
  await writeFileAtomic(join(folder, 'store.json'), 'x')
  await openJsonLines(join(folder, 'events.jsonl'), 1_000).append('{"line":true}')
  const server = await serveLocal(join(folder, 'agent.sock'), 0o666, async () => null)
  expect(await Promise.all(['store.json', 'events.jsonl', 'agent.sock'].map(ownerOf))).toEqual([USER, USER, USER])
  expect((await stat(join(folder, 'agent.sock'))).mode & 0o777).toBe(0o666)
  await server.close()
})
