import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { compareVersions } from './verifying.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-downgrade-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

/** The package.json of this checkout with another version. */
async function place(name: string, version: string): Promise<string> {
  const place = join(folder, name)
  await mkdir(place, { recursive: true })
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  await writeFile(join(place, 'package.json'), text.replace(/"version": "[^"]+"/, `"version": "${version}"`))
  return place
}

const OLDER = [
  ['0.1.0', '0.2.0'],
  ['0.9.0', '0.10.0'],
  ['1.2.3', '1.2.4'],
  ['1.0.0-rc.1', '1.0.0'],
  ['1.0.0-rc.2', '1.0.0-rc.10'],
  ['0.2.0+g0123456789ab', '0.2.1'],
] as const

test.each(OLDER)('%s does not take the place of %s, unless its owner says so', async (older, newer) => {
  const [release, installed] = [await place('release', older), await place('installed', newer)]
  const { stderr, exitCode } = await compareVersions(release, installed)
  expect(exitCode).toBe(1)
  expect(stderr).toContain(`install.sh: this is homeward ${older}, and ${newer} is installed: `)
  expect(stderr).toMatch(/Nothing was changed\. .*: \.\/install\.sh upgrade --downgrade\.\n$/)
  expect(await compareVersions(release, installed, '--downgrade')).toEqual({ stdout: '', stderr: '', exitCode: 0 })
})

test.each<readonly [string, string]>([
  ...OLDER.map(([older, newer]) => [newer, older] as const),
  ['0.2.0', '0.2.0'],
  ['0.2.0', '0.2.0+g0123456789ab'],
])('%s takes the place of %s without a word', async (fresh, present) => {
  const [release, installed] = [await place('release', fresh), await place('installed', present)]
  expect(await compareVersions(release, installed)).toEqual({ stdout: '', stderr: '', exitCode: 0 })
})

test('after an upgrade that was cut off the version before it counts, and where none is installed nothing does', async () => {
  const release = await place('release', '0.2.0')
  expect((await compareVersions(release, await place('installed', '0.1.0'))).exitCode).toBe(0)
  await place('installed.old', '0.3.0')
  const { stderr, exitCode } = await compareVersions(release, join(folder, 'installed'))
  expect(exitCode).toBe(1)
  expect(stderr).toContain('0.3.0 is installed')
  expect((await compareVersions(release, join(folder, 'nowhere'))).exitCode).toBe(0)
})
