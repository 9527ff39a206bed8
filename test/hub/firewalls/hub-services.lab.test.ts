import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hubStatusOf, inviteHome, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/** What members reach of the hub's own machine, whose programs listen on every address. */
const INSIDE = '10.86.0.1'

let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let phone: Host

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;({ hub, phone } = picture)
  pi = picture.home.pi
  await startHub(picture)
  // As a laptop has it: files of devices that send everything lead IPv6 into the tunnel too.
  await phone.shell(
    'echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
  )
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await startAgent(pi)
  await Promise.all([
    serveEcho(hub, 'redis', 6379),
    serveEcho(hub, 'ssh', 22),
    serveEcho(picture.internet, 'container', 8080),
    serveEcho(picture.home.camera, 'camera', 554),
    serveEcho(picture.home.camera, 'other', 555),
  ])
})
afterAll(() => lab.close())

/** The phone as this device, while `during` runs. */
async function asDevice(name: string, conf: string, during: () => Promise<void>): Promise<void> {
  const path = join(phone.disk.configDir, `${name}.conf`)
  await writeFile(path, conf, { mode: 0o600 })
  await phone.run('wg-quick', ['up', path])
  try {
    await during()
  } finally {
    await phone.run('wg-quick', ['down', path])
  }
}

const added = async (at: Host, name: string, ...options: readonly string[]): Promise<string> =>
  (await at.homeward(['device', 'add', name, '--conf', '-', ...options])).stdout

const comesToAnswer = (from: Host, protocol: 'tcp' | 'udp', address: string, port: number, answer: RegExp) =>
  expect.poll(() => askService(from, protocol, address, port), { timeout: 90_000 }).toMatch(answer)

async function setOpen(open: string): Promise<void> {
  const path = join(hub.disk.configDir, 'hub.yaml')
  const text = (await readFile(path, 'utf8')).replace(/\nopen: .*/, '')
  await writeFile(path, `${text.trimEnd()}\nopen: ${open}\n`)
}

describe('what nobody opened', () => {
  test('is closed to a home, over TCP and UDP, while the hub answers pings and heartbeats', async () => {
    await pi.run('ping', ['-c', '1', '-W', '10', INSIDE])
    for (const protocol of ['tcp', 'udp'] as const)
      for (const port of [6379, 22]) expect(await askService(pi, protocol, INSIDE, port)).toBeNull()
    // By the internet they answer: whether that is so is not homeward's to say.
    expect(await askService(pi, 'tcp', picture.hubAddress, 6379)).toMatch(/^redis sees/)
  })

  test('is named in the hub’s status when it was asked for, where a program listens', async () => {
    await pi.run('ping', ['-c', '1', INSIDE])
    await askService(pi, 'udp', INSIDE, 7777)
    const { notes } = await hubStatusOf(hub)
    const said = notes.filter((note) => note.includes('hub.yaml'))
    expect(said).toEqual([expect.stringMatching(/^homes or devices asked this machine for .*6379\/tcp, 6379\/udp /)])
    expect(said[0]).not.toContain('7777')
  })

  test('is closed to devices, but for ssh to those of the hub’s owner', async () => {
    await asDevice('laptop', await added(hub, 'laptop'), async () => {
      await comesToAnswer(phone, 'tcp', INSIDE, 22, /^ssh sees 10\.86\./)
      expect(await askService(phone, 'tcp', INSIDE, 6379)).toBeNull()
    })
    await asDevice('kid', await added(pi, 'kid'), async () => {
      await phone.run('ping', ['-c', '1', '-W', '20', INSIDE])
      expect(await askService(phone, 'tcp', INSIDE, 22)).toBeNull()
      expect(await askService(phone, 'tcp', INSIDE, 6379)).toBeNull()
    })
  })

  test('is closed at the hub’s public address too, to a device that sends everything through it', async () => {
    await asDevice('full', await added(hub, 'full', '--full'), async () => {
      await comesToAnswer(phone, 'tcp', '203.0.113.1', 8080, /^container sees 203\.0\.113\.10/)
      expect(await askService(phone, 'tcp', picture.hubAddress, 6379)).toBeNull()
      await hub.homeward(['publish', 'add', '8554/tcp', `${picture.home.lan.camera}:554`])
      await comesToAnswer(phone, 'tcp', picture.hubAddress, 8554, /^camera sees/)
      await hub.homeward(['publish', 'remove', '8554/tcp'])
    })
  })
})

test('a port that the owner opens is reached, at once and no other, and a container’s too', async () => {
  await hub.shell(`nft -f - <<'X'
table ip containers {
  chain leads { type nat hook prerouting priority -100; ip daddr ${INSIDE} tcp dport { 8080, 8090 } dnat to 203.0.113.1:8080; }
  chain hides { type nat hook postrouting priority 100; oifname "eth0" masquerade; }
}
X`)
  await setOpen('[6379/udp, 8080/tcp]')
  await comesToAnswer(pi, 'udp', INSIDE, 6379, /^redis sees 10\.86\.0\.2$/)
  await comesToAnswer(pi, 'tcp', INSIDE, 8080, /^container sees/)
  expect(await askService(pi, 'tcp', INSIDE, 6379)).toBeNull()
  expect(await askService(pi, 'tcp', INSIDE, 8090)).toBeNull()
  await setOpen('[]')
  await expect.poll(() => askService(pi, 'udp', INSIDE, 6379), { timeout: 90_000 }).toBeNull()
  await hub.run('nft', ['delete', 'table', 'ip', 'containers'])
})

test('a device that is for one service reaches that and nothing else', async () => {
  const { camera, prefix } = picture.home.lan
  const conf = await added(hub, 'viewer', '--to', `${camera}:554/tcp`)
  expect(conf).toContain(`AllowedIPs = ${camera}/32\n`)
  expect((await hub.homeward(['device', 'list'])).stdout).toMatch(new RegExp(`^viewer .* ${camera}:554/tcp `, 'm'))
  // Whatever its own file says by then.
  const wider = conf.replace(/^AllowedIPs = .*$/m, `AllowedIPs = 10.86.0.0/16, ${prefix}`)
  await asDevice('viewer', wider, async () => {
    await comesToAnswer(phone, 'tcp', camera, 554, /^camera sees/)
    expect(await askService(phone, 'tcp', camera, 555)).toBeNull()
    expect(await askService(phone, 'udp', camera, 554)).toBeNull()
    expect(await askService(phone, 'tcp', '10.86.0.2', 22)).toBeNull()
  })
})

test('of a home that others leave by, no stranger’s address reaches the hub itself', async () => {
  await pi.shell(`sed -i 's/^lan:$/lan:\\n  exit: true/' ${pi.disk.configDir}/agent.yaml`)
  const file = join(hub.disk.path, 'abroad.conf')
  await expect
    .poll(
      async () =>
        (await hub.homeward(['device', 'add', 'abroad', '--conf', file, '--exit', 'cabin'], { allowFailure: true }))
          .exitCode,
      { timeout: 90_000 },
    )
    .toBe(0)
  await expect
    .poll(async () => (await hub.run('wg', ['show', 'hw0', 'allowed-ips'])).stdout, { timeout: 60_000 })
    .toContain('0.0.0.0/0')
  await hub.shell(`nft -f - <<'X'
table ip seen {
  chain came { type filter hook prerouting priority -400; iifname "hw0" ip saddr 198.51.77.7 counter; }
  chain taken { type filter hook input priority 400; iifname "hw0" ip saddr 198.51.77.7 counter; }
}
X`)
  await pi.shell('ip addr add 198.51.77.7/32 dev lo')
  const pings = pi.start('ping', ['-i', '0.2', '-I', '198.51.77.7', INSIDE])
  const counted = async (chain: string): Promise<number> =>
    Number(/packets (\d+)/.exec((await hub.run('nft', ['list', 'chain', 'ip', 'seen', chain])).stdout)?.[1])
  await expect.poll(() => counted('came'), { timeout: 60_000 }).toBeGreaterThan(5)
  expect(await counted('taken')).toBe(0)
  await pings.kill('SIGKILL')
  // And what the exit is for works.
  await asDevice('abroad', await readFile(file, 'utf8'), () =>
    comesToAnswer(
      phone,
      'tcp',
      '203.0.113.1',
      8080,
      new RegExp(`^container sees ${picture.home.customer.poolAddress}`),
    ),
  )
})
