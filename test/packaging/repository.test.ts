import { appendFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { makeDeb } from '../../packaging/deb/deb.ts'
import { makeRepository } from '../../packaging/deb/repository.ts'
import { type CommandResult, runCommand, tryCommand } from '../../system/process/run-command.ts'
import { smallRelease } from './small-release.ts'

const COMMITTED_AT = 1_767_323_045
const OURS = 'homeward archive'
const STRANGERS = 'somebody else'

let folder: string
let pristine: string
let gnupgHome: string | undefined
let root: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-apt-'))
  // apt reads as its own user.
  await runCommand('chmod', ['755', folder])
  gnupgHome = process.env['GNUPGHOME']
  process.env['GNUPGHOME'] = join(folder, 'gnupg')
  await mkdir(join(folder, 'gnupg'), { mode: 0o700 })
  for (const name of [OURS, STRANGERS])
    await runCommand('gpg', ['--batch', '--passphrase', '', '--quick-generate-key', name, 'ed25519', 'sign', 'never'])
  pristine = join(folder, 'release')
  for (const architecture of ['amd64', 'arm64'] as const) {
    const facts = { version: '1.2.3', architecture, committedAt: COMMITTED_AT }
    await makeDeb(process.cwd(), await smallRelease(folder), pristine, facts, 'none')
  }
  await makeRepository(pristine, OURS, COMMITTED_AT)
})
afterAll(async () => {
  await tryCommand('gpgconf', ['--kill', 'all'])
  if (gnupgHome === undefined) delete process.env['GNUPGHOME']
  else process.env['GNUPGHOME'] = gnupgHome
  await rm(folder, { recursive: true, force: true })
})

/** An apt that knows this one repository, and has nothing installed. */
beforeEach(async () => {
  root = await mkdtemp(join(folder, 'root-'))
  await runCommand('chmod', ['755', root])
  await cp(join(pristine, 'apt'), join(root, 'apt'), { recursive: true })
  for (const place of ['etc/apt/apt.conf.d', 'etc/apt/preferences.d', 'lists/partial', 'cache/archives/partial'])
    await mkdir(join(root, place), { recursive: true })
  await writeFile(join(root, 'status'), '')
  await trust(join(root, 'apt/homeward.asc'))
})

const trust = (key: string): Promise<void> =>
  writeFile(join(root, 'sources.list'), `deb [arch=amd64,arm64 signed-by=${key}] file:${root}/apt stable main\n`)

function apt(...words: readonly string[]): Promise<CommandResult> {
  const settings = {
    'Dir::Etc': join(root, 'etc/apt'),
    'Dir::Etc::SourceList': join(root, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(root, 'lists'),
    'Dir::State::Status': join(root, 'status'),
    'Dir::Cache': join(root, 'cache'),
    'APT::Sandbox::User': 'root',
    'APT::Architecture': 'amd64',
    'APT::Architectures::': 'arm64',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  return tryCommand('env', ['-C', root, 'apt-get', ...options, ...words], { timeoutMs: 50_000 })
}

test('apt-get takes it by its key, for both architectures, and gets the packages as they were made', async () => {
  expect(await apt('update', '--error-on=any')).toMatchObject({ stderr: '', exitCode: 0 })
  for (const architecture of ['amd64', 'arm64']) {
    const { stderr, exitCode } = await apt('download', `homeward:${architecture}`)
    expect(exitCode, stderr).toBe(0)
    const name = `homeward_1.2.3_${architecture}.deb`
    await runCommand('cmp', [join(root, name), join(pristine, name)])
  }
})

test('it says whose it is, and the time of the commit', async () => {
  const release = await readFile(join(pristine, 'apt/dists/stable/Release'), 'utf8')
  expect(release).toMatch(/^Origin: homeward\n/m)
  expect(release).toMatch(/^Architectures: amd64 arm64\n/m)
  expect(release).toMatch(/^Date: Fri, 02 Jan 2026 03:04:05 [+]0000\n/m)
})

test('with another key than ours apt-get refuses it', async () => {
  const key = join(root, 'stranger.asc')
  await runCommand('gpg', ['--batch', '--armor', '--output', key, '--export', STRANGERS])
  await trust(key)
  const { stderr, exitCode } = await apt('update', '--error-on=any')
  expect(exitCode).toBe(100)
  expect(stderr).toContain('NO_PUBKEY')
})

test('an index that was changed afterwards is refused, and a package too', async () => {
  await apt('update')
  await appendFile(join(root, 'apt/pool/main/h/homeward/homeward_1.2.3_amd64.deb'), 'x')
  expect((await apt('download', 'homeward')).exitCode).toBe(100)
  await rm(join(root, 'lists'), { recursive: true })
  await mkdir(join(root, 'lists/partial'), { recursive: true })
  const index = join(root, 'apt/dists/stable/main/binary-amd64')
  await writeFile(join(index, 'Packages'), (await readFile(join(index, 'Packages'), 'utf8')).replace('1.2.3', '9.9.9'))
  await rm(join(index, 'Packages.gz'))
  expect((await apt('update', '--error-on=any')).exitCode).toBe(100)
})

test('without a package there is no repository', async () => {
  await expect(makeRepository(root, OURS, COMMITTED_AT)).rejects.toThrow('has nothing to offer')
})
