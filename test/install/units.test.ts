import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runCommand, tryCommand } from '../../system/process/run-command.ts'
import { bundleFor } from '../lab/host/bundle.ts'

const unit = (name: string): string => fileURLToPath(new URL(`../../systemd/${name}.service`, import.meta.url))

/** 1.9 and 1.8 by systemd 252 and 257; other versions weigh a little differently. 10 is the worst. */
const MOST_EXPOSED = 2

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
        // A child that is killed for its memory, or a wireguard-go, takes no daemon along.
        'OOMPolicy=continue',
      ]),
    )
    // V8 writes machine code as it goes.
    expect(lines).not.toContain('MemoryDenyWriteExecute=yes')
  },
)

/** Shows what comes to a socket, as systemd has it. */
const RECEIVER = `use Socket; $| = 1;
socket(N, AF_UNIX, SOCK_DGRAM, 0) and bind(N, pack_sockaddr_un($ARGV[0])) or die $!;
print "ready\\n";
while (defined recv(N, my $said, 4096, 0)) { print join(" ", split /\\n/, $said), "\\n" }`

const DAEMON = `import(process.argv[1]).then(({ tellServiceManager }) =>
  tellServiceManager({ isSettled: () => true, isTurning: () => true, text: () => 'hw0 is up' }, { warn: console.error }, new AbortController().signal))`

test.each(['homeward', 'homeward-hub'])(
  '%s.service leaves its daemon a socket, by which it tells systemd without a child',
  { timeout: 120_000 },
  async (name) => {
    const folder = await mkdtemp(join(tmpdir(), 'homeward-unit-'))
    const socket = join(folder, 'notify')
    const receiver = spawn('perl', ['-e', RECEIVER, socket], { stdio: ['ignore', 'pipe', 'inherit'] })
    let heard = ''
    receiver.stdout.on('data', (data) => (heard += String(data)))
    try {
      await expect.poll(() => heard).toBe('ready\n')
      const text = await readFile(unit(name), 'utf8')
      const [, start = ''] = /^ExecStart=((?:.*\\\n)*.*) \/usr\/local\/bin\/homeward .*$/m.exec(text) ?? []
      const program = await bundleFor(folder, new URL('../../system/process/service-manager.ts', import.meta.url))
      // As systemd reads it (systemd.service(5), Command Lines), and a shell nearly so.
      const line = `exec ${start.replaceAll('\\\n', ' ').replaceAll('$$', '$')} "$@"`
      // There is no systemd-notify on this PATH.
      const env = { PATH: folder, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '300000' }
      const daemon = spawn('/bin/sh', ['-c', line, 'sh', process.execPath, '-e', DAEMON, program], {
        env,
        stdio: ['ignore', 'inherit', 'inherit'],
      })
      try {
        await expect.poll(() => heard.split('\n').length).toBeGreaterThan(4)
        expect(heard.split('\n').slice(1, 3)).toEqual(['READY=1 STATUS=hw0 is up', 'WATCHDOG=1 STATUS=hw0 is up'])
      } finally {
        daemon.kill('SIGKILL')
      }
    } finally {
      receiver.kill('SIGKILL')
      await rm(folder, { recursive: true })
    }
  },
)
