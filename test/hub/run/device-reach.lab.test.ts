import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import { inviteHome, problemOf, startAgent, startHub } from '../../agent/lab-home.ts'
import { askedBy, serveCameraPage } from '../../lab/places/camera.ts'
import type { Home } from '../../lab/places/home.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/** Devices with less than everything, or more. */
let lab: Lab
let picture: Picture
let barn: Home

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  barn = await picture.addHome({ name: 'barn' })
  await startHub(picture)
  for (const [name, { pi }] of [
    ['cabin', picture.home],
    ['barn', barn],
  ] as const) {
    await pi.homeward(['join', await inviteHome(picture, name), '--yes'])
    await startAgent(pi)
  }
})
afterAll(() => lab.close())

/** Whether the camera's page comes to this host. */
async function seesCamera(host: Host, home: Home = picture.home): Promise<boolean> {
  const page = await host.run('curl', ['-sS', '--max-time', '2', `http://${home.lan.camera}/`], { allowFailure: true })
  return page.stdout.includes('camera')
}

const comesToSeeCamera = (host: Host, home: Home = picture.home) =>
  expect.poll(() => seesCamera(host, home), { timeout: 60_000 }).toBe(true)

const add = async (name: string, ...options: readonly string[]): Promise<void> => {
  const conf = join(picture.phone.disk.configDir, `${name}.conf`)
  const { stdout } = await picture.hub.homeward(['device', 'add', name, '--conf', '-', ...options])
  await writeFile(conf, stdout, { mode: 0o600 })
  await picture.phone.run('wg-quick', ['up', conf])
}
const down = (name: string) =>
  picture.phone.run('wg-quick', ['down', join(picture.phone.disk.configDir, `${name}.conf`)])

/** A private host, a carrier's, and where Azure keeps what its machines know of themselves. */
const NEIGHBOURS = ['10.9.9.9', '100.64.200.1', '168.63.129.16']

test('limited to one home, it reaches no other, whatever it writes into its own file', async () => {
  await add('guest', '--home', 'barn')
  await comesToSeeCamera(picture.phone, barn)
  expect(await seesCamera(picture.phone)).toBe(false)
  const key = (await picture.phone.run('wg', ['show', 'guest', 'peers'])).stdout.trim()
  await picture.phone.run('wg', ['set', 'guest', 'peer', key, 'allowed-ips', '0.0.0.0/0'])
  await picture.phone.run('ip', ['route', 'add', '192.168.1.0/24', 'dev', 'guest'])
  await comesToSeeCamera(picture.phone, barn)
  expect(await seesCamera(picture.phone)).toBe(false)
  await down('guest')
  const refused = await problemOf(picture.hub, ['device', 'add', 'other', '--conf', '-', '--home', 'nowhere'])
  expect(refused).toMatchObject({ code: 'home-missing' })
})

test('added at a home it reaches that home alone', async () => {
  const { stdout } = await picture.home.pi.homeward(['device', 'add', 'kid', '--conf', '-'])
  const conf = join(picture.phone.disk.configDir, 'kid.conf')
  await writeFile(conf, stdout.replace(/AllowedIPs = .*/, 'AllowedIPs = 10.86.0.0/16, 192.168.0.0/16'), {
    mode: 0o600,
  })
  await picture.phone.run('wg-quick', ['up', conf])
  await comesToSeeCamera(picture.phone)
  expect(await seesCamera(picture.phone, barn)).toBe(false)
  await down('kid')
})

test('with --full everything goes through the hub, and comes from its address', async () => {
  await serveCameraPage(picture.visitor)
  await serveEcho(picture.internet, 'neighbour', 8080)
  for (const neighbour of NEIGHBOURS) {
    await picture.internet.run('ip', ['addr', 'add', `${neighbour}/32`, 'dev', 'lo'])
    await picture.hub.run('ip', ['route', 'add', neighbour, 'via', '203.0.113.1'])
  }
  // As a laptop has it: the file leads IPv6 into the tunnel too.
  await picture.phone.shell(
    'echo 0 > /proc/sys/net/ipv6/conf/all/disable_ipv6; echo 0 > /proc/sys/net/ipv6/conf/default/disable_ipv6',
  )
  await add('traveller', '--full')
  const page = await picture.phone.run('curl', ['-sS', '--max-time', '30', 'http://198.18.0.20/'])
  expect(askedBy(page.stdout)).toBe(picture.hubAddress)
  await comesToSeeCamera(picture.phone)
  // The hub's provider has more beside it than the internet.
  expect(await askService(picture.phone, 'tcp', '203.0.113.1', 8080)).toBe(`neighbour sees ${picture.hubAddress}`)
  for (const neighbour of NEIGHBOURS) {
    expect(await askService(picture.hub, 'tcp', neighbour, 8080)).toMatch(/^neighbour sees/)
    expect(await askService(picture.phone, 'tcp', neighbour, 8080)).toBeNull()
  }
  await down('traveller')
  expect(askedBy((await picture.phone.run('curl', ['-sS', 'http://198.18.0.20/'])).stdout)).toBe('192.0.2.20')
})

test('with --exit everything goes through a home that allows it, and comes from its line', async () => {
  const refused = await problemOf(picture.hub, ['device', 'add', 'abroad', '--conf', '-', '--exit', 'barn'])
  expect(refused).toMatchObject({ code: 'exit-refused' })
  // Of the older iptables: what comes out of the tunnel from the internet is forged to it.
  await picture.hub.shell('iptables-legacy -t raw -A PREROUTING -m rpfilter --invert -j DROP')
  const config = `${barn.pi.disk.configDir}/agent.yaml`
  await barn.pi.shell(`sed -i 's/^lan:$/lan:\\n  exit: true/' ${config}`)
  await expect
    .poll(async () => (await barn.pi.homeward(['plan'], { allowFailure: true })).exitCode, { timeout: 60_000 })
    .toBe(0)
  await expect
    .poll(
      async () =>
        (
          await picture.hub.homeward(
            ['device', 'add', 'abroad', '--conf', join(picture.hub.disk.path, 'abroad.conf'), '--exit', 'barn'],
            { allowFailure: true },
          )
        ).exitCode,
      { timeout: 60_000 },
    )
    .toBe(0)
  const conf = join(picture.phone.disk.configDir, 'abroad.conf')
  await writeFile(conf, await readFile(join(picture.hub.disk.path, 'abroad.conf'), 'utf8'), { mode: 0o600 })
  await picture.phone.run('wg-quick', ['up', conf])
  const page = await picture.phone.run('curl', ['-sS', '--max-time', '30', 'http://198.18.0.20/'])
  expect(askedBy(page.stdout)).toBe(barn.customer.poolAddress)
  await comesToSeeCamera(picture.phone)
  await comesToSeeCamera(picture.phone, barn)
  expect(await problemOf(picture.hub, ['device', 'add', 'other', '--conf', '-', '--exit', 'cabin'])).toMatchObject({
    code: 'exit-refused',
  })
  expect((await picture.hub.homeward(['device', 'list'])).stdout).toContain('the internet by barn')
  await down('abroad')
  await picture.hub.homeward(['device', 'remove', 'abroad'])
  await picture.hub.shell('iptables-legacy -t raw -F')
  expect((await picture.hub.shell('ip rule; ip route show table all')).stdout).not.toContain('8601')
  expect((await picture.hub.run('wg', ['show', 'hw0', 'allowed-ips'])).stdout).not.toContain('0.0.0.0/0')
})

test('with --expires it goes by itself, its session too', async () => {
  await add('lodger', '--expires', '40s')
  await comesToSeeCamera(picture.phone)
  const { stdout } = await picture.hub.homeward(['device', 'list'])
  expect(stdout).toMatch(/lodger .*20\d\d-.*Z.*20\d\d-.*Z/)
  await expect
    .poll(async () => (await picture.hub.homeward(['device', 'list'])).stdout, { timeout: 120_000 })
    .toMatch(/^lodger .* over /m)
  await expect.poll(() => seesCamera(picture.phone), { timeout: 60_000 }).toBe(false)
  await down('lodger')
})

test('removed, it is cut off in the midst of its talk', async () => {
  await add('talker')
  const talk = picture.phone.start('sh', [
    '-c',
    `while :; do curl -s --max-time 1 http://${picture.home.lan.camera}/ && date +%s%3N; done`,
  ])
  await talk.waitForLine(/picture/)
  await picture.hub.homeward(['device', 'remove', 'talker'])
  const removedAt = Date.now()
  await sleep(8_000)
  const last = Number([...talk.stdout.matchAll(/^(\d{13})$/gm)].at(-1)?.[1])
  expect(last - removedAt).toBeLessThan(6_000)
  await talk.kill('SIGKILL')
  await down('talker')
})

test('the hub has no private key of a home or a phone, and reads what they say without a cipher of their own', async () => {
  const { phone, hub, home } = picture
  const { stdout: conf } = await home.pi.homeward(['device', 'add', 'reader', '--conf', '-'])
  const path = join(phone.disk.configDir, 'reader.conf')
  await writeFile(path, conf, { mode: 0o600 })
  await phone.run('wg-quick', ['up', path])
  const capture = hub.start('tcpdump', ['-i', 'hw0', '-l', '-A', '-n', `src host ${home.lan.camera} and src port 80`])
  await capture.waitForLine(/listening on hw0/)
  await comesToSeeCamera(phone)
  await capture.waitForLine(/picture/)
  await capture.kill('SIGINT')
  const added = (await hub.homeward(['device', 'add', 'written', '--conf', '-'])).stdout
  const texts = [await readFile(join(home.pi.disk.configDir, 'private.key'), 'utf8'), conf, added]
  const keys = texts.map((text) => /(?:PrivateKey = |^)([A-Za-z0-9+/]{43}=)$/m.exec(text)?.[1] ?? '')
  expect(keys.filter((key) => key === '')).toEqual([])
  const { configDir, stateDir } = hub.disk
  for (const key of keys) {
    expect((await hub.run('grep', ['-rF', '-e', key, configDir, stateDir], { allowFailure: true })).stdout).toBe('')
    expect((await hub.run('wg', ['show', 'hw0', 'dump'])).stdout).not.toContain(key)
  }
  await down('reader')
})

test('of the owner it reaches other devices, and of a home it reaches none', async () => {
  const { phone, visitor, home } = picture
  const other = join(visitor.disk.configDir, 'other.conf')
  await writeFile(other, (await picture.hub.homeward(['device', 'add', 'other', '--conf', '-'])).stdout, {
    mode: 0o600,
  })
  await visitor.run('wg-quick', ['up', other])
  const address = /^Address = ([\d.]+)/m.exec(await readFile(other, 'utf8'))?.[1] ?? ''
  await serveEcho(visitor, 'laptop', 8222)
  // It shows itself to the hub, which does not dial.
  await visitor.run('ping', ['-c', '1', '-W', '20', '10.86.0.1'])
  await add('mine')
  await expect.poll(() => askService(phone, 'tcp', address, 8222), { timeout: 60_000 }).toMatch(/^laptop sees 10\.86\./)
  await down('mine')
  const guest = join(phone.disk.configDir, 'guest2.conf')
  await writeFile(guest, (await home.pi.homeward(['device', 'add', 'guest2', '--conf', '-'])).stdout, { mode: 0o600 })
  await phone.run('wg-quick', ['up', guest])
  await comesToSeeCamera(phone)
  expect(await askService(phone, 'tcp', address, 8222)).toBeNull()
  await phone.run('wg-quick', ['down', guest])
  await visitor.run('wg-quick', ['down', other])
})

test('is shown as a QR code, in the terminal and as a picture, with the same text', async () => {
  const svg = join(picture.hub.disk.path, 'phone.svg')
  const { stdout } = await picture.hub.homeward([
    'device',
    'add',
    'tablet',
    '--qr',
    '--svg',
    svg,
    '--dns',
    '192.168.1.2',
    '--json',
  ])
  const facts = JSON.parse(stdout) as { qr: string; svg: string }
  expect(facts.svg).toBe(svg)
  expect((await stat(svg)).mode & 0o777).toBe(0o600)
  expect(await readFile(svg, 'utf8')).toMatch(/^<svg /)
  expect(facts.qr.split('\n').length).toBeGreaterThan(20)
  expect(await problemOf(picture.hub, ['device', 'add', 'pad', '--dns', 'pihole'])).toMatchObject({ exitCode: 64 })
})
