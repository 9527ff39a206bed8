import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { askedBy, serveCameraPage } from '../../lab/places/camera.ts'
import { joinOptions, type LabMikrotik, labMikrotik } from '../../lab/places/mikrotik.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { inviteHome, plannedSteps, problemOf, startAgent, startHub } from '../lab-home.ts'

/**
 * What an owner may have who knows no such network: nothing is translated for it, and nothing passes to it. Both stand
 * before what usually lets such packets through.
 */
const OWNER = `
/ip/firewall/nat/add chain=srcnat action=accept src-address=10.86.0.0/16 place-before=[find where comment="translate"]
/ip/firewall/filter/add chain=forward action=drop dst-address=10.86.0.0/16 place-before=[find where comment="defconf: fasttrack"]`

/** A device that goes out to the internet by the line of a home whose tunnel ends on a MikroTik. */
let lab: Lab
let picture: Picture
let router: LabMikrotik
let before: string
let joined: string

beforeAll(async () => {
  lab = await createLab()
  router = await labMikrotik(lab, { setup: OWNER })
  picture = await buildPicture(lab, { system: router })
  await startHub(picture)
  before = await router.export()
  const { pi, camera } = picture.home
  await Promise.all([
    serveCameraPage(picture.visitor),
    serveEcho(picture.internet, 'neighbour', 8080),
    serveEcho(camera, 'camera', 554),
  ])
  const options = await joinOptions(router, picture.home)
  await pi.homeward(['join', await inviteHome(picture), ...options, '--yes'])
  joined = await router.export()
  await startAgent(pi)
})
afterAll(() => lab?.close())

const untilPlanned = () => expect.poll(() => plannedSteps(picture.home.pi), { timeout: 60_000 }).toEqual([])
const page = async (): Promise<string> =>
  (await picture.phone.run('curl', ['-sS', '--max-time', '5', 'http://198.18.0.20/'], { allowFailure: true })).stdout
const untilOut = () =>
  expect.poll(async () => askedBy(await page()), { timeout: 60_000 }).toBe(picture.home.customer.poolAddress)
/** Whether a connection to the router's API comes to be there: curl tells when it did, whatever becomes of it after that. */
const opens = async (from: Host, address: string): Promise<boolean> => {
  const args = ['-sk', '-o', '/dev/null', '-m', '3', '-w', '%{time_connect}', `https://${address}:8729/`]
  return Number((await from.run('curl', args, { allowFailure: true })).stdout) > 0
}

test('devices go out by the home’s line, and to no private neighbour of it nor to the router', async () => {
  const { home, hub, phone, internet } = picture
  await internet.run('ip', ['addr', 'add', '10.9.9.9/32', 'dev', 'lo'])
  await home.pi.shell(`sed -i 's/^lan:$/lan:\\n  exit: true/' ${home.pi.disk.configDir}/agent.yaml`)
  const file = join(hub.disk.path, 'abroad.conf')
  const added = async (): Promise<number> =>
    (await hub.homeward(['device', 'add', 'abroad', '--conf', file, '--exit', 'cabin'], { allowFailure: true }))
      .exitCode
  await expect.poll(added, { timeout: 60_000 }).toBe(0)
  await untilPlanned()
  const conf = join(phone.disk.configDir, 'abroad.conf')
  await writeFile(conf, await readFile(file, 'utf8'), { mode: 0o600 })
  // As a laptop has it: the file leads IPv6 into the tunnel too.
  await phone.shell(
    'echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
  )
  await phone.run('wg-quick', ['up', conf])
  await untilOut()
  expect(await askService(phone, 'tcp', home.lan.camera, 554)).toMatch(/^camera sees/)
  expect(await askService(home.camera, 'tcp', '10.9.9.9', 8080)).toMatch(/^neighbour sees/)
  expect(await askService(phone, 'tcp', '10.9.9.9', 8080)).toBeNull()
  // A router that is busy answers late: that it listens at all is seen first.
  await expect.poll(() => opens(home.pi, home.lan.router)).toBe(true)
  for (const address of [home.lan.router, '10.86.0.2', home.customer.wanAddress])
    expect(await opens(phone, address), address).toBe(false)
})

test('none of it is anybody else’s, and it comes back when its rules are deleted, switched off or narrowed', async () => {
  const foreign = async (): Promise<readonly string[]> =>
    (await router.export()).split('\n').filter((line) => !line.includes('"homeward hw0'))
  expect(await foreign()).toEqual(joined.split('\n').filter((line) => !line.includes('"homeward hw0')))
  const whole = await router.export()
  for (const drift of [
    '/ip/firewall/nat/remove [find where comment~"^homeward hw0 exit "]',
    '/ip/firewall/filter/disable [find where comment~"^homeward hw0 forward-exit "]',
    '/ip/firewall/filter/remove [find where comment="homeward hw0 forward-back"]',
    '/ip/firewall/filter/set [find where comment~"^homeward hw0 forward-exit 192.169"] dst-address=198.18.0.0-198.18.0.9',
  ]) {
    await router.console(drift)
    await expect.poll(() => router.export(), { timeout: 60_000, message: drift }).toBe(whole)
    await untilOut()
  }
  await untilPlanned()
})

test('switched off, they go out no more, no device is added for it, and the router is as it was without', async () => {
  const { home, hub } = picture
  await home.pi.shell(`sed -i '/^  exit: true$/d' ${home.pi.disk.configDir}/agent.yaml`)
  await expect.poll(() => router.export(), { timeout: 60_000 }).toBe(joined)
  await untilPlanned()
  expect(await page()).toBe('')
  const refused = () => problemOf(hub, ['device', 'add', 'late', '--conf', '-', '--exit', 'cabin'])
  expect(await refused()).toMatchObject({ code: 'exit-refused' })
})

test('leaving with it on brings the router back byte for byte', async () => {
  const { pi } = picture.home
  await pi.shell(`sed -i 's/^lan:$/lan:\\n  exit: true/' ${pi.disk.configDir}/agent.yaml`)
  await untilOut()
  await pi.homeward(['leave', '--yes'])
  expect(await router.export()).toBe(before)
  expect(await page()).toBe('')
})
