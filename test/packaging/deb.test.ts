import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changelogOf, debVersion } from '../../packaging/deb/control.ts'
import { functionOf, makeDeb } from '../../packaging/deb/deb.ts'
import { runCommand, tryCommand } from '../../system/process/run-command.ts'
import { smallRelease } from './small-release.ts'

const FACTS = { version: '1.2.0-rc.3+g0123456789ab', architecture: 'arm64', committedAt: 1_767_323_045 } as const
const CHECKOUT = process.cwd()

let folder: string
let deb: string
let unpacked: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-deb-'))
  const release = await smallRelease(folder)
  // Whoever has a narrow umask makes the same package.
  await chmod(join(release, 'dist/homeward.js'), 0o700)
  deb = join(folder, await makeDeb(CHECKOUT, release, folder, FACTS, 'none'))
  unpacked = join(folder, 'unpacked')
  await runCommand('dpkg-deb', ['--raw-extract', deb, unpacked])
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const read = (path: string): Promise<string> => readFile(join(unpacked, path), 'utf8')

test('everything is root’s, of the commit’s time, in folders of the system alone', async () => {
  const { stdout } = await runCommand('dpkg-deb', ['--contents', deb])
  const lines = stdout.trim().split('\n')
  expect(lines.filter((line) => !/^[d-]\S+ root\/root +\d+ 2026-01-02 03:04 \.\/(?:$|usr\/)/.test(line))).toEqual([])
  const programs = lines.filter((line) => line.startsWith('-rwx')).map((line) => line.split(' ./').at(-1))
  expect(programs).toEqual(['usr/bin/homeward', 'usr/lib/homeward/node/bin/node'])
  expect(lines.filter((line) => !/^(?:drwxr-xr-x|-rwxr-xr-x|-rw-r--r--) /.test(line))).toEqual([])
  expect(stdout).not.toContain('demo.js')
})

test('it depends on what install.sh would install', async () => {
  const control = await read('DEBIAN/control')
  const installer = await readFile('install.sh', 'utf8')
  const [, wanted = ''] = /require_node system\n +require_tools ([^]*?)\n +require_wireguard/.exec(installer) ?? []
  const packages = [...wanted.matchAll(/'\S+ ([\w-]+)'/g)].map(([, name = '']) => name)
  expect(packages.length).toBeGreaterThan(6)
  const depends = /^Depends: (.*)$/m.exec(control)?.[1]?.split(', ') ?? []
  // util-linux cannot be taken away (Essential).
  expect(packages.filter((name) => name !== 'util-linux' && !depends.includes(name))).toEqual([])
  expect(control).toContain('\nArchitecture: arm64\n')
  expect(control).not.toMatch(/debconf/)
})

test('the units call the packaged program, and hand over first what root has made', async () => {
  for (const [name, verb] of [
    ['homeward', 'run'],
    ['homeward-hub', 'hub run'],
  ]) {
    const unit = await read(`usr/lib/systemd/system/${name}.service`)
    expect(unit).toContain('ExecStartPre=-+/usr/bin/homeward hand-over\nExecStart=/usr/bin/perl ')
    expect(unit).toContain(`exec @ARGV' /usr/bin/homeward ${verb}\n`)
    expect(unit).not.toContain('/usr/local')
  }
  expect(await read('usr/bin/homeward')).toContain('program=/usr/lib/homeward\n')
})

test('removing takes interface and rules away as uninstalling does, and shellcheck has nothing to say', async () => {
  const installer = await readFile('install.sh', 'utf8')
  const undo = functionOf(installer, 'undo_network')
  expect(await read('DEBIAN/prerm')).toContain(`${undo}\n\n${functionOf(installer, 'tunnel_is_on_router')}\n`)
  expect(undo).toContain('ip link delete')
  for (const name of ['DEBIAN/preinst', 'DEBIAN/postinst', 'DEBIAN/prerm', 'DEBIAN/postrm', 'usr/bin/homeward']) {
    const { stdout, exitCode } = await tryCommand('shellcheck', [join(unpacked, name)], { timeoutMs: 50_000 })
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 })
  }
})

test('the sums are those of the files', async () => {
  const check = [
    '-c',
    'cd "$1" && md5sum --check --quiet DEBIAN/md5sums && wc -l <DEBIAN/md5sums && find usr -type f | wc -l',
  ]
  const { stdout } = await runCommand('sh', [...check, 'sh', unpacked])
  const [summed, all] = stdout.trim().split('\n')
  expect(summed).toBe(all)
})

test.each([
  ['0.1.0', '0.1.0'],
  ['0.1.0+g0123456789ab.dirty', '0.1.0+g0123456789ab.dirty'],
  ['1.0.0-rc.1', '1.0.0~rc.1'],
  ['1.0.0-alpha-beta.1+a-b', '1.0.0~alpha.beta.1+a.b'],
])('version %s is %s for dpkg', (version, deb) => {
  expect(debVersion(version)).toBe(deb)
})

test('dpkg takes the changelog, and a pre-release comes before its release', async () => {
  expect(changelogOf(FACTS)).toContain(
    ' -- homeward developers <homeward@example.org>  Fri, 02 Jan 2026 03:04:05 +0000\n',
  )
  await runCommand('dpkg', ['--compare-versions', debVersion('1.0.0-rc.1'), 'lt', debVersion('1.0.0')])
  await runCommand('dpkg', ['--compare-versions', debVersion('1.0.0-rc.2'), 'lt', debVersion('1.0.0-rc.10')])
})
