import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readFile } from 'node:fs/promises'
import { runCommand, tryCommand } from '../../system/process/run-command.ts'

const unit = (name: string): string => fileURLToPath(new URL(`../../systemd/${name}.service`, import.meta.url))

/** 1.9 and 1.8 by systemd 252; other versions weigh a little differently. 10 is the worst. */
const MOST_EXPOSED = 2.5

test.each(['homeward', 'homeward-hub'])('%s.service gives away little of the machine', async (name) => {
  const { stdout } = await runCommand('systemd-analyze', ['security', '--offline=true', unit(name)])
  const level = Number(/Overall exposure level for \S+: ([\d.]+)/.exec(stdout)?.[1])
  expect(level).toBeLessThanOrEqual(MOST_EXPOSED)
})

test.each(['homeward', 'homeward-hub'])('systemd understands every line of %s.service', async (name) => {
  const { stderr } = await tryCommand('systemd-analyze', ['verify', '--man=no', unit(name)])
  // The program is not installed where the tests run.
  const faults = stderr.split('\n').filter((line) => !line.endsWith('is not executable: No such file or directory'))
  expect(faults.join('\n').trim()).toBe('')
})

test.each(['homeward', 'homeward-hub'])(
  '%s.service leaves wireguard-go and the other service their own',
  async (name) => {
    const lines = (await readFile(unit(name), 'utf8')).split('\n')
    expect(lines).toEqual(
      expect.arrayContaining([
        'KillMode=process',
        'RuntimeDirectoryPreserve=yes',
        'DeviceAllow=/dev/net/tun rw',
        'StartLimitIntervalSec=0',
        'Restart=always',
      ]),
    )
    // V8 writes machine code as it goes.
    expect(lines).not.toContain('MemoryDenyWriteExecute=yes')
  },
)
