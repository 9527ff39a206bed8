import { afterAll, beforeAll, expect, test } from 'vitest'
import { inviteHome, startHub, waitForStatus } from '../agent/lab-home.ts'
import { outage } from '../lab/faults/faults.ts'
import type { IncidentRecord } from '../../protocol/incidents.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { Host } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { type Receiver, startReceiver } from '../lab/places/receiver.ts'
import { toldAt, waitForIncident, waitForTold, writeAlerts } from './lab-alerts.ts'

/** Both ends tell the same people, as in life: whatever both say comes twice there. */
let lab: Lab
let picture: Picture
let pi: Host
let receiver: Receiver
let hubDaemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  receiver = await startReceiver(lab, picture.visitor, '198.18.0.20')
  const alerts = (end: string) => `
channels:
  people: ${receiver.url}/people
  switch: { kind: healthchecks, url: "${receiver.url}/alive/${end}", everySeconds: 10 }
unstable: { outages: 100 }
`
  hubDaemon = await startHub(picture)
  await hubDaemon.stop()
  await writeAlerts(picture.hub, alerts('hub'))
  hubDaemon = await startHubAgain()
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await writeAlerts(pi, alerts('home'))
  await pi.startHomeward(['run'], { env: receiver.trust }).waitForLine(/the tunnel is up/, { timeoutMs: 60_000 })
})
afterAll(() => lab.close())

async function startHubAgain(): Promise<LabProcess> {
  const daemon = picture.hub.startHomeward(['hub', 'run'], { env: receiver.trust })
  await daemon.waitForLine(/the hub is ready/)
  return daemon
}

async function beatsSince(from: number): Promise<number> {
  const all = await receiver.received()
  return all.filter(({ at, path }) => at >= from && path.startsWith('/alive/')).length
}

test('the home’s line is cut for two minutes: the hub tells, the home tells nothing twice, and the record has both views', async () => {
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 60_000)
  await sleep(3_000)
  const cutAt = Date.now()
  const restore = await outage(picture.home)
  const [down] = await waitForTold(receiver, '/people', (told) => told.length > 0, 110_000)
  expect(down).toMatchObject({ kind: 'down', home: 'cabin', incident: { cause: 'home-dark' } })
  expect(down!.at - cutAt).toBeLessThan(100_000)
  await sleep(Math.max(0, cutAt + 120_000 - Date.now()))
  await restore()
  await waitForTold(receiver, '/people', (told) => told.some(({ kind }) => kind === 'recovered'), 120_000)
  // Both ends come to know the other's view when they speak again.
  const isWhole = ({ met, ended, cause, views }: IncidentRecord): boolean =>
    met && ended !== null && cause === 'home-offline' && views.home !== null && views.hub !== null
  const record = await waitForIncident(pi, (one) => isWhole(one) && one.said.down !== null, 120_000)
  expect(record.said).toMatchObject({ down: { by: 'hub' } })
  await waitForIncident(picture.hub, (one) => one.id === record.id && isWhole(one), 60_000)
  // What else would be said, would be said by now.
  await sleep(30_000)
  const told = await toldAt(receiver, '/people')
  expect(told.map(({ kind }) => kind)).toEqual(['down', 'recovered'])
  expect(told[1]).toMatchObject({ incident: { id: down!.incident!.id, cause: 'home-offline' } })
}, 400_000)

test('the hub is switched off: the home tells; both are away: nobody presses the dead man’s switch', async () => {
  const before = (await toldAt(receiver, '/people')).length
  const offAt = Date.now()
  await lab.reboot(picture.hub, { offMs: 0 })
  const told = await waitForTold(receiver, '/people', (all) => all.length > before, 110_000)
  expect(told[before]).toMatchObject({ kind: 'down', incident: { cause: 'hub-down' } })
  expect(told[before]!.at - offAt).toBeLessThan(100_000)
  await expect.poll(() => beatsSince(offAt)).toBeGreaterThan(0)

  const restore = await outage(picture.home)
  await sleep(5_000)
  const bothAwayAt = Date.now()
  await sleep(25_000)
  expect(await beatsSince(bothAwayAt)).toBe(0)

  await restore()
  hubDaemon = await startHubAgain()
  const after = await waitForTold(
    receiver,
    '/people',
    (all) => all.slice(before).some(({ kind }) => kind === 'recovered'),
    300_000,
  )
  await sleep(20_000)
  expect((await toldAt(receiver, '/people')).slice(before).map(({ kind }) => kind)).toEqual(['down', 'recovered'])
  expect(after.at(-1)!.incident!.id).toBe(told[before]!.incident!.id)
}, 400_000)
