import { afterAll, beforeAll, expect, it } from 'vitest'
import { BARE, layBareWireguard } from '../../../bench/bare-wireguard.ts'
import { dropFamily, dropThisFlow, moveHub, rebootHub, rebootRouter } from '../faults/faults.ts'
import type { Host } from '../host/host.ts'
import { createLab, type Lab } from '../lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../picture.ts'
import { tunnelFlow } from '../traffic/tunnel-flow.ts'

let lab: Lab
let picture: Picture

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, { ipv6: true })
})
afterAll(() => lab.close())

async function reaches(from: Host, address: string | null): Promise<boolean> {
  const ping = await from.run('ping', ['-c1', '-W1', address ?? 'nowhere'], { allowFailure: true })
  return ping.exitCode === 0
}

const comesToReach = (from: Host, address: string | null) =>
  expect.poll(() => reaches(from, address), { timeout: 60_000 }).toBe(true)

/** Comes to reach the hub by IPv4, and by IPv6. */
const both = (from: Host) =>
  expect.poll(async () => [await reaches(from, picture.hubAddress), await reaches(from, picture.hubIpv6)], {
    timeout: 60_000,
  })

it('the home reaches the hub by both families, and by its name over IPv6 first', async () => {
  const { pi } = picture.home
  await both(pi).toEqual([true, true])
  const { stdout } = await pi.run('getent', ['ahosts', HUB_NAME])
  expect(stdout.split(' ')[0]).toBe(picture.hubIpv6)
})

it('nothing comes in over IPv6 that was not asked for', async () => {
  expect(await reaches(picture.hub, picture.home.lan.piIpv6)).toBe(false)
  await comesToReach(picture.home.router, picture.home.lan.piIpv6)
})

it.each(['ipv4', 'ipv6'] as const)('%s can die alone', async (family) => {
  const undo = await dropFamily(picture.home, family)
  await both(picture.home.pi).toEqual([family !== 'ipv4', family !== 'ipv6'])
  await undo()
  await both(picture.home.pi).toEqual([true, true])
})

it('a flow over IPv6 can be dropped, its neighbour lives', async () => {
  const { hub, home } = picture
  await layBareWireguard(hub, home.pi, `[${picture.hubIpv6}]`)
  const undo = await dropThisFlow(home, { flow: await tunnelFlow(home.pi, BARE.interface) })
  expect(await reaches(home.pi, BARE.hub)).toBe(false)
  await home.pi.run('wg', ['set', BARE.interface, 'listen-port', '0'])
  await comesToReach(home.pi, BARE.hub)
  await undo()
})

it('both families outlive reboots, and a moved hub moves with both', async () => {
  await Promise.all([rebootRouter(lab, picture.home), rebootHub(lab, picture)])
  await both(picture.home.pi).toEqual([true, true])
  const old = picture.hubIpv6
  await moveHub(lab, picture)
  expect(picture.hubIpv6).not.toBe(old)
  await both(picture.home.pi).toEqual([true, true])
  expect(await reaches(picture.home.pi, old)).toBe(false)
})
