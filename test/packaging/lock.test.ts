import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tryCommand } from '../../system/process/run-command.ts'

interface Entry {
  integrity?: string
  resolved?: string
}
type Entries = Record<string, Entry>

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'homeward-lock-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))

/** What is said of this checkout's lock when it was changed. */
async function complaints(change: (packages: Entries) => void): Promise<string> {
  const lock = JSON.parse(await readFile('package-lock.json', 'utf8')) as { readonly packages: Entries }
  change(lock.packages)
  const path = join(folder, 'package-lock.json')
  await writeFile(path, JSON.stringify(lock))
  const { stderr, exitCode } = await tryCommand(process.execPath, ['.ci/complete-lock.mjs', '--check', path], {
    timeoutMs: 50_000,
  })
  expect(exitCode).toBe(stderr === '' ? 0 : 1)
  return stderr
}
const SSH2 = 'node_modules/ssh2'

test('every package of the lock has its integrity, and no registry of one machine', async () => {
  expect(await complaints(() => undefined)).toBe('')
})

test('a package without integrity, or with a weak one, is named', async () => {
  expect(await complaints((packages) => void delete packages[SSH2]?.integrity)).toContain(
    `${SSH2} 1.17.0 has no sha512`,
  )
  const weak = await complaints((packages) => Object.assign(packages[SSH2] ?? {}, { integrity: 'sha1-AAAA' }))
  expect(weak).toContain(`${SSH2} 1.17.0 has no sha512`)
})

test('where a package was fetched is named', async () => {
  const resolved = 'https://registry.example.org/ssh2/-/ssh2-1.17.0.tgz'
  const said = await complaints((packages) => Object.assign(packages[SSH2] ?? {}, { resolved }))
  expect(said).toContain(`${SSH2} names where it was fetched: ${resolved}`)
})

test('a package of another platform that has no entry is named', async () => {
  const said = await complaints((packages) => void delete packages['node_modules/@esbuild/sunos-x64'])
  expect(said).toContain('@esbuild/sunos-x64, an optional dependency of node_modules/esbuild, has no entry')
})
