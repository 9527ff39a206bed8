import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, plannedSteps, problemOf, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Home } from '../../lab/places/home.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { joinOptions, labMikrotik, type LabMikrotik } from '../../lab/places/mikrotik.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'

/** The cabin behind a Pi, the lodge behind a MikroTik, and the phone: all of them in a 192.168.1.0/24. */
let lab: Lab
let picture: Picture
let lodge: Home
let mikrotik: LabMikrotik
let printer: Host

beforeAll(async () => {
  lab = await createLab()
  mikrotik = await labMikrotik(lab)
  picture = await buildPicture(lab)
  lodge = await picture.addHome({ name: 'lodge', lan: '192.168.1', system: mikrotik })
  const [added] = await lab.addHosts([{ name: 'printer' }])
  printer = added!
  await lab.connect([
    [
      { host: picture.phone, interface: 'wlan0', addresses: ['192.168.1.77/24'] },
      { host: printer, interface: 'eth0', addresses: ['192.168.1.9/24'] },
    ],
  ])
  await startHub(picture)
  await Promise.all([
    serveEcho(picture.home.camera, 'cabin', 554),
    serveEcho(lodge.camera, 'lodge', 554),
    serveEcho(printer, 'printer', 9100),
  ])
})
afterAll(() => lab.close())

test('a join says that a phone may be in such a network too, and what to do', async () => {
  const token = await inviteHome(picture, 'cabin')
  const { stdout } = await picture.home.pi.homeward(['join', token, '--dry-run'])
  expect(stdout).toMatch(
    /note: .*a phone may be in are 192\.168\.1\.0\/24 too.*--lan 192\.168\.1\.0\/24=10\.168\.1\.0\/24/,
  )
  await picture.home.pi.homeward(['join', token, '--lan', '192.168.1.0/24=10.168.1.0/24', '--yes'])
  await startAgent(picture.home.pi)
})

test('a second home with numbers that are taken is refused, with others that are free', async () => {
  const options = await joinOptions(mikrotik, lodge)
  const token = await inviteHome(picture, 'lodge')
  const taken = '192.168.1.0/24=10.168.1.0/24'
  const refused = await problemOf(lodge.pi, ['join', token, ...options, '--lan', taken, '--yes'])
  expect(refused.code).toBe('lan-overlaps')
  expect(refused.stderr).toMatch(/the LAN of the home cabin.*--lan OWN=10\.168\.0\.0\/24/)
  const odd = await problemOf(lodge.pi, ['join', token, ...options, '--lan', '192.168.1.0/24=10.0.0.0/16', '--yes'])
  expect(odd.code).toBe('prefix-invalid')
  await lodge.pi.homeward(['join', token, ...options, '--lan', '192.168.1.0/24=10.168.2.0/24', '--yes'], {
    timeoutMs: 120_000,
  })
  await startAgent(lodge.pi)
})

test('a phone in such a network reaches both homes and its own neighbours', async () => {
  const conf = join(picture.phone.disk.configDir, 'phone.conf')
  const { stdout } = await picture.hub.homeward(['device', 'add', 'phone', '--conf', '-'])
  expect(stdout).toContain('AllowedIPs = 10.86.0.0/16, 10.168.1.0/24, 10.168.2.0/24\n')
  await writeFile(conf, stdout, { mode: 0o600 })
  await picture.phone.run('wg-quick', ['up', conf])
  const { phone } = picture
  expect(await askService(phone, 'tcp', '10.168.1.50', 554)).toMatch(/^cabin sees/)
  expect(await askService(phone, 'udp', '10.168.2.50', 554)).toMatch(/^lodge sees/)
  expect(await askService(phone, 'tcp', '192.168.1.9', 9100)).toBe('printer sees 192.168.1.77')
})

test('services are published under their own addresses, and the plan is empty at both', async () => {
  const { home, hubAddress, visitor } = picture
  await home.pi.homeward(['publish', 'add', '1554/tcp', '192.168.1.50:554'])
  await lodge.pi.homeward(['publish', 'add', '2554/tcp', '192.168.1.50:554', '--source', 'keep'])
  expect(await askService(visitor, 'tcp', hubAddress, 1554)).toBe(`cabin sees ${home.lan.pi}`)
  await expect
    .poll(() => askService(visitor, 'tcp', hubAddress, 2554), { timeout: 60_000 })
    .toBe('lodge sees 198.18.0.20')
  for (const { pi } of [home, lodge]) await expect.poll(() => plannedSteps(pi)).toEqual([])
})
