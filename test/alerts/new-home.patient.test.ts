import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../system/time/sleep.ts'
import { hubStatusOf, inviteHome, startAgent, startHub } from '../agent/lab-home.ts'
import { dropAllUdp, muteHub, outage } from '../lab/faults/faults.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { type Receiver, startReceiver } from '../lab/places/receiver.ts'
import { toldAt, waitForTold, writeAlerts } from './lab-alerts.ts'

/** A hub that tells people, and has been running for longer than it waits for homes that it knew before. */
let lab: Lab
let picture: Picture
let receiver: Receiver

const LONG_ENOUGH_MS = 62_000

async function startTellingHub(): Promise<void> {
  const daemon = picture.hub.startHomeward(['hub', 'run'], { env: receiver.trust })
  await daemon.waitForLine(/the hub is ready/)
}

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  receiver = await startReceiver(lab, picture.visitor, '198.18.0.20')
  await (await startHub(picture)).stop()
  await writeAlerts(picture.hub, `channels: { people: "${receiver.url}/people" }\n`)
  await startTellingHub()
  // What is tried is a hub that began long ago.
  await sleep(LONG_ENOUGH_MS)
}, 300_000)
afterAll(() => lab.close())

interface HomeSeen {
  readonly name: string
  readonly presence: string
  readonly connected: boolean
}

async function waitForHome(isWanted: (homes: readonly HomeSeen[]) => boolean): Promise<void> {
  const until = performance.now() + 60_000
  for (;;) {
    const { homes } = await hubStatusOf(picture.hub)
    if (isWanted(homes)) return
    if (performance.now() > until) throw new Error(`after 60 s the homes are ${JSON.stringify(homes)}`)
    await sleep(200)
  }
}

async function recordOf(args: readonly string[]): Promise<string> {
  return (await picture.hub.homeward(['events', ...args])).stdout
}

test('a new home raises no alarm, whether its first packets arrive or not, and nothing of it stands in the record', async () => {
  const token = await inviteHome(picture)
  const restores = [await dropAllUdp(picture.home), await muteHub(picture)]
  const failing = picture.home.pi.startHomeward(['join', token, '--yes'])
  await waitForHome((homes) => homes.some(({ presence }) => presence === 'awaited'))
  expect((await picture.hub.homeward(['hub', 'status'])).stdout).toMatch(/^cabin .* not yet /m)
  expect(await failing.exited).toMatchObject({ code: 1 })
  for (const restore of restores) await restore()

  await picture.home.pi.homeward(['join', token, '--yes'])
  await startAgent(picture.home.pi)
  await waitForHome((homes) => homes.some(({ presence, connected }) => presence === 'heard' && connected))
  expect(JSON.parse(await recordOf(['--json']))).toEqual({ events: [], incidents: [] })
  expect((await recordOf(['--csv'])).trim().split('\r\n')).toHaveLength(1)
  expect(await toldAt(receiver, '/people')).toEqual([])
}, 300_000)

test('a home that was heard before the hub was rebooted, and is silent since, is told', async () => {
  const restore = await outage(picture.home)
  await lab.reboot(picture.hub)
  await startTellingHub()
  const [down] = await waitForTold(receiver, '/people', (told) => told.length > 0, 180_000)
  expect(down).toMatchObject({ kind: 'down', home: 'cabin', incident: { cause: 'home-dark' } })
  await restore()
}, 300_000)
