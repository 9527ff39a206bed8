import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askService, serveEcho } from '../../lab/host/service.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { askedBy, serveCameraPage } from '../../lab/places/camera.ts'
import { type LabOpenwrt, labOpenwrt, openwrtJoinOptions } from '../../lab/places/openwrt.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { inviteHome, plannedSteps, startAgent, startHub } from '../lab-home.ts'

/** A home whose tunnel ends on an OpenWrt router, with what fw4 itself cannot do: other numbers, visitors, a way out. */
let lab: Lab
let picture: Picture
let router: LabOpenwrt
let agent: LabProcess
let before: string

beforeAll(async () => {
  lab = await createLab()
  router = await labOpenwrt(lab)
  picture = await buildPicture(lab, { system: router })
  await startHub(picture)
  before = await router.export()
  const { pi, camera } = picture.home
  await serveEcho(camera, 'camera', 554)
  const options = await openwrtJoinOptions(router, picture.home)
  const token = await inviteHome(picture)
  await pi.homeward(['join', token, ...options, '--lan', '192.168.1.0/24=10.168.1.0/24', '--yes'])
  agent = await startAgent(pi)
})
afterAll(() => lab?.close())

const untilPlanned = () => expect.poll(() => plannedSteps(picture.home.pi), { timeout: 60_000 }).toEqual([])

test('a LAN is known by other numbers, and a visitor keeps the own address', async () => {
  const { hub, phone, visitor, hubAddress } = picture
  const conf = join(phone.disk.configDir, 'phone.conf')
  const { stdout } = await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
  expect(stdout).toContain('AllowedIPs = 10.86.0.0/16, 10.168.1.0/24\n')
  await writeFile(conf, stdout, { mode: 0o600 })
  await phone.run('wg-quick', ['up', conf])
  for (const protocol of ['tcp', 'udp'] as const)
    expect(await askService(phone, protocol, '10.168.1.50', 554)).toMatch(/^camera sees 10\.86\.0\.\d+$/)
  await phone.run('wg-quick', ['down', conf])
  await picture.home.pi.homeward(['publish', 'add', '2554/tcp', '192.168.1.50:554', '--source', 'keep'])
  await expect
    .poll(() => askService(visitor, 'tcp', hubAddress, 2554), { timeout: 60_000 })
    .toBe('camera sees 198.18.0.20')
  await untilPlanned()
})

test('answers to a visitor leave by no other way while the tunnel has none', async () => {
  const { home, visitor, hubAddress } = picture
  await home.router.shell(`nft -f - <<'X'
table ip left { chain c { type filter hook postrouting priority 400; oifname "wan0" ip daddr 198.18.0.20 counter; }; }
X`)
  const left = async (): Promise<number> =>
    Number(/packets (\d+)/.exec((await home.router.run('nft', ['list', 'table', 'ip', 'left'])).stdout)?.[1])
  expect(await askService(visitor, 'tcp', hubAddress, 2554)).toBe('camera sees 198.18.0.20')
  // Visitors go on asking; the route into the tunnel is gone, as while its interface is made again. The agent, which would
  // put it back within seconds, stands still meanwhile.
  await agent.kill('SIGSTOP')
  await home.router.run('ip', ['route', 'flush', 'table', '186'])
  expect(await askService(visitor, 'tcp', hubAddress, 2554)).toBeNull()
  await agent.kill('SIGCONT')
  expect(await left()).toBe(0)
  // And it comes back by itself.
  await expect
    .poll(() => askService(visitor, 'tcp', hubAddress, 2554), { timeout: 90_000 })
    .toBe('camera sees 198.18.0.20')
  await home.router.run('nft', ['delete', 'table', 'ip', 'left'])
})

test('devices go out to the internet by the home’s line, and to no private neighbour of it', async () => {
  const { home, hub, phone, visitor, internet } = picture
  await Promise.all([serveCameraPage(visitor), serveEcho(internet, 'neighbour', 8080)])
  await internet.run('ip', ['addr', 'add', '10.9.9.9/32', 'dev', 'lo'])
  await home.pi.shell(`sed -i 's/^lan:$/lan:\\n  exit: true/' ${home.pi.disk.configDir}/agent.yaml`)
  const file = join(hub.disk.path, 'abroad.conf')
  const added = async (): Promise<number> =>
    (await hub.homeward(['device', 'add', 'abroad', '--conf', file, '--exit', 'cabin'], { allowFailure: true }))
      .exitCode
  await expect.poll(added, { timeout: 60_000 }).toBe(0)
  await untilPlanned()
  // Where the owner's own firewall translates nothing of theirs, they are seen as the router all the same.
  await router.console('nft insert rule inet fw4 srcnat oifname "wan0" ip saddr 10.86.0.0/16 accept')
  const conf = join(phone.disk.configDir, 'abroad.conf')
  await writeFile(conf, await readFile(file, 'utf8'), { mode: 0o600 })
  // As a laptop has it: the file leads IPv6 into the tunnel too.
  await phone.shell(
    'echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
  )
  await phone.run('wg-quick', ['up', conf])
  const page = async (): Promise<string> =>
    (await phone.run('curl', ['-sS', '--max-time', '5', 'http://198.18.0.20/'], { allowFailure: true })).stdout
  await expect.poll(async () => askedBy(await page()), { timeout: 60_000 }).toBe(home.customer.poolAddress)
  expect(await askService(home.camera, 'tcp', '10.9.9.9', 8080)).toMatch(/^neighbour sees/)
  expect(await askService(phone, 'tcp', '10.9.9.9', 8080)).toBeNull()
  await phone.run('wg-quick', ['down', conf])
  await untilPlanned()
})

test('leaving takes the file, its chains and the ways along', async () => {
  const { pi, router: host } = picture.home
  await pi.homeward(['leave', '--yes'])
  expect(await router.export()).toBe(before)
  expect(await router.console('ls -A /etc/nftables.d')).toBe('')
  expect(await router.console('nft list table inet fw4')).not.toContain('homeward_')
  expect((await host.shell('ip rule show; ip route show table all')).stdout).not.toMatch(/fwmark|hw0|table 186/)
})
