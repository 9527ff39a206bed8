import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { inviteHome, machineState, problemOf, startAgent, startHub } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let before: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  await startHub(picture)
  // Somebody else's: it must be there, untouched, when homeward is gone.
  await pi.shell(`
wireguard-go wg9
ip addr add 10.99.0.1/24 dev wg9
nft add table inet mine
nft add chain inet mine forward '{ type filter hook forward priority 5; }'
ip route add 10.98.0.0/24 via 192.168.1.1
`)
  before = await machineState(pi)
})
afterAll(() => lab.close())

beforeEach(async () => {
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  expect(await machineState(pi)).not.toBe(before)
})
afterEach(async () => {
  expect(await machineState(pi)).toBe(before)
})

async function homesOfHub(): Promise<readonly string[]> {
  const { stdout } = await picture.hub.homeward(['hub', 'status', '--json'])
  return (JSON.parse(stdout) as { homes: readonly { name: string }[] }).homes.map((home) => home.name)
}

describe('leave', () => {
  test('ends the agent, and leaves the machine as it was; the hub forgets the home', async () => {
    const agent = await startAgent(pi)
    expect(await homesOfHub()).toContain('cabin')
    expect((await pi.homeward(['leave', '--yes'])).exitCode).toBe(0)
    expect(await agent.exited).toMatchObject({ code: 0 })
    expect(await homesOfHub()).not.toContain('cabin')
    expect(await problemOf(pi, ['leave', '--yes'])).toMatchObject({ exitCode: 1, code: 'config-missing' })
  })

  test('works when no agent runs', async () => {
    await pi.homeward(['leave', '--yes'])
    expect(await homesOfHub()).not.toContain('cabin')
  })

  test('works when the hub is out of reach, and says what is left to do there', async () => {
    const restore = await picture.home.carrier.addFault([
      `iifname ${picture.home.customer.interface} tcp dport 51820 drop`,
    ])
    const { exitCode, stderr } = await pi.homeward(['leave', '--yes'])
    await restore()
    expect(exitCode).toBe(0)
    expect(stderr).toContain('homeward hub remove cabin')
  })

  test('works when the hub has removed the home already', async () => {
    await picture.hub.homeward(['hub', 'remove', 'cabin', '--yes'])
    const { exitCode, stderr } = await pi.homeward(['leave', '--yes'])
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  })

  test('killed at any moment and run again, ends the work', async () => {
    for (const afterMs of [60, 100, 130, 160, 200]) {
      const killed = pi.startHomeward(['leave', '--yes'])
      await sleep(afterMs)
      await killed.kill('SIGKILL')
      await killed.exited
      const again = await pi.homeward(['leave', '--yes'], { allowFailure: true })
      // 1: it had ended before it was killed.
      expect([0, 1]).toContain(again.exitCode)
      expect(await machineState(pi), `killed after ${afterMs} ms`).toBe(before)
      expect(await homesOfHub()).not.toContain('cabin')
      await pi.homeward(['join', await inviteHome(picture), '--yes'])
    }
    await pi.homeward(['leave', '--yes'])
  })

  test('asks first, and changes nothing when there is nobody to ask', async () => {
    const joined = await machineState(pi)
    expect(await problemOf(pi, ['leave'])).toMatchObject({ exitCode: 64, code: 'needs-yes' })
    expect(await machineState(pi)).toBe(joined)
    await pi.homeward(['leave', '--yes'])
  })
})
