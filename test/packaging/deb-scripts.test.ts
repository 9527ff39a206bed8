import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
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
