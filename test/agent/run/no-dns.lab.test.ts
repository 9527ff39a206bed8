import { afterAll, beforeAll, expect, test } from 'vitest'
import { forgetMapping } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { isLong } from '../../long.ts'
import { hubStatusOf, inviteHome, startAgent, startHub, statusOf, waitForStatus } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let agent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  await startHub(picture, HUB_NAME)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  agent = await startAgent(pi)
  // The hub’s name leads nowhere any more; the hub is where it was.
  await lab.setNames({ [HUB_NAME]: [] })
})
afterAll(() => lab.close())

async function registersAgain(): Promise<void> {
  const { registration } = await statusOf(pi)
  await forgetMapping(picture.home, { pool: 'other' })
  const { hub, tunnel } = await waitForStatus(
    pi,
    (status) => status.registration.count > registration.count && status.tunnel.state === 'up',
  )
  expect(hub.registrar).toBe('reachable')
  expect(tunnel.endpoint).toContain('203.0.113.10')
}

test('without DNS the registrar is asked at the address at which the hub last answered', async () => {
  await registersAgain()
})

test.runIf(isLong)('so does an agent that begins without it', async () => {
  await agent.stop()
  agent = await startAgent(pi)
  await waitForStatus(pi, (status) => status.registration.count > 0 && status.tunnel.state === 'up')
  await registersAgain()
})

test('and one that remembers nothing, and finds the tunnel as it carries', async () => {
  await agent.stop()
  await pi.shell(`cd ${pi.disk.stateDir} && rm -f line.json hub-addresses.json last-way.json`)
  agent = await startAgent(pi)
  await waitForStatus(pi, (status) => status.registration.count > 0 && status.tunnel.state === 'up')
  await registersAgain()
})

test('and so do the commands at home', async () => {
  await picture.home.pi.homeward(['device', 'add', 'phone', '--conf', '-'])
  const { stdout } = await pi.homeward(['device', 'list', '--json'])
  expect(stdout).toContain('phone')
})

test.runIf(isLong)('and one that comes up after a power cut', async () => {
  await lab.reboot(pi)
  agent = await startAgent(pi)
  await waitForStatus(pi, (status) => status.registration.count > 0 && status.tunnel.state === 'up')
  await registersAgain()
})

test('and leaving tells the hub', async () => {
  await agent.stop()
  await pi.homeward(['leave', '--yes'])
  expect((await hubStatusOf(picture.hub)).homes).toEqual([])
})
