import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { functionOf } from '../../packaging/deb/deb.ts'
import { type CommandResult, tryCommand } from '../../system/process/run-command.ts'

const installer = await readFile('install.sh', 'utf8')

/** A machine of folders alone, which systemd booted. deb-systemd-helper is Debian's own, and works in it (DPKG_ROOT). */
let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'homeward-scripts-'))
  for (const place of ['bin', 'run/systemd/system', 'etc/homeward', 'var/lib/homeward', 'usr/lib/systemd/system'])
    await mkdir(join(root, place), { recursive: true })
  for (const name of ['homeward', 'homeward-hub'])
    await writeFile(
      join(root, `usr/lib/systemd/system/${name}.service`),
      await readFile(`systemd/${name}.service`, 'utf8'),
    )
  for (const name of ['systemctl', 'systemd-sysusers', 'systemd-tmpfiles'])
    await writeFile(join(root, 'bin', name), '#!/bin/sh\n', { mode: 0o755 })
  await writeFile(join(root, 'bin/deb-systemd-invoke'), '#!/bin/sh\necho "$*"\n', { mode: 0o755 })
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** As dpkg calls it, with the paths of that machine; its network stays as it is. */
async function call(name: string, ...args: readonly string[]): Promise<CommandResult> {
  const script = (await readFile(join('packaging/deb', name), 'utf8'))
    .replace('@undo_network@', 'undo_network() { :; }')
    .replace(/^@(\w+)@$/gm, (_, shared: string) => functionOf(installer, shared))
    .replaceAll(/(?<![\w/.*)}])\/(?:run|etc|var|usr)\//g, `${root}$&`)
  const env = [`DPKG_ROOT=${root}`, `DPKG_MAINTSCRIPT_PACKAGE=homeward`, `PATH=${root}/bin:${process.env['PATH']}`]
  return tryCommand('env', [...env, /^#!(\S+)/.exec(script)?.[1] ?? '', '-s', '--', ...args], { input: script })
}

test('a new installation starts the services, an upgrade only those that run', async () => {
  expect((await call('postinst', 'configure')).stdout).toBe('start homeward.service\nstart homeward-hub.service\n')
  expect((await call('postinst', 'configure', '1.0.0')).stdout).toBe(
    'try-restart homeward.service\ntry-restart homeward-hub.service\n',
  )
})

test('what a removal stopped runs again after the next installation, for which dpkg names the version before', async () => {
  await call('postinst', 'configure')
  expect((await call('prerm', 'remove')).stdout).toBe('stop homeward.service homeward-hub.service\n')
  await call('postrm', 'remove')
  expect((await call('postinst', 'configure', '1.0.0')).stdout).toBe(
    'start homeward.service\nstart homeward-hub.service\n',
  )
  expect((await call('postinst', 'configure', '1.0.0')).stdout).toContain('try-restart homeward.service\n')
})

test('a homeward in the foreground, which would put everything back, keeps the package from being removed', async () => {
  const running = spawn('sh', ['-c', 'sleep 60; :', join(root, 'usr/lib/homeward/dist/homeward.js')])
  try {
    await once(running, 'spawn')
    const { stdout, stderr, exitCode } = await call('prerm', 'remove')
    expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 1 })
    expect(stderr).toContain(`still runs in the foreground (process ${running.pid}), and nothing was changed`)
  } finally {
    running.kill()
  }
  expect((await call('prerm', 'remove')).exitCode).toBe(0)
})

test('a tunnel on a router is said to be kept', async () => {
  await writeFile(join(root, 'etc/homeward/agent.yaml'), 'router:\n  kind: openwrt\n')
  expect((await call('prerm', 'remove')).stdout).toContain('homeward: kept: the tunnel on the router; ')
  await writeFile(join(root, 'etc/homeward/agent.yaml'), 'router:\n  kind: linux\n')
  expect((await call('prerm', 'remove')).stdout).not.toContain('kept')
})

/** A program that is installed and runs; `homeward` of it is a line of shell that asks a service, and never gets an answer. */
async function haveInstalled(version: string): Promise<void> {
  const library = join(root, 'usr/lib/homeward')
  await mkdir(join(library, 'dist'), { recursive: true })
  await mkdir(join(library, 'node'), { recursive: true })
  await mkdir(join(root, 'etc/systemd/system'), { recursive: true })
  await mkdir(join(root, 'usr/bin'), { recursive: true })
  await writeFile(join(library, 'package.json'), `{\n  "version": "${version}"\n}\n`)
  await writeFile(join(library, 'dist/homeward.js'), version)
  await writeFile(join(root, 'etc/homeward/agent.yaml'), 'home: cabin\n')
  await writeFile(join(root, 'usr/bin/homeward'), `#!/bin/sh\necho "$*" >>${root}/said\n`, { mode: 0o755 })
  // It ends again and again: a service that is looked at has ended once more.
  await writeFile(
    join(root, 'bin/systemctl'),
    `#!/bin/sh
case "$*" in
  *ActiveState*homeward) echo active ;;
  *NRestarts*) echo x >>${root}/restarts; wc -l <${root}/restarts ;;
  *is-active*) exit 1 ;;
esac
`,
    { mode: 0o755 },
  )
  await writeFile(join(root, 'bin/journalctl'), '#!/bin/sh\necho its log\n', { mode: 0o755 })
}
/** As dpkg does it: another file of the same name. */
async function unpack(version: string): Promise<void> {
  const library = join(root, 'usr/lib/homeward')
  for (const [name, text] of [
    ['dist/homeward.js', version],
    ['package.json', `{\n  "version": "${version}"\n}\n`],
  ] as const) {
    await rm(join(library, name))
    await writeFile(join(library, name), text)
  }
}
const inRoot = (path: string): Promise<string> => readFile(join(root, path), 'utf8')
const names = async (path: string): Promise<readonly string[]> =>
  (await readdir(join(root, path)).catch(() => [])).toSorted((a, b) => a.localeCompare(b))

test('a version that does not answer makes way for the one before, fails once, and holds nothing up', async () => {
  await haveInstalled('1.0.0')
  expect((await call('preinst', 'upgrade', '1.0.0')).exitCode).toBe(0)
  expect((await stat(join(root, 'usr/lib/homeward.before/dist/homeward.js'))).nlink).toBe(2)
  expect((await stat(join(root, 'usr/lib/homeward.before/kept'))).mode & 0o777).toBe(0o700)
  expect(await inRoot('etc/systemd/system/homeward.service')).toMatch(/^# homeward: of the version before/)
  await unpack('1.1.0')
  const first = await call('postinst', 'configure', '1.0.0')
  expect(first.exitCode).toBe(1)
  expect(first.stderr).toContain('homeward does not answer, so the version before, 1.0.0, goes on')
  expect(await inRoot('said')).toContain('settings-back --newer 1.1.0 --why homeward does not answer ')
  expect(await inRoot('usr/lib/homeward.before/dist/homeward.js')).toBe('1.0.0')
  expect(await names('run')).toEqual(['systemd'])
  expect(await names('run/systemd/system.control')).toEqual([])
  const second = await call('postinst', 'configure', '1.0.0')
  expect(second).toMatchObject({
    exitCode: 0,
    stderr: 'homeward: 1.1.0 stays unused, and 1.0.0 runs: see homeward upgrade --check\n',
  })
  // The next one is tried beside the one that runs, and what dpkg takes back leaves that one in its place.
  expect((await call('preinst', 'upgrade', '1.1.0')).exitCode).toBe(0)
  await call('postrm', 'abort-upgrade', '1.1.0')
  expect(await inRoot('usr/lib/homeward.before/dist/homeward.js')).toBe('1.0.0')
  expect((await call('postinst', 'configure', '1.0.0')).stderr).toContain('1.1.0 stays unused')
  // Nothing runs: there is nothing to show.
  await writeFile(join(root, 'bin/systemctl'), '#!/bin/sh\n', { mode: 0o755 })
  await call('preinst', 'upgrade', '1.1.0')
  await unpack('1.2.0')
  expect((await call('postinst', 'configure', '1.1.0')).exitCode).toBe(0)
  expect(await names('usr/lib')).toEqual(['homeward', 'systemd'])
  expect(await names('etc/systemd/system')).not.toContain('homeward.service')
})

test('what dpkg could not unpack leaves nothing behind', async () => {
  await haveInstalled('1.0.0')
  await call('preinst', 'upgrade', '1.0.0')
  await call('postrm', 'abort-upgrade', '1.0.0')
  expect(await names('usr/lib')).toEqual(['homeward', 'systemd'])
  expect(await names('etc/systemd/system')).toEqual([])
})

test('a service that its owner has changed is left alone', async () => {
  await haveInstalled('1.0.0')
  await writeFile(join(root, 'etc/systemd/system/homeward.service'), 'mine')
  await call('preinst', 'upgrade', '1.0.0')
  await call('postrm', 'remove')
  expect(await inRoot('etc/systemd/system/homeward.service')).toBe('mine')
})
