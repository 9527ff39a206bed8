import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hubStatusOf, inviteHome, problemOf, runHub, startAgent, startHub, waitForStatus } from '../agent/lab-home.ts'
import { comesToReachCamera } from '../agent/run/reaches-camera.ts'
import { moveHub, rebootHub } from '../lab/faults/faults.ts'
import type { Host } from '../lab/host/host.ts'
import { isLong } from '../long.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'

/** A hub that homes know by its address alone moves to another one. */

/** Where moveHub goes. */
const NEXT = '203.0.113.20'

let lab: Lab
let picture: Picture
let hub: Host
let pi: Host

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  hub = picture.hub
  pi = picture.home.pi
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await inviteHome(picture, 'shed')
  await startAgent(pi)
})
afterAll(() => lab.close())

test('homes hear within seconds where else the hub will be', async () => {
  await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
  const { stdout } = await hub.homeward(['hub', 'move', NEXT])
  expect(stdout).toContain('These homes know it: cabin.')
  expect(stdout).toContain('phone need new ones')
  const { hub: known } = await waitForStatus(pi, (status) => status.hub.addresses.includes(NEXT))
  expect(known.addresses).toEqual(['203.0.113.10', NEXT])
  // The comments of hub.yaml are the owner's.
  expect((await hub.shell(`grep -c '^#' ${hub.disk.configDir}/hub.yaml`)).stdout.trim()).not.toBe('0')
  expect((await problemOf(hub, ['hub', 'move', 'not a name'])).code).toBe('address-invalid')
})

test('and find it there when it has moved, with nobody touching them', async () => {
  const file = join(hub.disk.path, 'hub.age')
  const pass = async () => {
    await hub.shell(`umask 077; echo 'correct horse battery staple' > ${hub.disk.path}/pass`)
    return ['--passphrase-file', `${hub.disk.path}/pass`]
  }
  await hub.homeward(['backup', file, ...(await pass())])
  await copyFile(file, join(lab.folder, 'hub.age'))
  expect(await moveHub(lab, picture)).toBe(NEXT)
  await rebootHub(lab, picture, { keepDisk: false })
  await copyFile(join(lab.folder, 'hub.age'), file)
  const began = performance.now()
  await hub.homeward(['restore', file, ...(await pass()), '--yes'])
  await runHub(picture)
  expect(await comesToReachCamera(picture)).toBe(true)
  console.log(`the home is back at the other address after ${((performance.now() - began) / 1000).toFixed(1)} s`)
  await expect.poll(async () => (await hubStatusOf(hub)).homes[0]?.connected, { timeout: 60_000 }).toBe(true)
  const { tunnel } = await waitForStatus(pi, (status) => status.tunnel.state === 'up')
  expect(tunnel.endpoint).toContain(NEXT)
})

test.runIf(isLong)('an agent that is started again still knows both', async () => {
  await lab.reboot(pi)
  await startAgent(pi)
  expect((await waitForStatus(pi, (status) => status.tunnel.state === 'up')).hub.addresses).toContain(NEXT)
})
