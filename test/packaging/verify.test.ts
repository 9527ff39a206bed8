import { appendFile, copyFile, cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { sign } from '../../packaging/signature.ts'
import { writeSums } from '../../packaging/sums.ts'
import { runCommand } from '../../system/process/run-command.ts'
import { makeKey, verify } from './verifying.ts'

let folder: string
let release: string
let installed: string
let ours: Awaited<ReturnType<typeof makeKey>>
let strangers: Awaited<ReturnType<typeof makeKey>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-verify-'))
  ours = await makeKey(folder, 'ours')
  strangers = await makeKey(folder, 'strangers')
  const pristine = join(folder, 'pristine')
  for (const place of ['dist/chunks', 'systemd']) await mkdir(join(pristine, place), { recursive: true })
  await writeFile(join(pristine, 'dist/homeward.js'), 'console.log("homeward")\n')
  await writeFile(join(pristine, 'dist/chunks/agent-ABCD.js'), 'export {}\n')
  await writeFile(join(pristine, 'systemd/homeward.service'), '[Service]\n')
  await writeFile(join(pristine, 'install.sh'), '#!/usr/bin/env bash\n')
  await writeFile(join(pristine, 'allowed_signers'), `# Who may sign\n${ours.line}`)
  await writeSums(pristine)
  await sign(pristine, ours.path, join(pristine, 'allowed_signers'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))
beforeEach(async () => {
  release = join(folder, 'release')
  installed = join(folder, 'installed')
  for (const place of [release, installed]) await rm(place, { recursive: true, force: true })
  await cp(join(folder, 'pristine'), release, { recursive: true })
  await mkdir(installed)
})

const refused = async (why: string): Promise<void> => {
  const { stderr, exitCode } = await verify(release, installed)
  expect(stderr).toContain(`install.sh: ${why}`)
  expect(stderr).toContain('Nothing was changed')
  expect(exitCode).toBe(1)
}

test('a release that its key signed is taken without a word', async () => {
  expect(await verify(release, installed)).toEqual({ stdout: '', stderr: '', exitCode: 0 })
})

test.each(['dist/homeward.js', 'dist/chunks/agent-ABCD.js', 'systemd/homeward.service', 'install.sh'])(
  'one byte more in %s is named',
  async (file) => {
    await appendFile(join(release, file), ' ')
    await refused(`this release is not whole: ${file} is not as it was made`)
  },
)

test('a file that is missing is named', async () => {
  await rm(join(release, 'dist/chunks/agent-ABCD.js'))
  await refused('this release is not whole: dist/chunks/agent-ABCD.js is not as it was made')
})

test('a file that is not in the sums is named, since Node may load it', async () => {
  await mkdir(join(release, 'dist/node_modules/cpu-features'), { recursive: true })
  await writeFile(join(release, 'dist/node_modules/cpu-features/index.js'), '')
  await refused('this folder has more than the release: dist/node_modules/cpu-features/index.js')
})

test('a link is none of the files, whatever it leads to', async () => {
  await copyFile(join(release, 'dist/homeward.js'), join(folder, 'elsewhere.js'))
  await rm(join(release, 'dist/homeward.js'))
  await symlink(join(folder, 'elsewhere.js'), join(release, 'dist/homeward.js'))
  await refused('this folder has more than the release: dist/homeward.js')
})

test('without its sums it is no release', async () => {
  await rm(join(release, 'SHA256SUMS'))
  await refused('this release is not whole: SHA256SUMS is missing')
})

test('sums that say nothing are not taken for a whole release', async () => {
  await writeFile(join(release, 'allowed_signers'), '# none\n')
  await rm(join(release, 'SHA256SUMS.sig'))
  await writeFile(join(release, 'SHA256SUMS'), '')
  await refused('this release is not whole: SHA256SUMS is not as it was made')
})

test('without its signature it is refused where there is a key', async () => {
  await rm(join(release, 'SHA256SUMS.sig'))
  await refused('this release is not signed: SHA256SUMS.sig is missing')
})

test('files that were changed together with their sums are refused', async () => {
  await appendFile(join(release, 'dist/homeward.js'), ' ')
  await writeSums(release)
  await refused('this release is not signed by a key in ')
})

test('a signature with one other character is refused', async () => {
  const path = join(release, 'SHA256SUMS.sig')
  await runCommand('sed', ['-i', '3s/A/B/;3t;3s/./A/', path])
  await refused('this release is not signed by a key in ')
})

test('what the key signed for another purpose is refused', async () => {
  await rm(join(release, 'SHA256SUMS.sig'))
  await runCommand('ssh-keygen', ['-Y', 'sign', '-f', ours.path, '-n', 'git', join(release, 'SHA256SUMS')])
  await refused('this release is not signed by a key in ')
})

test('a stranger’s release, with the stranger’s key in it, is refused where a version with a key is installed', async () => {
  await writeFile(join(release, 'allowed_signers'), strangers.line)
  await writeSums(release)
  await sign(release, strangers.path, join(release, 'allowed_signers'))
  expect((await verify(release, installed)).exitCode).toBe(0)
  await writeFile(join(installed, 'allowed_signers'), ours.line)
  await refused(`this release is not signed by a key in ${installed}/allowed_signers`)
})

test('so is one that nobody signed', async () => {
  await writeFile(join(release, 'allowed_signers'), '# none yet\n')
  await writeSums(release)
  await rm(join(release, 'SHA256SUMS.sig'))
  await writeFile(join(installed, 'allowed_signers'), ours.line)
  await refused('this release is not signed: SHA256SUMS.sig is missing')
})

test('as long as homeward has no key, its releases say so and are held to their sums', async () => {
  await writeFile(join(release, 'allowed_signers'), '# none yet\n')
  await writeSums(release)
  await rm(join(release, 'SHA256SUMS.sig'))
  const { stdout, exitCode } = await verify(release, installed)
  expect(stdout).toContain('this release is not signed, since homeward has no release key yet')
  expect(exitCode).toBe(0)
  await appendFile(join(release, 'dist/homeward.js'), ' ')
  await refused('this release is not whole: dist/homeward.js')
})

test('where ssh-keygen is missing, its package is named', async () => {
  const bin = join(folder, 'bin')
  await mkdir(bin)
  for (const tool of ['grep', 'cat']) await symlink(`/usr/bin/${tool}`, join(bin, tool))
  const { stderr, exitCode } = await verify(release, installed, bin)
  expect(stderr).toContain(
    'install.sh: ssh-keygen, which shows who made this release, is missing. Nothing was changed.',
  )
  expect(stderr).toContain('apt-get install openssh-client')
  expect(exitCode).toBe(1)
})

test('a checkout is not looked at: it is what its owner makes of it', async () => {
  await mkdir(join(release, 'cli'))
  await rm(join(release, 'SHA256SUMS'))
  expect((await verify(release, installed)).exitCode).toBe(0)
})

test('a key that nobody could verify with signs nothing', async () => {
  await expect(sign(release, strangers.path, join(release, 'allowed_signers'))).rejects.toThrow(
    'is none of those in allowed_signers',
  )
})
