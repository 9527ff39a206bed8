import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { eventsOf, inviteHome, plannedSteps, startAgent, startHub, statusOf } from '../lab-home.ts'
import { isLong } from '../../long.ts'

let lab: Lab
let picture: Picture
let pi: Host

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
})
afterAll(() => lab.close())

/** As after a boot: no interface yet, and a clock that shows less than it once did. */
async function bootInThePast(): Promise<void> {
  await pi.shell('ip link del hw0')
  const seen = new Date(Date.now() + 3_600_000).toISOString()
  await pi.run('tee', [`${pi.disk.stateDir}/clock.json`], { input: `{"seen":"${seen}"}\n` })
}

const clockEvents = async () => (await eventsOf(pi)).filter((event) => event.kind === 'clock')

describe('a home whose clock is behind what it remembers', () => {
  test('believes the hub, out of band, that its clock is right after all', async () => {
    await bootInThePast()
    const agent = await startAgent(pi)
    expect(agent.stdout).toMatch(/the tunnel waits for it[^]*the tunnel begins[^]*the tunnel is up/)
    const [event] = await clockEvents()
    expect(event?.behindSeconds).toBeGreaterThan(3_500)
    expect(event?.waitedSeconds).toBeLessThan(40)
    await expect.poll(() => plannedSteps(pi)).toEqual([])
    await agent.stop()
    // What it remembers now is no longer of the future.
    const { seen } = JSON.parse((await pi.run('cat', [`${pi.disk.stateDir}/clock.json`])).stdout) as { seen: string }
    expect(Date.parse(seen)).toBeLessThanOrEqual(Date.now())
  })

  test.runIf(isLong)(
    'without the hub’s word waits a minute, answers status meanwhile, and begins then',
    async () => {
      await bootInThePast()
      const { carrier, customer } = picture.home
      const restore = await carrier.addFault([`iifname ${customer.interface} tcp dport 51820 drop`])
      const startedAt = performance.now()
      const agent = pi.startHomeward(['run'])
      await agent.waitForLine(/the tunnel waits for it/)
      expect((await statusOf(pi)).tunnel.interface).toBe('hw0')
      expect((await pi.run('ip', ['link', 'show', 'hw0'], { allowFailure: true })).exitCode).toBe(1)
      await agent.waitForLine(/the tunnel is up/, { timeoutMs: 90_000 })
      expect(performance.now() - startedAt).toBeGreaterThan(59_000)
      await restore()
      expect((await clockEvents()).at(-1)).toMatchObject({ waitedSeconds: expect.closeTo(60, -1) })
      await agent.stop()
    },
    300_000,
  )
})
