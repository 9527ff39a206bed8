import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../system/sleep.ts'
import { inviteHome, runHub, startAgent, startHub } from '../agent/lab-home.ts'
import { rebootHub } from '../lab/faults.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import type { LabProcess } from '../lab/process.ts'

let lab: Lab
let picture: Picture
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  daemon = await startHub(picture)
  await picture.home.pi.homeward(['join', await inviteHome(picture), '--yes'])
  const agent = await startAgent(picture.home.pi)
  // The hub writes down where the home is within ten seconds.
  await sleep(12_000)
  // From here on the hub is alone: whatever comes back is its doing. The keepalive of 25 s alone would take its time.
  await agent.stop()
})
afterAll(() => lab.close())

/** Milliseconds until the home answers a ping of the hub. */
async function untilReached(): Promise<number> {
  const from = performance.now()
  for (;;) {
    const ping = await picture.hub.run('ping', ['-c', '1', '-W', '1', '10.86.0.2'], { allowFailure: true })
    if (ping.exitCode === 0) return performance.now() - from
    if (performance.now() - from > 60_000) throw new Error('the home was not reached within a minute')
    await sleep(20)
  }
}

test('a hub that was rebooted calls its homes back, through the mapping that the carrier still holds', async () => {
  await rebootHub(lab, picture)
  daemon = await runHub(picture)
  // WireGuard alone has no endpoint, and waits for the home's keepalive.
  expect(await untilReached()).toBeLessThan(8_000)
  expect(daemon.stdout).toContain('calling it back')
})

test('a peer that somebody took out is back within seconds, and called', async () => {
  const { stdout } = await picture.home.pi.run('wg', ['show', 'hw0', 'public-key'])
  await picture.hub.run('wg', ['set', 'hw0', 'peer', stdout.trim(), 'remove'])
  expect(await untilReached()).toBeLessThan(8_000)
})

test('an interface that somebody deleted is made anew, and its homes are called', async () => {
  await picture.hub.run('ip', ['link', 'del', 'dev', 'hw0'])
  expect(await untilReached()).toBeLessThan(15_000)
})

test('a firewall table that somebody deleted is there again within seconds', async () => {
  await picture.hub.run('nft', ['delete', 'table', 'inet', 'homeward'])
  const until = performance.now() + 30_000
  for (;;) {
    const list = await picture.hub.run('nft', ['list', 'table', 'inet', 'homeward'], { allowFailure: true })
    if (list.exitCode === 0) break
    expect(performance.now()).toBeLessThan(until)
    await sleep(200)
  }
})
