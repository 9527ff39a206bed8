import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, startHub } from '../agent/lab-home.ts'
import { sleep } from '../../system/time/sleep.ts'
import { outage } from '../lab/faults/faults.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import { type Receiver, startReceiver } from '../lab/places/receiver.ts'
import { toldAt, writeAlerts } from './lab-alerts.ts'
import { isLong } from '../long.ts'

/** A line that comes and goes, in real time: an hour of it. Fewer flaps of the same kind with HOMEWARD_FLAPS. */
const FLAPS = Number(process.env['HOMEWARD_FLAPS'] ?? 1_000)
const DOWN_MS = 2_400
const UP_MS = 1_200

let lab: Lab
let picture: Picture
let receiver: Receiver

beforeAll(async () => {
  if (!isLong) return
  lab = await createLab()
  picture = await buildPicture(lab)
  const { pi } = picture.home
  receiver = await startReceiver(lab, picture.visitor, '198.18.0.20')
  await (await startHub(picture)).stop()
  const yaml = `channels: { one: "${receiver.url}/one", two: "${receiver.url}/two" }\nshowAfterSeconds: 1\n`
  await writeAlerts(picture.hub, yaml)
  await picture.hub.startHomeward(['hub', 'run'], { env: receiver.trust }).waitForLine(/the hub is ready/)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await writeAlerts(pi, yaml)
  await pi.startHomeward(['run'], { env: receiver.trust }).waitForLine(/the tunnel is up/, { timeoutMs: 60_000 })
  await sleep(5_000)
})
afterAll(() => lab?.close())

test.runIf(isLong)(
  `${FLAPS} flaps, each told after a second: no more than five messages for each channel`,
  async () => {
    for (let flap = 0; flap < FLAPS; flap += 1) {
      const restore = await outage(picture.home)
      await sleep(DOWN_MS)
      await restore()
      await sleep(UP_MS)
    }
    await sleep(20_000)
    for (const path of ['/one', '/two']) {
      const told = (await toldAt(receiver, path)).map(({ title }) => title)
      console.log(`${FLAPS} flaps, ${path}: ${JSON.stringify(told)}`)
      expect(told.length).toBeGreaterThan(0)
      expect(told.length).toBeLessThanOrEqual(5)
    }
  },
  FLAPS * 2 * (DOWN_MS + UP_MS) + 120_000,
)
