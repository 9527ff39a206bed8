import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeRelease } from '../../packaging/release.ts'
import { runCommand, tryCommand } from '../../system/process/run-command.ts'
import { makeKey, verify } from './verifying.ts'

const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url))
const MINUTES = 600_000
const TIME = '2026-01-02T03:04:05Z'

let folder: string
let key: string
/** The working tree of this checkout as the one commit of a repository, and a clone of it. */
let places: readonly [string, string]
/** The release that was made in each of them, and what the first one's tarball holds. */
let releases: readonly [string, string]
let unpacked: string

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
  const make = `npm run --silent package -- --key '${key}'`
  const elsewhere = `umask 077; export TZ=Pacific/Chatham LANG=tr_TR.UTF-8 HOME='${folder}/nobody' GZIP=-1 TAR_OPTIONS=--mtime=@0`
  await Promise.all([shell(places[0], `umask 022; ${make}`), shell(places[1], `${elsewhere}; ${make}`)])
  await shell(folder, 'tar -xf a/release/homeward-0.0.7.tar.gz')
  unpacked = join(folder, 'homeward-0.0.7')
}, MINUTES)
afterAll(() => rm(folder, { recursive: true, force: true }))

/** All that a build reads, as it is now, with a key and a version of the test's own. */
async function plant(place: string, signer: string): Promise<void> {
  await mkdir(place)
  await shell(
    CHECKOUT,
    `git -c safe.directory='*' ls-files -z --cached --others --exclude-standard -- . ':!test' test/lab |
tar --create --ignore-failed-read --null --files-from=- | tar --extract --directory='${place}'`,
  )
  await writeFile(join(place, 'allowed_signers'), signer)
  const about = JSON.parse(await readFile(join(place, 'package.json'), 'utf8'))
  await writeFile(join(place, 'package.json'), `${JSON.stringify({ ...about, version: '0.0.7' }, null, 2)}\n`)
  await shell(
    place,
    `export GIT_AUTHOR_DATE=${TIME} GIT_COMMITTER_DATE=${TIME} GIT_CONFIG_GLOBAL=/dev/null
git init --quiet && git add --all
git -c user.name=A -c user.email=a@example.org commit --quiet --message=all
git tag v0.0.7`,
  )
}

const shell = (place: string, script: string) =>
  runCommand('sh', ['-ec', `cd "$1"; ${script}`, 'sh', place], { timeoutMs: MINUTES })

test('two of one commit are the same, byte for byte, from whatever folder, time zone, umask and locale', async () => {
  const [a = [], b = []] = await Promise.all(releases.map((release) => readdir(release)))
  expect(a.sort()).toEqual(['SHA256SUMS', 'SHA256SUMS.sig', 'homeward-0.0.7.cdx.json', 'homeward-0.0.7.tar.gz'])
  expect(b.sort()).toEqual(a)
  for (const name of a)
    await runCommand(
      'cmp',
      releases.map((release) => join(release, name)),
    )
})

test('what is unpacked is whole and signed, and install.sh takes it without a word', async () => {
  expect(await verify(unpacked)).toEqual({ stdout: '', stderr: '', exitCode: 0 })
})

test('the program says its version, and runs beside nothing that it was made with', async () => {
  const { stdout } = await runCommand(process.execPath, [join(unpacked, 'dist/homeward.js'), '--version'])
  expect(stdout).toBe('0.0.7\n')
})

test('everything in it has the commit’s time, root as its owner, and the modes that are needed', async () => {
  const { stdout } = await runCommand('tar', [
    '--list',
    '--verbose',
    '--numeric-owner',
    '--utc',
    '--full-time',
    `--file=${join(releases[1], 'homeward-0.0.7.tar.gz')}`,
  ])
  const lines = stdout.trim().split('\n')
  expect(lines.filter((line) => !/^[d-]\S+ 0\/0 +\d+ 2026-01-02 03:04:05 /.test(line))).toEqual([])
  const executable = lines.filter((line) => line.startsWith('-rwx')).map((line) => line.split('homeward-0.0.7/')[1])
  expect(executable).toEqual(['dist/homeward.js', 'install.sh'])
  expect(lines.filter((line) => !/^(?:drwxr-xr-x|-rwxr-xr-x|-rw-r--r--) /.test(line))).toEqual([])
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
  await expect(makeRelease(place, key)).rejects.toThrow('there are changes that are in no commit')
  // The one before is still there, whole.
  await shell(join(place, 'release'), 'sha256sum --check --quiet SHA256SUMS')
})
