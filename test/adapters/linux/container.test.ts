import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { containerKind, forwardingAdvice, tunAdvice } from '../../../adapters/linux/container.ts'

let root: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'homeward-test-'))
})
afterEach(() => rm(root, { recursive: true }))

async function machine(files: Readonly<Record<string, string>>): Promise<string | null> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return containerKind(root)
}

test.each<readonly [string | null, Readonly<Record<string, string>>]>([
  [null, { '/proc/1/environ': 'HOME=/\0TERM=linux\0' }],
  [null, {}],
  ['LXC', { '/run/systemd/container': 'lxc\n' }],
  ['LXC', { '/proc/1/environ': 'HOME=/\0container=lxc\0TERM=linux\0' }],
  ['OpenVZ', { '/proc/vz': '' }],
  // OpenVZ's host.
  [null, { '/proc/vz': '', '/proc/bc': '' }],
  ['Docker', { '/.dockerenv': '' }],
  ['Podman', { '/run/.containerenv': '' }],
  ['wsl', { '/run/systemd/container': 'wsl\n' }],
])('%s is recognised by %j', async (kind, files) => {
  expect(await machine(files)).toBe(kind)
})

describe('what a container lacks', () => {
  test.each(['LXC', 'OpenVZ', 'Docker', 'Podman', 'wsl'])('is to be asked of whoever has the host of a %s', (kind) => {
    for (const advice of [tunAdvice(kind), forwardingAdvice(kind, '1')]) {
      expect(advice).toContain(`This machine is a container (${kind})`)
      expect(advice).toContain('ask your provider')
      expect(advice).not.toMatch(/wireguard-go|sysctl --system/)
    }
  })

  test('is this machine’s own matter where it is none', () => {
    expect(tunAdvice(null)).toContain('modprobe tun')
    expect(forwardingAdvice(null, '1')).toContain('sysctl --system')
  })
})
