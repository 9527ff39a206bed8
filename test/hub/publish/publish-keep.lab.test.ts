import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PublicationList } from '../../../protocol/publications.ts'
import { inviteHome, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'

/**
 * Whether a service sees visitors' addresses is measured, not guessed from interfaces: the Pi is on a second network,
 * without a default route there, whose hosts have another gateway, or the Pi.
 *
 *     internet ── carrier ── router ── 192.168.1.0/24 ── pi ── 192.168.7.0/24 ── nas .20
 */

const VISITOR = '198.18.0.20'
const NAS = '192.168.7.20'

let lab: Lab
let picture: Picture
let pi: Host
let nas: Host

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  await lab.setNames({ 'nas.example': [NAS] })
  pi = picture.home.pi
  ;[nas] = (await lab.addHosts([{ name: 'nas' }])) as [Host]
  await lab.connect([
    [
      { host: pi, interface: 'eth1', addresses: ['192.168.7.2/24'] },
      { host: nas, interface: 'eth0', addresses: [`${NAS}/24`], routes: ['default via 192.168.7.1'] },
    ],
  ])
  await startHub(picture)
  const lans = ['--lan', '192.168.1.0/24', '--lan', '192.168.7.0/24']
  await pi.homeward(['join', await inviteHome(picture), ...lans, '--yes'])
  await startAgent(pi)
  await serveEcho(nas, 'nas', 80)
})
afterAll(() => lab.close())

const ask = (): Promise<string | null> => askService(picture.visitor, 'tcp', picture.hubAddress, 8080)

test('a host with another gateway gets visitors all the same, hidden, and the owner is told why', async () => {
  const added = await pi.homeward(['publish', 'add', '8080/tcp', `${NAS}:80`], { allowFailure: true })
  expect(added.stdout).toMatch(/sees one address for all visitors \(--source hide\)/)
  expect(added.stdout).toMatch(
    /✓ home .*visitors are hidden for now: 192\.168\.7\.20 answers the hub.*its gateway is not/,
  )
  expect(added.exitCode).toBe(0)
  expect(await ask()).toBe('nas sees 192.168.7.2')
  const { stdout } = await pi.homeward(['publish', 'list'])
  expect(stdout).toMatch(/8080\/tcp +192\.168\.7\.20:80 +cabin +hide/)
  expect(stdout).toMatch(/^8080\/tcp hides visitors for now: /m)
})

test('once the Pi is its gateway it sees visitors’ addresses, and is measured again when the Pi’s networks change', async () => {
  await nas.shell('ip route replace default via 192.168.7.2')
  // Any change of the Pi's networks will do.
  await pi.shell('ip address add 192.168.7.3/24 dev eth1')
  await expect.poll(ask, { timeout: 60_000 }).toBe(`nas sees ${VISITOR}`)
  const { publications } = JSON.parse((await pi.homeward(['publish', 'list', '--json'])).stdout) as PublicationList
  expect(publications).toMatchObject([{ source: 'keep' }])
  expect(publications[0]).not.toHaveProperty('whyHidden')
  expect((await pi.homeward(['publish', 'check', '8080/tcp'])).exitCode).toBe(0)
})

test('a host beside the Pi is measured too where keeping is asked for: behind the router, and behind the Pi', async () => {
  const { camera, lan } = picture.home
  await serveEcho(camera, 'camera', 554)
  const asked = () => askService(picture.visitor, 'tcp', picture.hubAddress, 554)
  const added = await pi.homeward(['publish', 'add', '554/tcp', `${lan.camera}:554`, '--source', 'keep'])
  expect(added.stdout).toMatch(/visitors are hidden for now: 192\.168\.1\.50 answers the hub.*its gateway is not/)
  expect(await asked()).toBe(`camera sees ${lan.pi}`)
  await camera.shell(`ip route replace default via ${lan.pi}`)
  await expect
    .poll(async () => (await pi.homeward(['publish', 'check', '554/tcp'])).stdout, { timeout: 60_000 })
    .not.toContain('visitors are hidden')
  expect(await asked()).toBe(`camera sees ${VISITOR}`)
})

test('a service that was given by a host name is followed when it is no longer where it was', async () => {
  const asked = () => askService(picture.visitor, 'tcp', picture.hubAddress, 8090)
  await pi.homeward(['publish', 'add', '8090/tcp', 'nas.example:80'])
  expect(await asked()).toBe(`nas sees ${VISITOR}`)
  await nas.shell(`ip address flush dev eth0
ip address add 192.168.7.21/24 dev eth0
ip route add default via 192.168.7.2`)
  await lab.setNames({ 'nas.example': ['192.168.7.21'] })
  await expect.poll(asked, { timeout: 120_000 }).toBe(`nas sees ${VISITOR}`)
  expect((await pi.homeward(['publish', 'list'])).stdout).toMatch(/8090\/tcp +192\.168\.7\.21:80/)
})
