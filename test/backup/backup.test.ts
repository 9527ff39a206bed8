import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { pack } from 'tar-stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Described, makeBackup, openBackup } from '../../backup/backup.ts'
import { packFiles, unpackFiles } from '../../backup/archive.ts'
import { gatherFiles } from '../../backup/gather.ts'
import { seal } from '../../backup/sealed.ts'
import { layAside, writeBackup } from '../../backup/put-back.ts'
import { runCommand } from '../../system/process/run-command.ts'

const PASSPHRASE = 'correct horse battery staple'
const NOW = new Date('2026-12-01T04:00:00Z')
const about = { version: '0.1.0', now: NOW }
const described: Described = {
  role: 'hub',
  name: 'vps.example.org:51820',
  hub: { addresses: ['vps.example.org'], port: 51820 },
  homes: ['cabin'],
  devices: ['phone'],
}

let folder: string
let own: { readonly configDir: string; readonly stateDir: string }
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-backup-'))
  own = await madeFolders('own')
})
afterEach(() => rm(folder, { recursive: true, force: true }))

async function madeFolders(name: string) {
  const made = { configDir: join(folder, name, 'etc'), stateDir: join(folder, name, 'var') }
  for (const place of Object.values(made)) await mkdir(place, { recursive: true })
  return made
}

const put = async (place: string, text: string): Promise<void> => {
  await mkdir(join(place, '..'), { recursive: true })
  await writeFile(place, text)
}
const pathsIn = async (sealed: Uint8Array) =>
  (await openBackup(sealed, PASSPHRASE, 'FILE')).files.map(({ path }) => path).toSorted()

test('all of a machine’s files come back as they were, whatever is in them and however deep', async () => {
  const name = fc.stringMatching(/^[a-z][\w-]{0,11}(?:\.(?:json|key))?$/)
  const files = fc.dictionary(
    fc.tuple(fc.constantFrom('configDir', 'stateDir'), name, fc.option(name)).map((all) => JSON.stringify(all)),
    fc.uint8Array({ maxLength: 2_000 }),
    { maxKeys: 12 },
  )
  await fc.assert(
    fc.asyncProperty(files, async (wanted) => {
      const from = await madeFolders('from')
      const to = await madeFolders('to')
      const written = new Map<string, Uint8Array>()
      for (const [key, bytes] of Object.entries(wanted)) {
        const [which, first, second] = JSON.parse(key) as ['configDir' | 'stateDir', string, string | null]
        const path = second === null ? first : join('of-a-tunnel', first, second)
        await mkdir(join(from[which], path, '..'), { recursive: true })
        await writeFile(join(from[which], path), bytes)
        written.set(`${which} ${path}`, bytes)
      }
      const files = await unpackFiles(await packFiles(await gatherFiles(from), NOW))
      await writeBackup(
        { manifest: { ...described, format: 1, madeBy: '0.1.0', madeAt: NOW.toISOString() }, files },
        to,
      )
      for (const [key, bytes] of written) {
        const [which, path] = key.split(' ') as ['configDir' | 'stateDir', string]
        expect(Buffer.from(await readFile(join(to[which], path)))).toEqual(Buffer.from(bytes))
      }
      await rm(from.configDir, { recursive: true })
      await rm(join(folder, 'from'), { recursive: true })
      await rm(join(folder, 'to'), { recursive: true })
    }),
  )
})

test('what this line taught, links, and what is under way stay behind', async () => {
  await put(join(own.configDir, 'hub.yaml'), 'addresses: []')
  await put(join(own.configDir, 'joining-again/private.key'), 'x')
  await put(join(own.configDir, '.hub.yaml.0123456789ab'), 'x')
  await put(join(own.configDir, 'before-restore-2026/hub.key'), 'x')
  await put(join(own.stateDir, 'store.json'), '{}')
  await put(join(own.stateDir, 'store.1.json'), '{}')
  await put(join(own.stateDir, 'hub-addresses.json'), '{}')
  await put(join(own.stateDir, 'hw1/line.json'), '{}')
  await put(join(own.stateDir, 'hw1/key.json'), '{}')
  await symlink('/etc/shadow', join(own.stateDir, 'link.json'))
  const files = await gatherFiles(own)
  expect(files.map(({ path }) => path).toSorted()).toEqual([
    'config/hub.yaml',
    'state/hw1/key.json',
    'state/store.json',
  ])
})

describe('a backup', () => {
  let sealed: Uint8Array
  let made: Promise<{ readonly sealed: Uint8Array }> | undefined
  beforeEach(async () => {
    await put(join(own.configDir, 'hub.yaml'), 'addresses: []')
    // One for all: each takes a second of scrypt.
    made ??= makeBackup(own, described, PASSPHRASE, about)
    ;({ sealed } = await made)
  })
  const codeOf = async (bytes: Uint8Array, passphrase = PASSPHRASE) =>
    await openBackup(bytes, passphrase, 'FILE').then(
      () => 'opened',
      (thrown: { readonly code: string }) => thrown.code,
    )

  test('says what it is of, and holds nothing readable', async () => {
    const { manifest } = await openBackup(sealed, PASSPHRASE, 'FILE')
    expect(manifest).toMatchObject({ ...described, madeBy: '0.1.0', madeAt: NOW.toISOString(), format: 1 })
    expect(Buffer.from(sealed).includes('cabin')).toBe(false)
  })

  test('is opened by its passphrase alone', async () => {
    expect(await codeOf(sealed)).toBe('opened')
    expect(await codeOf(sealed, `${PASSPHRASE} `)).toBe('passphrase-wrong')
  })

  test('that is cut off or altered anywhere is refused', async () => {
    for (const length of [0, 100, sealed.length - 20])
      expect([length, await codeOf(sealed.subarray(0, length))]).not.toContain('opened')
    for (const at of [60, sealed.length - 10]) {
      const altered = Uint8Array.from(sealed)
      altered[at] = (altered[at] ?? 0) ^ 1
      expect([at, await codeOf(altered)]).not.toContain('opened')
    }
    expect(await codeOf(Buffer.from('some text'))).toBe('backup-invalid')
  })

  test('of a newer form, or of somebody else’s archive, is refused in words', async () => {
    const archived = async (...entries: readonly (readonly [string, string])[]) => {
      const tar = pack()
      for (const [name, text] of entries) tar.entry({ name }, text)
      tar.finalize()
      return await seal(gzipSync(await buffer(tar)), PASSPHRASE)
    }
    const manifest = (more: object) =>
      JSON.stringify({ ...described, format: 1, madeBy: '0.1.0', madeAt: NOW.toISOString(), ...more })
    const first = ['homeward-backup.json', manifest({})] as const
    expect(await codeOf(await archived(first, ['config/hub.yaml', 'x']))).toBe('opened')
    expect(await codeOf(await archived(['homeward-backup.json', manifest({ format: 2, role: 'moon' })]))).toBe(
      'backup-newer',
    )
    expect(await codeOf(await archived(['config/hub.yaml', 'x']))).toBe('backup-invalid')
  })

  test('is unpacked only where all of it stays in its folders', async () => {
    const unpacked = async (name: string, text: string | Buffer, type: 'file' | 'symlink' = 'file') => {
      const tar = pack()
      if (type === 'file') tar.entry({ name }, text)
      else tar.entry({ name, type, linkname: String(text) })
      tar.finalize()
      return await unpackFiles(gzipSync(await buffer(tar))).then(
        () => 'unpacked',
        () => 'refused',
      )
    }
    expect(await unpacked('config/hub.yaml', 'x')).toBe('unpacked')
    for (const name of ['../etc/passwd', '/etc/passwd', 'config/../../x', 'config/a b', 'config/', 'config//x'])
      expect([name, await unpacked(name, 'x')]).toEqual([name, 'refused'])
    expect(await unpacked('config/x', '/etc/shadow', 'symlink')).toBe('refused')
    // A megabyte that unpacks to far more than homeward writes.
    expect(await unpacked('config/x', Buffer.alloc(130 * 1024 * 1024))).toBe('refused')
  })

  test('is opened by age too, and what age has made is opened here', async () => {
    const file = join(folder, 'backup.age')
    await writeFile(file, sealed)
    // age asks at a terminal alone: script(1) gives it one.
    const asking = (command: string) =>
      runCommand('script', ['-qec', command, '/dev/null'], {
        input: `${PASSPHRASE}\n${PASSPHRASE}\n`,
        timeoutMs: 60_000,
      })
    await asking(`age --decrypt --output ${folder}/plain.tar.gz ${file}`)
    const { stdout } = await runCommand('tar', ['tzf', join(folder, 'plain.tar.gz')])
    expect(stdout.trim().split('\n')).toEqual(['homeward-backup.json', 'config/hub.yaml'])
    await asking(`age --passphrase --output ${folder}/theirs.age ${folder}/plain.tar.gz`)
    expect(await pathsIn(await readFile(join(folder, 'theirs.age')))).toEqual(['config/hub.yaml'])
  })
})

test('what was there before is laid aside whole, and again beside that', async () => {
  await put(join(own.configDir, 'agent.yaml'), 'old')
  await put(join(own.stateDir, 'hw1/key.json'), 'old')
  const aside = await layAside(own, NOW)
  expect(aside).toHaveLength(2)
  expect(await readFile(join(aside[0] ?? '', 'agent.yaml'), 'utf8')).toBe('old')
  expect(await readFile(join(aside[1] ?? '', 'hw1/key.json'), 'utf8')).toBe('old')
  await put(join(own.configDir, 'agent.yaml'), 'newer')
  const again = await layAside(own, new Date(NOW.getTime() + 1_000))
  expect(again).toHaveLength(1)
  expect(await readFile(join(aside[0] ?? '', 'agent.yaml'), 'utf8')).toBe('old')
})
