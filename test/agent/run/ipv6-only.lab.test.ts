import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Status } from '../../../agent/report/status.ts'
import { dropAllUdp, hubAway } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, IPV6_ONLY, type Picture } from '../../lab/picture.ts'
import { askedBy } from '../../lab/places/camera.ts'
import { inviteHome, plannedSteps, startAgent, startHub, waitForStatus } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let hub6: string
let joined: string

/** Neither the VPS nor the home's line has IPv4, and the hub is known by its address. */
beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, IPV6_ONLY)
  pi = picture.home.pi
  hub6 = picture.hubIpv6 ?? 'none'
  await startHub(picture, hub6)
  joined = (await pi.homeward(['join', await inviteHome(picture), '--yes'])).stdout
})
afterAll(() => lab.close())

describe('a home and a hub with IPv6 only', () => {
  test('join in 5 s, and the home is told in brackets where the hub sees it', () => {
    expect(joined).toMatch(/The hub sees it at \[2001:db8:[0-9a-f:]+\]:\d+\./)
    // By the home's own clock: the rest of what a join takes is this machine's, not the line's.
    expect(Number(/the tunnel answered after ([\d.]+) s/.exec(joined)?.[1])).toBeLessThan(5)
  })

  test('the home registers, and its status has brackets where a port follows', async () => {
    await startAgent(pi)
    await waitForStatus(pi, ({ mapping, hub }) => mapping.address !== null && hub.registrar === 'reachable', 60_000)
    const { stdout } = await pi.homeward(['status'], { allowFailure: true })
    expect(stdout).toContain(`hub        [${hub6}]:51820, registrar reachable`)
    expect(stdout).toMatch(/ mapping {4}\[2001:db8:[0-9a-f:]+\]:\d+ since .*no NAT in between/)
    await expect
      .poll(async () => (await pi.homeward(['events'])).stdout)
      .toMatch(/the hub sees this home at \[2001:db8:[0-9a-f:]+\]:\d+/)
    expect(await plannedSteps(pi)).toEqual([])
  })

  test('a phone reaches the camera by an endpoint in brackets', async () => {
    const { stdout } = await pi.homeward(['device', 'add', 'phone', '--conf', '-'])
    expect(stdout).toContain(`Endpoint = [${hub6}]:51820\n`)
    const { phone, home } = picture
    const file = join(phone.disk.path, 'phone.conf')
    await writeFile(file, stdout, { mode: 0o600 })
    await phone.run('wg-quick', ['up', file])
    const page = () =>
      phone.run('curl', ['-s', '--max-time', '2', `http://${home.lan.camera}/`], { allowFailure: true })
    await expect.poll(async () => askedBy((await page()).stdout), { timeout: 60_000 }).toBe(home.lan.pi)
  })

  test('a published port is not called proven: visitors come over IPv4, and this VPS has none', async () => {
    const asked = ['publish', 'add', '8080/tcp', `${picture.home.lan.camera}:80`]
    const { exitCode, stdout } = await pi.homeward(asked, { allowFailure: true })
    expect(exitCode).toBe(2)
    expect(stdout).toContain(
      '✗ hub      the hub says: "this VPS has no IPv4, and visitors of published ports must come over',
    )
    expect(stdout).not.toContain('✓')
  })

  test('all UDP blocked: the tunnel goes over TCP, and status says where to', async () => {
    const allowUdp = await dropAllUdp(picture.home)
    // Where it is on its way is known before WireGuard sends there.
    const isOnTransport = ({ tunnel: { notes, endpoint, state } }: Status): boolean =>
      notes.includes('tcp-carrier') && endpoint?.startsWith('127.0.0.1:') === true && state === 'up'
    await waitForStatus(pi, isOnTransport, 240_000)
    const { stdout } = await pi.homeward(['status'], { allowFailure: true })
    expect(stdout).toContain(`hub        [${hub6}]:51820 over TCP, registrar reachable`)
    expect(stdout).not.toContain('behind NAT')
    await allowUdp()
  })

  test('a hub that is away is told from a dead line', async () => {
    const back = await hubAway(picture)
    await waitForStatus(pi, ({ tunnel }) => tunnel.cause === 'hub-down', 90_000)
    await back()
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 90_000)
  })
})
