import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import { machineState, problemOf } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import type { LabProcess } from '../../lab/host/process.ts'

let lab: Lab
let hub: Host
let other: Host
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  const eth0 = () =>
    'ip link add eth0 type veth peer name eth0p; ip addr add 172.31.5.10/24 dev eth0; ip link set eth0 up; ip link set eth0p up'
  ;[hub, other] = (await lab.addHosts([
    { name: 'hub', boot: eth0 },
    { name: 'other', boot: eth0 },
  ])) as [Host, Host]
})
afterAll(() => lab.close())

const init = (...more: string[]): string[] => ['hub', 'init', '--address', 'vps.example.org,203.0.113.10', ...more]

async function startDaemon(): Promise<LabProcess> {
  const started = hub.startHomeward(['hub', 'run'])
  await started.waitForLine(/the hub is ready/, { timeoutMs: 60_000 })
  return started
}

async function files(host: Host): Promise<string> {
  const { stdout } = await host.shell(`cd ${host.disk.path}; find config state -type f -exec sha256sum {} + | sort`)
  return stdout
}

interface Status {
  readonly daemon: string
  readonly problem: { readonly code: string } | null
  readonly alternatePorts: { readonly effective: readonly number[] }
  readonly notes: readonly string[]
  readonly warnings: readonly string[]
}

async function status(): Promise<Status & { readonly exitCode: number }> {
  const { stdout, exitCode } = await hub.homeward(['hub', 'status', '--json'], { allowFailure: true })
  return { ...(JSON.parse(stdout) as Status), exitCode }
}

/** What a program that has a UDP port looks like. */
async function holdUdp(host: Host, port: number): Promise<LabProcess> {
  const program = `require('node:dgram').createSocket('udp4').bind(${port}, () => console.log('ready'))`
  const holder = host.start(process.execPath, ['-e', program])
  await holder.waitForLine(/ready/)
  return holder
}

describe('hub init', () => {
  test.each<readonly [string, readonly string[], number, string]>([
    ['nobody to ask and no --yes', init(), 64, 'needs-yes'],
    ['no address', ['hub', 'init', '--yes'], 64, 'wrong-usage'],
    ['an address that is none', ['hub', 'init', '--address', 'https://x', '--yes'], 64, 'address-invalid'],
    ['a port that is none', init('--port', '0x10', '--yes'), 64, 'wrong-usage'],
    ['a network without a length', init('--network', '10.1.0.0', '--yes'), 64, 'prefix-invalid'],
    ['a network the machine is in', init('--network', '172.31.0.0/16', '--yes'), 1, 'lan-overlaps'],
  ])('%s: refused, and nothing was changed', async (_what, args, exitCode, code) => {
    const before = await machineState(hub)
    expect(await problemOf(hub, args)).toMatchObject({ exitCode, code })
    expect(await machineState(hub)).toBe(before)
  })

  test('a UDP port that somebody has is named with who has it', async () => {
    const before = await machineState(hub)
    const holder = await holdUdp(hub, 51_820)
    const { code, message } = await problemOf(hub, init('--yes'))
    expect(code).toBe('port-taken')
    expect(message).toMatch(/node \(process \d+\) uses UDP port 51820/)
    await holder.stop()
    expect(await machineState(hub)).toBe(before)
  })

  test('an interface of somebody else is left alone', async () => {
    await hub.shell('ip link add hw0 type veth peer name hw0p')
    const before = await machineState(hub)
    expect(await problemOf(hub, init('--yes'))).toMatchObject({ exitCode: 1, code: 'interface-taken' })
    expect(await machineState(hub)).toBe(before)
    await hub.shell('ip link del hw0')
  })

  test('makes all of it; secrets are their owner’s alone; the next time it changes nothing and says so', async () => {
    const { stdout } = await hub.homeward(init('--yes', '--json'))
    expect(JSON.parse(stdout)).toMatchObject({ changed: true, addresses: ['vps.example.org', '203.0.113.10'] })
    const { configDir, stateDir } = hub.disk
    const modes = await hub.shell(`stat -c %a ${configDir}/hub.key ${configDir}/tls.key ${stateDir}/store.json`)
    expect(modes.stdout).toBe('600\n600\n600\n')
    expect((await hub.shell('ip -br addr show hw0; wg show hw0 listen-port')).stdout).toMatch(
      /10\.86\.0\.1\/16[^]*51820/,
    )

    const [before, state] = [await files(hub), await machineState(hub)]
    const again = await hub.homeward(init())
    expect(again.stdout).toContain('nothing was changed')
    expect((await hub.homeward(['hub', 'init'])).stdout).toContain('nothing was changed')
    expect([await files(hub), await machineState(hub)]).toEqual([before, state])
  })

  test('other settings than those of the first time are refused by name', async () => {
    const before = await files(hub)
    const { code, message } = await problemOf(hub, init('--port', '4711', '--network', '10.99.0.0/16', '--yes'))
    expect(code).toBe('hub-settings-differ')
    expect(message).toMatch(/port is 51820 there, not 4711/)
    expect(await files(hub)).toBe(before)
  })

  test('brings back an interface and a table that are gone, with the same keys', async () => {
    const before = await files(hub)
    const key = (await hub.run('wg', ['show', 'hw0', 'public-key'])).stdout
    await hub.shell('ip link del hw0; nft delete table inet homeward')
    expect(JSON.parse((await hub.homeward(init('--yes', '--json'))).stdout)).toMatchObject({ changed: true })
    expect((await hub.run('wg', ['show', 'hw0', 'public-key'])).stdout).toBe(key)
    expect(await files(hub)).toBe(before)
  })

  test('killed at any moment, the next one finishes, and a key that was written stays', async () => {
    const keys = new Set<string>()
    for (const delayMs of [60, 120, 180, 240, 300, 360, 420, 480, 560]) {
      const killed = other.startHomeward(init('--yes'))
      await sleep(delayMs)
      await killed.kill('SIGKILL')
      await killed.exited
      const key = await readFile(join(other.disk.configDir, 'hub.key'), 'utf8').catch(() => null)
      if (key !== null) keys.add(key)
    }
    await other.homeward(init('--yes'))
    keys.add(await readFile(join(other.disk.configDir, 'hub.key'), 'utf8'))
    expect(keys.size).toBe(1)
    expect((await other.homeward(init())).stdout).toContain('nothing was changed')
    expect((await other.homeward(['hub', 'invite', 'cabin'])).stdout).toMatch(/^hw1\.[^\n]*\n$/)
  })
})

describe('without a daemon', () => {
  test('the verbs do it themselves, and status says that none runs', async () => {
    const { stdout } = await hub.homeward(['device', 'add', 'laptop', '--conf', '-'])
    expect(stdout).toMatch(/^# laptop[^]*PrivateKey = [^]*PresharedKey = [^]*AllowedIPs = 10\.86\.0\.0\/16\n/)
    expect((await hub.run('wg', ['show', 'hw0', 'peers'])).stdout.trim().split('\n')).toHaveLength(1)
    expect(await status()).toMatchObject({ daemon: 'not running', exitCode: 2 })
  })

  test('many at once lose none of their changes', async () => {
    const names = Array.from({ length: 6 }, (_, index) => `cabin-${index}`)
    await Promise.all(names.map((name) => hub.homeward(['hub', 'invite', name])))
    const { invites } = JSON.parse(await readFile(join(hub.disk.stateDir, 'store.json'), 'utf8')) as {
      invites: { home: string; address: string }[]
    }
    expect(invites.map((invite) => invite.home).sort()).toEqual(names)
    expect(new Set(invites.map((invite) => invite.address)).size).toBe(names.length)
  })

  test.each(['../x', 'a;reboot', '$(id)', 'Cabin', ''])('a home named %j is refused', async (name) => {
    expect(await problemOf(hub, ['hub', 'invite', name])).toMatchObject({ exitCode: 64, code: 'home-name-invalid' })
  })

  test('a LAN that overlaps is refused, naming both sides', async () => {
    for (const [lan, words] of [
      ['10.86.7.0/24', /10\.86\.0\.0\/16/],
      ['172.31.5.128/25', /172\.31\.5\.0\/24.*eth0/],
    ] as const) {
      const { code, message } = await problemOf(hub, ['hub', 'invite', 'barn', '--lan', lan])
      expect(code).toBe('lan-overlaps')
      expect(message).toMatch(words)
    }
  })
})

describe('the daemon', () => {
  beforeAll(async () => {
    daemon = await startDaemon()
  })

  test('is alone: a second one says so', { timeout: 300_000 }, async () => {
    expect(await problemOf(hub, ['hub', 'run'])).toMatchObject({ exitCode: 1, code: 'already-running' })
    expect(await status()).toMatchObject({ daemon: 'running', problem: null, exitCode: 0 })
  })

  test('brings everything back after a reboot, preshared keys too', async () => {
    const before = (await hub.run('wg', ['show', 'hw0', 'dump'])).stdout
    await lab.reboot(hub)
    expect((await hub.run('ip', ['link', 'show', 'hw0'], { allowFailure: true })).exitCode).not.toBe(0)
    daemon = await startDaemon()
    expect((await hub.run('wg', ['show', 'hw0', 'dump'])).stdout).toBe(before)
    expect((await hub.shell('nft list table inet homeward; cat /proc/sys/net/ipv4/ip_forward')).stdout).toMatch(/1\n$/)
  })

  test('ends when it is told, at once and with status 0; the tunnel stays', async () => {
    const before = (await hub.run('wg', ['show', 'hw0', 'dump'])).stdout
    const began = performance.now()
    expect(await daemon.stop()).toEqual({ code: 0, signal: null })
    expect(performance.now() - began).toBeLessThan(30_000)
    expect((await hub.run('wg', ['show', 'hw0', 'dump'])).stdout).toBe(before)
    daemon = await startDaemon()
  })

  test('takes new settings while it runs: MTU and port', async () => {
    const path = join(hub.disk.configDir, 'hub.yaml')
    const good = await readFile(path, 'utf8')
    let from = daemon.lineCount
    await writeFile(path, good.replace('mtu: 1420', 'mtu: 1400').replace('port: 51820', 'port: 51821'))
    await daemon.waitForLine(/set the MTU of hw0 to 1400/, { after: from })
    await expect
      .poll(async () => (await hub.shell('wg show hw0 listen-port; ss -Hltn sport = :51821 | wc -l')).stdout)
      .toBe('51821\n1\n')
    await expect.poll(async () => (await hub.shell('ss -Hltn sport = :51820 | wc -l')).stdout).toBe('0\n')

    from = daemon.lineCount
    await writeFile(path, good)
    await daemon.waitForLine(/took the new settings/, { after: from })
    await expect.poll(async () => (await hub.shell('wg show hw0 listen-port')).stdout).toBe('51820\n')
  })

  test('leaves an alternate port to whoever has it, and says so', async () => {
    const holder = await holdUdp(hub, 4500)
    const seen = await status()
    expect(seen.alternatePorts.effective).toEqual([443, 53])
    expect(seen.notes).toEqual([expect.stringContaining('4500/udp')])
    await hub.homeward(['device', 'add', 'tablet', '--conf', '-'])
    expect((await hub.run('nft', ['list', 'table', 'inet', 'homeward'])).stdout).not.toContain('4500')
    await holder.stop()
    await hub.homeward(['device', 'remove', 'tablet'])
    expect((await hub.run('nft', ['list', 'table', 'inet', 'homeward'])).stdout).toContain('4500')
  })

  test('goes on without nft: it says so, status is degraded, and it mends itself', { timeout: 300_000 }, async () => {
    const from = daemon.lineCount
    const nft = (await hub.shell('readlink -f "$(command -v nft)"')).stdout.trim()
    await hub.shell(`nft delete table inet homeward; mount --bind /dev/null ${nft}`)
    const failed = await problemOf(hub, ['device', 'add', 'tablet', '--conf', '-'])
    expect(failed.exitCode).toBe(1)
    expect(failed.message).toContain('the device tablet is in the store')
    expect(await status()).toMatchObject({ daemon: 'running', exitCode: 2, problem: { code: failed.code } })
    await hub.shell(`umount ${nft}`)
    await daemon.waitForLine(/as they should be again/, { after: from, timeoutMs: 60_000 })
    await expect.poll(status).toMatchObject({ exitCode: 0, problem: null })
    expect((await hub.run('nft', ['list', 'tables'])).stdout).toContain('inet homeward')
  })

  test('puts its key’s file back, in the state folder where it may not write its settings, and begins with it', async () => {
    const { configDir, stateDir } = hub.disk
    const path = join(configDir, 'hub.key')
    const key = await readFile(path, 'utf8')
    await writeFile(path, '')
    await expect.poll(() => readFile(path, 'utf8'), { timeout: 60_000 }).toBe(key)
    const warnings = async () => (await status()).warnings.filter((warning) => warning.includes('hub.key'))
    await expect.poll(warnings, { timeout: 60_000 }).toEqual([expect.stringMatching(/was written again from what/)])

    // As systemd does it for the service.
    await hub.shell(`mount --bind ${configDir} ${configDir} && mount -o remount,ro,bind ${configDir}`)
    await daemon.kill('SIGKILL')
    daemon = await startDaemon()
    await writeFile(path, 'damaged')
    const copied = expect.stringContaining(`sudo cp -p ${stateDir}/hub.key ${path}`) as string
    await expect.poll(warnings, { timeout: 60_000 }).toEqual([copied])
    expect((await hub.shell(`stat -c %a ${stateDir}/hub.key`)).stdout).toBe('600\n')
    expect(`${daemon.stdout}${daemon.stderr}`).not.toContain(key.trim())
    const before = (await hub.run('wg', ['show', 'hw0', 'public-key'])).stdout
    await daemon.stop()
    await hub.shell('ip link del hw0')
    daemon = await startDaemon()
    expect((await hub.run('wg', ['show', 'hw0', 'public-key'])).stdout).toBe(before)
    expect(await warnings()).toEqual([copied])

    // The words of the advice.
    await hub.shell(`umount ${configDir} && cp -p ${stateDir}/hub.key ${path}`)
    await expect.poll(warnings, { timeout: 60_000 }).toEqual([])
    expect(await readFile(path, 'utf8')).toBe(key)
  })

  test('mends what somebody else took away, within half a minute', { timeout: 300_000 }, async () => {
    // wireguard-go names its peers in another order each time.
    const before = (await hub.shell('wg show hw0 peers | sort')).stdout
    await hub.shell(`nft delete table inet homeward; wg set hw0 peer ${before.split('\n')[0] ?? ''} remove`)
    const mended = async () => (await hub.shell('wg show hw0 peers | sort; nft list tables')).stdout
    await expect.poll(mended, { timeout: 60_000, interval: 500 }).toBe(`${before}table inet homeward\n`)
  })
})
