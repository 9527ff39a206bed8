import { afterAll, beforeAll, expect, test } from 'vitest'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { hubStatusOf, inviteHome, startAgent, startHub, waitForStatus } from '../lab-home.ts'

/** The home's router is replaced, and its LAN has other numbers. */
let lab: Lab
let picture: Picture

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  await startHub(picture)
})
afterAll(() => lab.close())

test('plan and status offer the new LAN with the command, which the hub then has; auto follows the next one', async () => {
  const { hub, home } = picture
  const { pi, router } = home
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await startAgent(pi)
  await hub.homeward(['publish', 'add', '8443/tcp', '192.168.1.50:443', '--home', 'cabin'], { allowFailure: true })
  const renumber = async (before: string, after: string): Promise<void> => {
    await router.shell(`ip addr add ${after}.1/24 dev lan0`)
    await pi.shell(`ip addr add ${after}.2/24 dev eth0
ip route replace default via ${after}.1
ip addr del ${before}.2/24 dev eth0`)
  }
  await renumber('192.168.1', '192.168.8')
  const { router: seen } = await waitForStatus(pi, ({ router }) => router.warnings.length > 0)
  expect(seen.warnings).toEqual([expect.stringContaining('sudo homeward lan 192.168.8.0/24')])
  expect((await pi.homeward(['plan'])).stdout).toContain('is none of this machine’s networks')
  await pi.homeward(['lan', '192.168.8.0/24'])
  const lanAtHub = async () => (await hubStatusOf(hub)).homes[0]?.lan
  await expect.poll(lanAtHub, { timeout: 60_000 }).toEqual(['192.168.8.0/24'])
  expect((await hubStatusOf(hub)).notes).toEqual([
    expect.stringMatching(/^8443\/tcp leads nowhere: 192\.168\.1\.50 is no longer in/),
  ])
  await pi.homeward(['lan', 'auto'])
  await renumber('192.168.8', '192.168.9')
  await expect.poll(lanAtHub, { timeout: 60_000 }).toEqual(['192.168.9.0/24'])
})
