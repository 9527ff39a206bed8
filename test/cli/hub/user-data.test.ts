import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { userData } from '../../../cli/hub/user-data.ts'
import { newPickupCode, parsePickupLock, pickupLock } from '../../../protocol/pickup.ts'
import { tryCommand } from '../../../system/process/run-command.ts'
import { isLong } from '../../long.ts'

const code = newPickupCode('vps.example.org', 51_820)
const given = {
  name: 'vps.example.org',
  port: 51_820,
  home: 'cabin',
  place: 'https://releases.example.org/homeward',
  lock: pickupLock(code),
}

interface CloudConfig {
  readonly write_files: readonly { readonly path: string; readonly permissions: string; readonly content: string }[]
  readonly runcmd: readonly (readonly string[])[]
}

test('it is cloud config that writes a lock and a script for root alone, and runs that', () => {
  const text = userData(given)
  expect(text.split('\n')[0]).toBe('#cloud-config')
  const { write_files: files, runcmd } = parse(text) as CloudConfig
  expect(files.map(({ permissions }) => permissions)).toEqual(['0600', '0700'])
  expect(parsePickupLock(files[0]!.content)).toEqual(given.lock)
  expect(runcmd).toEqual([['sh', files[1]!.path]])
  expect(text).not.toContain(code.code)
})

test('another port goes to the hub', () => {
  expect(userData(given)).not.toContain('--port')
  expect(userData({ ...given, port: 4443 })).toContain("hub --address 'vps.example.org' --port 4443")
})

test('shellcheck has nothing to say about the script', async () => {
  const script = (parse(userData(given)) as CloudConfig).write_files[1]!.content
  const { stdout, exitCode } = await tryCommand('shellcheck', ['-'], { input: script })
  expect({ stdout, exitCode }).toEqual({ stdout: '', exitCode: 0 })
})

/** Debian's own judge: always in the long run, else where it is installed, since it is a service that acts at the next boot. */
test.runIf(isLong || existsSync('/usr/bin/cloud-init'))('cloud-init’s schema has nothing to say about it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'homeward-cloud-'))
  try {
    const file = join(folder, 'user-data')
    for (const one of [given, { ...given, port: 4443, place: 'file:///opt/homeward' }]) {
      await writeFile(file, userData(one))
      const { stdout, stderr, exitCode } = await tryCommand('cloud-init', ['schema', '--config-file', file], {
        timeoutMs: 60_000,
      })
      expect({ said: `${stdout}${stderr}`.trim(), exitCode }).toEqual({
        said: `Valid cloud-config: ${file}`,
        exitCode: 0,
      })
    }
  } finally {
    await rm(folder, { recursive: true })
  }
})
