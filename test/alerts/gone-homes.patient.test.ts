import { writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, runHub, startAgent, startHub } from '../agent/lab-home.ts'
import type { Host } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { writeAlerts } from './lab-alerts.ts'

/** Home and hub tell one Home Assistant of themselves, by a broker (mosquitto) on the internet. */
let lab: Lab
let picture: Picture
let pi: Host
let broker: LabProcess
let hubDaemon: LabProcess

const ADDRESS = '198.18.0.20'
const CHANNEL = `channels: { ha: { kind: homeassistant, broker: "mqtt://${ADDRESS}:1883", everySeconds: 5 } }\n`

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  broker = await startBroker()
  await (await startHub(picture)).stop()
  await writeAlerts(picture.hub, CHANNEL)
  hubDaemon = await runHub(picture)
  await writeAlerts(pi, CHANNEL)
})
afterAll(() => lab.close())

async function startBroker(): Promise<LabProcess> {
  const { path } = picture.visitor.disk
  const file = join(path, 'mosquitto.conf')
  const persistence = `persistence true\npersistence_location ${path}/`
  await writeFile(file, `user root\nlistener 1883 ${ADDRESS}\nallow_anonymous true\n${persistence}\n`)
  const started = picture.visitor.start('/usr/sbin/mosquitto', ['-c', file])
  await started.waitForLine(/mosquitto version .* running/)
  return started
}

async function joinAndRun(): Promise<LabProcess> {
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  return await startAgent(pi)
}

/** The topics that the broker keeps for Home Assistant. */
async function kept(): Promise<readonly string[]> {
  const program = `
const mqtt = require(${JSON.stringify(createRequire(import.meta.url).resolve('mqtt'))})
const client = mqtt.connect('mqtt://${ADDRESS}:1883')
const topics = []
client.on('message', (topic, payload, { retain }) => {
  if (retain) topics.push(topic)
  if (topic === 'test/echo') { console.log(JSON.stringify(topics.sort())); client.end(true) }
})
client.on('connect', () => client.subscribe('#', { qos: 1 }, () => client.publish('test/echo', 'x', { qos: 1 })))`
  const { stdout } = await picture.visitor.run(process.execPath, ['-e', program])
  return JSON.parse(stdout) as readonly string[]
}

const TOPICS = {
  home: ['homeassistant/device/homeward_home_cabin/config', 'homeward/home/cabin/state'],
  hub: ['homeassistant/device/homeward_hub_cabin/config', 'homeward/hub/cabin/state'],
}
const keptOfHomes = async (): Promise<readonly string[]> =>
  (await kept()).filter((topic) => !topic.startsWith('homeward/hub/') || !topic.endsWith('/availability'))
const showsSoon = (...ends: readonly ('home' | 'hub')[]) =>
  expect
    .poll(async () => (await keptOfHomes()).filter((topic) => !topic.endsWith('/availability')), { timeout: 60_000 })
    .toEqual(ends.flatMap((end) => TOPICS[end]).sort())

test('a home that leaves is gone from Home Assistant, by what it told itself and by what its hub told', async () => {
  await joinAndRun()
  await showsSoon('home', 'hub')
  await pi.homeward(['leave', '--yes'])
  // By then the home’s own is cleared, its availability too.
  expect((await keptOfHomes()).filter((topic) => topic.includes('home/') || topic.includes('_home_'))).toEqual([])
  await showsSoon()
  expect(await keptOfHomes()).toEqual([])
}, 300_000)

test('a home that is removed is gone from what the hub tells; one that leaves while the broker is away, when it leaves again', async () => {
  await joinAndRun()
  await showsSoon('home', 'hub')
  await picture.hub.homeward(['hub', 'remove', 'cabin', '--yes'])
  await showsSoon('home')

  await broker.stop()
  const left = await pi.homeward(['leave', '--yes'])
  expect(left.stderr).toContain(`Home Assistant’s broker ${ADDRESS}:1883 does not answer`)
  broker = await startBroker()
  await showsSoon('home')
  await pi.homeward(['leave', '--yes'])
  expect(await keptOfHomes()).toEqual([])
}, 300_000)

test('before a hub is purged, nothing of it is left there', async () => {
  await joinAndRun()
  await showsSoon('home', 'hub')
  await hubDaemon.stop()
  await picture.hub.homeward(['alert', 'retract'])
  expect((await kept()).filter((topic) => /^homeward\/hub\/|_hub_/.test(topic))).toEqual([])
}, 300_000)
