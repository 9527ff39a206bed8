import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, problemOf, runHub, startHub, waitForStatus } from '../agent/lab-home.ts'
import type { Host } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { type Receiver, startReceiver } from '../lab/places/receiver.ts'

/** A channel that the hub's owner adds for both ends. */
let lab: Lab
let picture: Picture
let pi: Host
let receiver: Receiver
let agent: LabProcess
let hubDaemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  receiver = await startReceiver(lab, picture.visitor, '198.18.0.20')
  await (await startHub(picture)).stop()
  hubDaemon = await runHub(picture, receiver.trust)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  agent = await startAgent()
})
afterAll(() => lab.close())

async function startAgent(): Promise<LabProcess> {
  const started = pi.startHomeward(['run'], { env: receiver.trust })
  await started.waitForLine(/the agent watches/, { timeoutMs: 60_000 })
  return started
}

const namesAre = (names: readonly string[]) =>
  waitForStatus(pi, ({ alerts }) => JSON.stringify(alerts.channels.map(({ name }) => name)) === JSON.stringify(names))

test('one command on the hub, and both ends tell by it', async () => {
  await agent.waitForLine(/the tunnel is up/, { timeoutMs: 60_000 })
  const input = `${receiver.url}/both?token=hunter2\n`
  await picture.hub.homeward(['alert', 'add', 'phone', '--everywhere'], { input })
  await namesAre(['hub/phone'])
  const { stdout } = await pi.homeward(['alert', 'test', '--json'])
  expect(JSON.parse(stdout)).toMatchObject({
    ends: [
      { end: 'home', channels: [{ name: 'hub/phone', problem: null }] },
      { end: 'hub', channels: [{ name: 'phone', problem: null }] },
    ],
  })
  expect(agent.stdout + hubDaemon.stdout).not.toContain('hunter2')
})

test('a home cannot do that', async () => {
  const problem = await problemOf(pi, ['alert', 'add', 'other', '--everywhere', '--ntfy'])
  expect(problem).toMatchObject({ code: 'wrong-usage', exitCode: 64 })
})

test('a home that is started again while the hub is away still has it', async () => {
  await hubDaemon.stop()
  await agent.stop()
  agent = await startAgent()
  await namesAre(['hub/phone'])
  hubDaemon = await runHub(picture, receiver.trust)
})

test('what the hub takes back, or a home leaves behind, is gone at home', async () => {
  await picture.hub.homeward(['alert', 'remove', 'phone'])
  await namesAre([])
  await picture.hub.homeward(['alert', 'add', 'phone', '--everywhere'], { input: `${receiver.url}/both\n` })
  await namesAre(['hub/phone'])
  await pi.homeward(['leave', '--yes'])
  const { stdout } = await pi.shell(`ls ${pi.disk.stateDir}`)
  expect(stdout).not.toContain('hub-channels')
})
