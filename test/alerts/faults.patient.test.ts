import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Status } from '../../agent/report/status.ts'
import { inviteHome, startHub, waitForStatus } from '../agent/lab-home.ts'
import { sleep } from '../../system/time/sleep.ts'
import { stepClockBack } from '../lab/faults/clock-fault.ts'
import {
  changeWanAddress,
  dropAllUdp,
  dropPort,
  dropReturnPath,
  dropThisFlow,
  forgetMapping,
  moveHub,
  outage,
  rebootRouter,
  redialWan,
  shrinkCarrierMtu,
  type Undo,
} from '../lab/faults/faults.ts'
import type { Host } from '../lab/host/host.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, HUB_NAME, type Picture } from '../lab/picture.ts'
import { type Receiver, startReceiver } from '../lab/places/receiver.ts'
import { type Told, toldAt, waitForIncident, waitForTold, writeAlerts } from './lab-alerts.ts'
import { isLong } from '../long.ts'

/** Both ends speak to the same people. Told at once: the cause is named within seconds, the rest is waited for. */
let lab: Lab
let picture: Picture
let pi: Host
let agent: LabProcess
let receiver: Receiver

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  receiver = await startReceiver(lab, picture.visitor, '198.18.0.20')
  const alerts = (pendingSecondsOf: string) => `
channels: { people: "${receiver.url}/people" }
showAfterSeconds: ${pendingSecondsOf}
unstable: { outages: 100 }
`
  const first = await startHub(picture, HUB_NAME)
  await first.stop()
  await writeAlerts(picture.hub, alerts('30'))
  await picture.hub.startHomeward(['hub', 'run'], { env: receiver.trust }).waitForLine(/the hub is ready/)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await writeAlerts(pi, alerts('{ default: 0, unknown: 30, home-offline: 30 }'))
  agent = pi.startHomeward(['run'], { env: receiver.trust })
  await agent.waitForLine(/the tunnel is up/, { timeoutMs: 60_000 })
})
afterAll(() => lab.close())

const nothing: Undo = async () => undefined

/** The tunnel is up, and over UDP: on the carrier of the fault before, the next one is another fault. */
async function settled(): Promise<number> {
  const isOnUdp = ({ tunnel: { state, notes } }: Status): boolean => state === 'up' && !notes.includes('tcp-carrier')
  await waitForStatus(pi, isOnUdp, 120_000)
  await sleep(3_000)
  return (await toldAt(receiver, '/people')).length
}

/** What people are told of a fault, from its beginning until nothing more comes. */
async function toldOf(
  fault: () => Promise<Undo>,
  lasts: 'until-healed' | 'until-told' = 'until-healed',
): Promise<readonly Told[]> {
  const before = await settled()
  const undo = await fault()
  try {
    if (lasts === 'until-told') {
      await waitForTold(receiver, '/people', (all) => all.length > before, 120_000)
      await undo()
    }
    const isOver = (all: readonly Told[]): boolean => all.slice(before).some(({ kind }) => kind === 'recovered')
    await waitForTold(receiver, '/people', isOver, 150_000)
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 60_000)
  } finally {
    await undo()
  }
  // A second message would come within these seconds.
  await sleep(7_000)
  return (await toldAt(receiver, '/people')).slice(before)
}

describe('each fault gives one down and one recovered, with its cause', () => {
  test.each<readonly [string, string, () => Promise<Undo>]>([
    // A packet that arrived as the fault came makes the hub hear us later than it was answered.
    ['this 5-tuple is dropped', 'flow-dead or return-dead', () => dropThisFlow(picture.home)],
    [
      'the carrier forgets the mapping and takes another public address',
      'mapping-changed',
      async () => (await forgetMapping(picture.home, { pool: 'other' }), nothing),
    ],
    ['all UDP is dropped', 'udp-blocked', () => dropAllUdp(picture.home)],
    [
      'full-size packets get lost, in use',
      'mtu-black-hole',
      async () => {
        // While nobody uses the tunnel its size is asked each hour.
        const use = picture.hub.start('ping', ['-i', '0.2', '-s', '500', '10.86.0.2'])
        const undo = await shrinkCarrierMtu(picture, picture.home)
        return async () => {
          await use.kill('SIGKILL')
          await undo()
        }
      },
    ],
  ])(
    '%s: %s',
    async (_fault, cause, fault) => {
      const told = await toldOf(fault)
      expect(
        told.map(({ kind }) => kind),
        JSON.stringify(told),
      ).toEqual(['down', 'recovered'])
      expect(new Set(told.map(({ incident }) => incident?.cause)).size).toBe(1)
      expect(cause.split(' or ')).toContain(told[0]?.incident?.cause)
      expect(new Set(told.map(({ incident }) => incident?.id)).size).toBe(1)
    },
    360_000,
  )

  test.runIf(isLong).each<readonly [string, string, () => Promise<Undo>]>([
    ['only the way back of this flow is dropped', 'return-dead', () => dropReturnPath(picture.home)],
    [
      'the WAN address changed and the router keeps the stale entry',
      'flow-dead',
      async () => (await changeWanAddress(picture.home, { staleSnat: true }), nothing),
    ],
    ['the hub’s UDP port is dropped', 'port-blocked', () => dropPort(picture.home, 51_820)],
    ['the hub moved, and its name follows', 'endpoint-moved', async () => (await moveHub(lab, picture), nothing)],
    ['the interface is deleted', 'drift', async () => (await pi.run('ip', ['link', 'del', 'dev', 'hw0']), nothing)],
    [
      'the WAN address changed and the entry is flushed',
      'mapping-changed',
      async () => (await changeWanAddress(picture.home, { staleSnat: false }), nothing),
    ],
    [
      'the firewall table is deleted',
      'drift',
      async () => (await pi.run('nft', ['delete', 'table', 'inet', 'homeward']), nothing),
    ],
    [
      'the home’s router is rebooted',
      'any',
      async () => (await rebootRouter(lab, picture.home, { offMs: 40_000 }), nothing),
    ],
    [
      'the line redials: down, another address, a stale entry',
      'any',
      async () => (await redialWan(picture.home, { downMs: 40_000, staleSnat: true }), nothing),
    ],
  ])(
    '%s: %s',
    async (_fault, cause, fault) => {
      const told = await toldOf(fault)
      expect(
        told.map(({ kind }) => kind),
        JSON.stringify(told),
      ).toEqual(['down', 'recovered'])
      if (cause !== 'any') expect(new Set(told.map(({ incident }) => incident?.cause))).toEqual(new Set([cause]))
    },
    360_000,
  )

  test('a mapping that moved is in the record with both addresses, for the carrier', async () => {
    const record = await waitForIncident(pi, ({ cause }) => cause === 'mapping-changed', 60_000)
    const { before, after } = record.mapping
    expect(before).toMatch(/^198\.51\.100\.\d+:\d+$/)
    expect(after).toMatch(/^198\.51\.100\.\d+:\d+$/)
    expect(after).not.toBe(before)
  })

  test('the clock went back: told at once it is what is proven then, and in the end that handshakes were refused', async () => {
    const told = await toldOf(async () => (await stepClockBack(pi, 'hw0'), nothing))
    expect(
      told.map(({ kind }) => kind),
      JSON.stringify(told),
    ).toEqual(['down', 'recovered'])
    expect(told[1]?.incident?.cause).toBe('handshake-refused')
    expect(told[0]?.incident?.id).toBe(told[1]?.incident?.id)
  }, 360_000)

  test('a peer that the hub puts back before the home misses it is told to nobody, and else once', async () => {
    const before = await settled()
    const publicKey = (await pi.run('wg', ['show', 'hw0', 'public-key'])).stdout.trim()
    await picture.hub.run('wg', ['set', 'hw0', 'peer', publicKey, 'remove'])
    await sleep(20_000)
    const told = async () => (await toldAt(receiver, '/people')).slice(before).map(({ kind }) => kind)
    await expect.poll(async () => (await told()).join(), { timeout: 90_000 }).toMatch(/^(down,recovered)?$/)
  }, 300_000)

  test('the line is away for a while: home-offline, told by the hub', async () => {
    const told = await toldOf(() => outage(picture.home), 'until-told')
    expect(
      told.map(({ kind }) => kind),
      JSON.stringify(told),
    ).toEqual(['down', 'recovered'])
    expect(told.at(-1)?.incident?.cause).toBe('home-offline')
  }, 360_000)
})

test('what is healed before it would be shown is told to nobody, and is in the record of both ends', async () => {
  const after = agent.lineCount
  await writeAlerts(pi, `channels: { people: "${receiver.url}/people" }\nunstable: { outages: 100 }\n`)
  await agent.waitForLine(/took the new alerts.yaml/, { after })
  const before = await settled()
  // The first sign is the silence after the last answer, which came before the fault.
  const since = new Date(Date.now() - 20_000).toISOString()
  const undo = await dropThisFlow(picture.home)
  const record = await waitForIncident(
    pi,
    ({ began, ended, met, cause }) =>
      began >= since && ended !== null && met && (cause === 'flow-dead' || cause === 'return-dead'),
    300_000,
  )
  expect(record).toMatchObject({ said: { down: null, recovered: null }, tried: [{ helped: true }] })
  expect(record.seconds).toBeLessThan(30)
  await waitForIncident(picture.hub, ({ id }) => id === record.id, 60_000)
  const { stdout } = await pi.homeward(['events', '--csv'])
  expect(stdout.split('\r\n').find((line) => line.includes(record.id))).toContain(record.cause)
  await undo()
  await sleep(10_000)
  expect((await toldAt(receiver, '/people')).slice(before)).toEqual([])
}, 360_000)
