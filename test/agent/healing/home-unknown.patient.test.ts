import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { toldAt, waitForIncident, waitForTold, writeAlerts } from '../../alerts/lab-alerts.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { type Receiver, startReceiver } from '../../lab/places/receiver.ts'
import { eventsOf, inviteHome, problemOf, runHub, startHub, statusOf, waitForStatus } from '../lab-home.ts'

/** A home whose hub has forgotten it, with real daemons at both ends and nobody who acts. */
let lab: Lab
let picture: Picture
let pi: Host
let hubDaemon: LabProcess
let agent: LabProcess
let receiver: Receiver

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  receiver = await startReceiver(lab, picture.visitor, '198.18.0.20')
  hubDaemon = await startHub(picture)
  await backUp('before-the-join')
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await writeAlerts(pi, `showAfterSeconds: { default: 5 }\nchannels:\n  people: ${receiver.url}/people\n`)
  await backUp('joined')
  agent = await startAgentAgain()
})
afterAll(() => lab?.close())

async function startAgentAgain(): Promise<LabProcess> {
  const started = pi.startHomeward(['run'], { env: receiver.trust })
  await started.waitForLine(/the agent watches/, { timeoutMs: 60_000 })
  return started
}

const copyOf = (name: string): string => `${picture.hub.disk.stateDir}.${name}`

/** What a careful owner keeps of the VPS. */
async function backUp(name: string): Promise<void> {
  await picture.hub.run('cp', ['-a', picture.hub.disk.stateDir, copyOf(name)])
}

async function restoreHub(name: string): Promise<void> {
  const { stateDir } = picture.hub.disk
  await hubDaemon.stop()
  await picture.hub.shell(`rm -rf ${stateDir}/* && cp -a ${copyOf(name)}/. ${stateDir}/`)
  hubDaemon = await runHub(picture)
}

const events = () => eventsOf(pi)

const isUp = () => waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 120_000)
const isUnknown = () => waitForStatus(pi, ({ tunnel }) => tunnel.cause === 'home-unknown', 120_000)

/** What the home tried, and what it took this for, since so many events. */
async function since(count: number): Promise<{ readonly remedies: unknown; readonly causes: readonly string[] }> {
  const after = (await events()).slice(count)
  const causes = after.flatMap((event) =>
    event.kind === 'tunnel' || event.kind === 'cause' ? (event.cause ?? []) : [],
  )
  return { remedies: after.filter(({ kind }) => kind === 'remedy'), causes: [...new Set(causes)] }
}

describe('a home that the hub has removed', () => {
  test('is told so with what to do, by all ways, and nothing is tried', { timeout: 300_000 }, async () => {
    await isUp()
    const before = (await events()).length
    await picture.hub.homeward(['hub', 'remove', 'cabin', '--yes'])
    const { tunnel } = await isUnknown()
    expect(tunnel).toMatchObject({ state: 'offline', remedy: null })
    expect(tunnel.next).toContain('homeward hub invite cabin')
    expect(tunnel.next).toContain('sudo homeward join --again TOKEN')
    const status = await pi.homeward(['status'], { allowFailure: true })
    expect(status.exitCode).toBe(1)
    expect(status.stdout).toContain('the hub does not know this home')
    expect(status.stdout).toContain('sudo homeward join --again TOKEN')
    expect((await pi.homeward(['events'])).stdout).toContain('sudo homeward join --again TOKEN')
    const told = await waitForTold(receiver, '/people', (all) => all.length > 0, 120_000)
    expect(told[0]).toMatchObject({ kind: 'down', home: 'cabin', incident: { cause: 'home-unknown' } })
    expect(told[0]!.text).toContain('homeward hub invite cabin')
    await waitForIncident(pi, ({ cause }) => cause === 'home-unknown', 60_000)
    expect((await pi.homeward(['events', '--csv'])).stdout).toContain('home-unknown')
    expect(await problemOf(pi, ['device', 'list'])).toMatchObject({ exitCode: 1, code: 'home-unknown' })
    expect(await since(before)).toEqual({ remedies: [], causes: ['home-unknown'] })
  })

  test('is back by itself when the hub’s state is put back', { timeout: 300_000 }, async () => {
    const before = (await events()).length
    const restoring = performance.now()
    await restoreHub('joined')
    const { tunnel } = await isUp()
    expect(performance.now() - restoring).toBeLessThan(75_000)
    expect(tunnel).toMatchObject({ cause: null, next: null })
    expect((await since(before)).remedies).toEqual([])
    const told = await waitForTold(receiver, '/people', (all) => all.length > 1, 120_000)
    expect(told.map(({ kind }) => kind)).toEqual(['down', 'recovered'])
  })
})

test('a hub whose state is from before the join, while the agent is away', { timeout: 300_000 }, async () => {
  await agent.stop()
  await restoreHub('before-the-join')
  const before = (await events()).length
  agent = await startAgentAgain()
  await isUnknown()
  // The hub says who knocks, to whoever reads its log.
  await hubDaemon.waitForLine(/claims\W+cabin/)
  // It has asked more than once by then, and goes on.
  await waitForStatus(pi, ({ hub }) => hub.registrar === 'reachable')
  await waitForTold(receiver, '/people', (all) => all.length > 2, 120_000)
  expect((await toldAt(receiver, '/people')).at(-1)).toMatchObject({ incident: { cause: 'home-unknown' } })
  expect(await since(before)).toEqual({ remedies: [], causes: ['home-unknown'] })
  expect((await statusOf(pi)).tunnel.cause).toBe('home-unknown')
})
