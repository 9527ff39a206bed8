import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HubStatus } from '../../../hub/report/status.ts'
import { MOST_PUBLISHED_ENTRIES, type Publication } from '../../../protocol/publications.ts'
import { inviteHome, problemOf, startAgent } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { isLong } from '../../long.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { SEARCH_PATH } from '../../lab/host/tools.ts'

const LONG_MS = 240_000
const WAIT = { timeout: 120_000, interval: 250 }

let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let daemon: LabProcess
let path: string
/** While it is there, nft does not end, or ends badly, when it is to fill in ports. */
let slow: string
let broken: string
/** While it is there, nft does not end when it is asked for the table with all that is in it. */
let silent: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  hub = picture.hub
  pi = picture.home.pi
  const folder = join(hub.disk.path, 'bin')
  ;[slow = '', broken = '', silent = ''] = ['slow', 'broken', 'silent'].map((name) => join(hub.disk.path, name))
  path = `${folder}:${SEARCH_PATH}`
  await mkdir(folder)
  const real = (await hub.run('sh', ['-c', 'command -v nft'])).stdout.trim()
  const script = `#!/bin/sh
case "$*" in
  *-f*) ;;
  *'list table'*) while [ -e '${silent}' ]; do sleep 0.2; done; exec ${real} "$@";;
  *) exec ${real} "$@";;
esac
text='${hub.disk.path}'/text.$$
cat >"$text"
if grep -qE '(tcp|udp)_services \\{ [0-9]|^elements = \\{ [0-9]+ :' "$text"; then
  while [ -e '${slow}' ]; do sleep 0.2; done
  [ -e '${broken}' ] && { echo 'broken on purpose' >&2; exit 1; }
fi
exec ${real} -f "$text"
`
  await writeFile(join(folder, 'nft'), script, { mode: 0o755 })
  await hub.homeward(['hub', 'init', '--address', picture.hubAddress, '--yes'])
  daemon = await start()
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await startAgent(pi)
  await serveEcho(pi, 'pi', 8123)
}, LONG_MS)
afterAll(() => lab.close())

async function start(): Promise<LabProcess> {
  const started = hub.startHomeward(['hub', 'run'], { env: { PATH: path } })
  await started.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
  return started
}

/** As after a reboot: no table, and these publications in the store. */
async function restartWith(...ranges: readonly (readonly [number, number])[]): Promise<void> {
  await daemon.stop()
  const file = join(hub.disk.stateDir, 'store.json')
  const store = JSON.parse(await readFile(file, 'utf8')) as { publications: Publication[] }
  const publications = ranges.map(([port, lastPort]): Publication => {
    const [protocol, source, addedAt] = ['tcp', 'hide', new Date(0).toISOString()] as const
    // To other numbers: an entry a port.
    return { protocol, port, lastPort, address: '10.86.0.2', targetPort: port + 1, source, home: 'cabin', addedAt }
  })
  await writeFile(file, JSON.stringify({ ...store, publications }), { mode: 0o600 })
  await hub.shell('nft delete table inet homeward')
  daemon = hub.startHomeward(['hub', 'run'], { env: { PATH: path } })
}

const isApart = async (): Promise<boolean> => {
  const { stdout } = await hub.run('nft', ['list', 'chain', 'inet', 'homeward', 'forward'], { allowFailure: true })
  return stdout.includes('iifname "hw0" drop') && stdout.includes('oifname "hw0" drop')
}
async function led(): Promise<number> {
  const { stdout } = await hub.run('nft', ['list', 'map', 'inet', 'homeward', 'tcp_services'])
  return [...stdout.matchAll(/\d+ : [\d.]+ \. \d+/g)].length
}
const statusOf = async (): Promise<HubStatus> =>
  JSON.parse((await hub.homeward(['hub', 'status', '--json'], { allowFailure: true })).stdout) as HubStatus

describe('what keeps homes apart is in force at once after a restart', () => {
  const restarts = [
    ['as many ports as a hub leads', [20_000, 20_000 + MOST_PUBLISHED_ENTRIES - 1]],
    ['51,819 ports from before there was a limit', [1, 51_819]],
  ] as const
  // So many are as many as it leads, and more.
  test.each(isLong ? restarts : restarts.slice(1))(
    'with %s, while they are filled in',
    async (_, range) => {
      await writeFile(slow, '')
      await restartWith(range)
      await expect.poll(isApart, WAIT).toBe(true)
      expect(await led()).toBe(0)
      await rm(slow)
      await daemon.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
      await expect.poll(led, WAIT).toBe(MOST_PUBLISHED_ENTRIES)
      await expect.poll(async () => (await statusOf()).problem, WAIT).toBeNull()
    },
    LONG_MS,
  )

  test('of too many the lower ones are led, and it is said which are not', async () => {
    await daemon.waitForLine(/51819 ports are published one by one, and a hub forwards 12000 so at most/)
    const { notes, publications } = await statusOf()
    expect(notes.join()).toMatch(/51819 ports are published one by one, and a hub forwards 12000 so at most/)
    expect(publications[0]?.withheld).toMatchObject([
      { port: 22, lastPort: 22, code: 'port-taken' },
      { port: 12_002, lastPort: 51_819, code: 'publications-full' },
    ])
    const { stdout } = await pi.homeward(['publish', 'list'])
    expect(stdout).toMatch(/^22\/tcp leads nowhere: it is kept for ssh on the hub$/m)
    expect(stdout).toMatch(/^12002-51819\/tcp leads nowhere: a hub forwards 12000 single ports at most$/m)
    expect(await problemOf(pi, ['publish', 'add', '60000/tcp', 'localhost:80'])).toMatchObject({
      code: 'publications-full',
    })
  }, 300_000)

  test(
    'while they cannot be filled in at all, and then it is said why',
    async () => {
      await writeFile(broken, '')
      await restartWith([8000, 8001])
      await daemon.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
      expect(await isApart()).toBe(true)
      await expect
        .poll(async () => (await statusOf()).problem?.message, WAIT)
        .toMatch(/change the published ports.*broken on purpose/)
      await rm(broken)
      await expect.poll(led, WAIT).toBe(2)
    },
    LONG_MS,
  )

  test('and a device more does not take the ports away for a moment', async () => {
    const watched = hub.start('nft', ['monitor', 'destroy', 'elements'])
    await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
    expect(await led()).toBe(2)
    await watched.kill('SIGTERM')
    expect(watched.stdout).not.toContain('services')
  }, 300_000)

  test(
    'nor does a device wait where nft does not say in time what is published',
    async () => {
      const devices = async (): Promise<string> =>
        (await hub.run('nft', ['list', 'set', 'inet', 'homeward', 'tunnel_devices'])).stdout
      const before = await devices()
      await writeFile(silent, '')
      await hub.homeward(['device', 'add', 'laptop', '--conf', '-'])
      expect(await devices()).not.toBe(before)
      await rm(silent)
      await expect.poll(led, WAIT).toBe(2)
      await hub.homeward(['publish', 'remove', '8000-8001/tcp'])
    },
    LONG_MS,
  )
})

describe('what no home may publish', () => {
  test.each([
    [
      'more than a hub leads',
      '1-51819/tcp',
      'publications-full',
      /12000 single ports at most.*51819 more.*room for 12000/,
    ],
    ['22, though nothing listens there', '22/tcp', 'port-taken', /TCP port 22 of the hub is kept for ssh/],
    ['a range with it', '20-30/tcp', 'port-taken', /TCP port 22 of the hub is kept for ssh/],
  ])('%s', async (_, ports, code, words) => {
    for (const [host, target] of [
      [pi, 'localhost:20'],
      [hub, '10.86.0.2:20'],
    ] as const) {
      const refused = await problemOf(host, ['publish', 'add', ports, target])
      expect(refused).toMatchObject({ exitCode: 1, code })
      expect(refused.message).toMatch(words)
    }
  })
})

describe('ssh of the hub', () => {
  const LISTEN = `
const [port, host, text] = process.argv.slice(1)
const server = require('node:net').createServer((socket) => { socket.on('error', () => undefined); socket.write(text + '\\r\\n') })
server.listen({ port: Number(port), host, ipv6Only: host === '::' }, () => console.log('listening'))
`
  async function listen(port: number, host: string): Promise<LabProcess> {
    const started = hub.start(process.execPath, ['-e', LISTEN, String(port), host, 'SSH-2.0-OpenSSH_9.2p1'])
    await started.waitForLine(/^listening$/)
    return started
  }
  const remembered = async (): Promise<readonly number[]> => {
    const text = await readFile(join(hub.disk.stateDir, 'ssh-ports.json'), 'utf8').catch(() => '{"ports":[]}')
    return (JSON.parse(text) as { ports: number[] }).ports
  }

  test(
    'was seen once on another port: that is never published again, though it and the daemon went away',
    async () => {
      const sshd = await listen(2222, '0.0.0.0')
      await expect.poll(remembered, WAIT).toContain(2222)
      await sshd.kill('SIGKILL')
      await sshd.exited
      for (const restart of [false, true]) {
        if (restart) {
          await daemon.stop()
          daemon = await start()
        }
        for (const ports of ['2222/tcp', '2200-2300/tcp']) {
          const refused = await problemOf(pi, ['publish', 'add', ports, 'localhost:8123'])
          expect(refused).toMatchObject({ code: 'port-taken' })
          expect(refused.message).toMatch(/TCP port 2222 of the hub is kept for ssh/)
        }
      }
    },
    LONG_MS,
  )

  test(
    'is seen on IPv6 alone, and where systemd listens for it',
    async () => {
      await hub.shell('for scope in all lo; do echo 0 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6; done')
      await listen(2223, '::')
      await hub.shell('dropbearkey -t ed25519 -f /run/host.key')
      const dropbear = ['dropbear', '-i', '-r', '/run/host.key']
      hub.start('systemd-socket-activate', ['--listen=0.0.0.0:2224', '--accept', '--inetd', ...dropbear])
      await expect.poll(remembered, WAIT).toEqual([2222, 2223, 2224])
    },
    LONG_MS,
  )

  test(
    'begins on one address at a published port: the port is its again, and it is said',
    async () => {
      const ask = () => askService(picture.visitor, 'tcp', picture.hubAddress, 8022)
      await pi.homeward(['publish', 'add', '8022-8023/tcp', 'localhost:8122', '--source', 'hide'], {
        allowFailure: true,
      })
      await pi.homeward(['publish', 'add', '8122/tcp', 'localhost:8123', '--source', 'hide'])
      hub.start('dropbear', ['-F', '-E', '-s', '-r', '/run/host.key', '-p', `${picture.hubAddress}:8022`])
      await expect.poll(ask, WAIT).toMatch(/^SSH-2\.0-dropbear/)
      expect(await askService(picture.visitor, 'tcp', picture.hubAddress, 8023)).toMatch(/^pi sees/)
      expect((await pi.homeward(['publish', 'list'])).stdout).toMatch(/^8022\/tcp leads nowhere: it is kept for ssh/m)
      expect((await hub.homeward(['hub', 'status'], { allowFailure: true })).stdout).toMatch(
        /^8022\/tcp leads nowhere/m,
      )
      const check = await pi.homeward(['publish', 'check', '8022-8023/tcp'], { allowFailure: true })
      expect(check.stdout).toMatch(/8022\/tcp does not: it is kept for ssh on the hub/)
      // Not 8022, where the hub's own sshd answers everybody.
      expect(check.stdout).toContain(`${picture.hubAddress}:8023 answers on the internet`)
      await pi.homeward(['publish', 'remove', '8022-8023/tcp'])
      await expect.poll(async () => (await statusOf()).problem, WAIT).toBeNull()
    },
    LONG_MS,
  )
})
