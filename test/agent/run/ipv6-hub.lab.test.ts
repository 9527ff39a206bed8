import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dropAllUdp } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import type { Status } from '../../../agent/report/status.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { inviteHome, startAgent, startHub, waitForStatus } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let joined: string

/** A hub that is known by its IPv6 address alone. */
beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, { ipv6: true })
  pi = picture.home.pi
  await startHub(picture, picture.hubIpv6 ?? 'none')
  joined = (await pi.homeward(['join', await inviteHome(picture), '--yes'])).stdout
})
afterAll(() => lab.close())

describe('a home of a hub that has an IPv6 address only', () => {
  test('joins, and is told in brackets where the hub sees it', () => {
    expect(joined).toMatch(/The hub sees it at \[2001:db8:[0-9a-f:]+\]:\d+\./)
  })

  test('registers, and its status has brackets where a port follows', async () => {
    await startAgent(pi)
    await waitForStatus(pi, ({ mapping, hub }) => mapping.address !== null && hub.registrar === 'reachable', 60_000)
    const { stdout } = await pi.homeward(['status'], { allowFailure: true })
    expect(stdout).toContain(`hub        [${picture.hubIpv6}]:51820, registrar reachable`)
    expect(stdout).toMatch(/ mapping {4}\[2001:db8:[0-9a-f:]+\]:\d+ since /)
    await expect
      .poll(async () => (await pi.homeward(['events'])).stdout)
      .toMatch(/the hub sees this home at \[2001:db8:[0-9a-f:]+\]:\d+/)
  })

  test('gives its devices an endpoint that WireGuard takes', async () => {
    const { stdout } = await pi.homeward(['device', 'add', 'phone', '--conf', '-'])
    expect(stdout).toContain(`Endpoint = [${picture.hubIpv6}]:51820\n`)
  })

  test('reaches it over TCP where all UDP is blocked', async () => {
    const allowUdp = await dropAllUdp(picture.home)
    // Where it is on its way is known before WireGuard sends there.
    const isOnTransport = ({ tunnel: { notes, endpoint, state } }: Status): boolean =>
      notes.includes('tcp-carrier') && endpoint?.startsWith('127.0.0.1:') === true && state === 'up'
    await waitForStatus(pi, isOnTransport, 90_000)
    await allowUdp()
  })
})
