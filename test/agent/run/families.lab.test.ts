import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dropFamily } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { layNat64 } from '../../lab/places/nat64.ts'
import { buildPicture, HUB_NAME, type Picture } from '../../lab/picture.ts'
import { isLong } from '../../long.ts'
import { inviteHome, problemOf, startAgent, startHub, waitForStatus } from '../lab-home.ts'
import { letHubBe } from '../let-hub-be.ts'

let lab: Lab
let picture: Picture
let hub4: string
let hub6: string

/** A hub with both families, and homes with both, with IPv6 only, and with IPv4 only. */
beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, { ipv6: true })
  hub4 = picture.hubAddress
  hub6 = picture.hubIpv6 ?? 'none'
  await startHub(picture, HUB_NAME)
})
afterAll(() => lab.close())

const familyOf = (endpoint: string | null) => (endpoint?.startsWith('[') === true ? 'ipv6' : 'ipv4')

async function joins(pi: Host, home: string): Promise<string> {
  return (await pi.homeward(['join', await inviteHome(picture, home), '--yes'])).stdout
}

describe('a home with both families', () => {
  test('joins by the hub’s name, and lives on when IPv4 dies, and when IPv6 does', async () => {
    const { home } = picture
    await joins(home.pi, 'cabin')
    await startAgent(home.pi)
    const { tunnel } = await waitForStatus(home.pi, (status) => status.tunnel.state === 'up')
    const lost = familyOf(tunnel.endpoint)
    const other = lost === 'ipv4' ? 'ipv6' : 'ipv4'
    for (const [dead, living] of [
      [lost, other],
      [other, lost],
    ] as const) {
      const undo = await dropFamily(home, dead)
      await waitForStatus(
        home.pi,
        ({ tunnel: { state, endpoint } }) => state === 'up' && familyOf(endpoint) === living,
        240_000,
      )
      await undo()
    }
  })
})

describe('a home without IPv4', () => {
  test('is told what its line lacks and what to change on the hub, and joins when that is done', async () => {
    const { pi } = await picture.addHome({ name: 'hut', lan: '192.168.7', lacks: 'ipv4' })
    await letHubBe(picture, hub4)
    const { code, stderr } = await problemOf(pi, ['join', await inviteHome(picture, 'hut'), '--yes'])
    expect(code).toBe('hub-unreachable')
    expect(stderr).toContain(`failed: this line has no IPv4, and ${hub4} is an IPv4 address. On the hub, put its IPv6`)
    expect(stderr).not.toContain('provider')

    await letHubBe(picture, HUB_NAME)
    expect(await joins(pi, 'hut')).toMatch(/The hub sees it at \[2001:db8:/)
    await pi.homeward(['leave', '--yes'])
    await letHubBe(picture, hub4, hub6)
    expect(await joins(pi, 'hut')).toMatch(/The hub sees it at \[2001:db8:/)
  })

  test.runIf(isLong)('reaches a hub that is known by an IPv4 address, where the carrier has a NAT64', async () => {
    const home = await picture.addHome({ name: 'yurt', lan: '192.168.9', lacks: 'ipv4' })
    await layNat64(lab, picture.carrier, home)
    await letHubBe(picture, hub4)
    expect(await joins(home.pi, 'yurt')).toMatch(/The hub sees it at 198\.51\.100\.\d+:/)
    await startAgent(home.pi)
    const { tunnel, hub } = await waitForStatus(home.pi, (status) => status.registration.count > 0)
    expect(tunnel).toMatchObject({ state: 'up', endpoint: '[2001:db8:64::cb00:710a]:51820' })
    expect(hub).toMatchObject({ addresses: [hub4], registrar: 'reachable' })
    expect((await home.pi.homeward(['device', 'add', 'phone', '--conf', '-'])).stdout).toContain(`= ${hub4}:51820`)
  })
})

describe('a home without IPv6', () => {
  test('is told the same the other way round', async () => {
    const { pi } = await picture.addHome({ name: 'lodge', lan: '192.168.8', lacks: 'ipv6' })
    await letHubBe(picture, hub6)
    const { code, stderr } = await problemOf(pi, ['join', await inviteHome(picture, 'lodge'), '--yes'])
    expect(code).toBe('hub-unreachable')
    expect(stderr).toContain(`failed: this line has no IPv6, and ${hub6} is an IPv6 address. On the hub, put its IPv4`)
    expect(stderr).not.toContain('provider')

    await letHubBe(picture, HUB_NAME)
    expect(await joins(pi, 'lodge')).toMatch(/The hub sees it at 198\.51\.100\./)
  })
})
