import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { planMikrotik } from '../../../adapters/mikrotik/plan.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'
import type { Endpoint, PeerSpec } from '../../../wireguard/spec.ts'
import { driveAdapter } from '../../contract/driver.ts'
import type { MikrotikDriverOptions } from '../../contract/mikrotik/mikrotik-driver.ts'
import { bundleFor } from '../../lab/host/bundle.ts'
import { changeWanAddress, dropReturnPath, dropThisFlow, rebootRouter } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { joinOptions, labMikrotik, type LabMikrotik, routerPasswordFile } from '../../lab/places/mikrotik.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { tunnelFlow } from '../../lab/traffic/tunnel-flow.ts'
import { eventsOf, inviteHome, plannedSteps, startAgent, startHub, waitForStatus } from '../lab-home.ts'

/** What can go wrong with a tunnel that ends on a router, and what its cure is. */
let lab: Lab
let picture: Picture
let pi: Host
let router: LabMikrotik
let agent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  router = await labMikrotik(lab)
  picture = await buildPicture(lab, { system: router })
  pi = picture.home.pi
  await startHub(picture)
  const options = [...(await joinOptions(router, picture.home)), '--yes']
  await pi.homeward(['join', await inviteHome(picture), ...options])
  agent = await startAgent(pi)
})
afterAll(() => lab?.close())

const events = () => eventsOf(pi)

/** Up, idle and with nothing under way. @returns how many events there were. */
async function settled(): Promise<number> {
  await waitForStatus(
    pi,
    ({ tunnel }) => tunnel.state === 'up' && tunnel.remedy === null && tunnel.heartbeat.intervalSeconds >= 5,
    60_000,
  )
  return (await events()).length
}

async function untilHubReachesCamera(): Promise<void> {
  const ping = () => picture.hub.run('ping', ['-c', '1', '-W', '1', picture.home.lan.camera], { allowFailure: true })
  await expect.poll(async () => (await ping()).exitCode, { timeout: 60_000, interval: 100 }).toBe(0)
}

/** The router notices a little later than the agent that a session ended. */
const oneSession = () => expect.poll(() => router.sessions(), { timeout: 60_000, interval: 50 }).toBe(1)

const ofTheRouter = async () => ({ from: picture.home.router, flow: await tunnelFlow(picture.home.router, 'hw0') })

/** A packet that arrived as the fault came makes the hub hear us later than it was answered: return-dead then. */
const FLOW_DEAD: unknown = expect.stringMatching(/^(flow|return)-dead$/)

test('a stale entry in this very router: named a dead flow, and past it with another port', async () => {
  const before = await settled()
  await changeWanAddress(picture.home, { staleSnat: true })
  await untilHubReachesCamera()
  await settled()
  // What is told is written down a moment later.
  await expect
    .poll(async () => (await events()).slice(before))
    .toContainEqual(
      expect.objectContaining({ kind: 'remedy', cause: FLOW_DEAD, remedy: 'new-source-port', helped: true }),
    )
  await expect.poll(() => plannedSteps(pi)).toEqual([])
})

test('only the way back dropped, then the whole flow: each is healed over the API', { timeout: 300_000 }, async () => {
  for (const [drop, cause] of [
    [dropReturnPath, 'return-dead'],
    [dropThisFlow, FLOW_DEAD],
  ] as const) {
    const before = await settled()
    const undo = await drop(picture.home, await ofTheRouter())
    await untilHubReachesCamera()
    await settled()
    await undo()
    await expect
      .poll(async () => (await events()).slice(before))
      .toContainEqual(expect.objectContaining({ kind: 'remedy', cause, helped: true }))
  }
})

test('a fault while the API is away is healed as soon as it is back', { timeout: 300_000 }, async () => {
  await settled()
  await router.misbehave({ kind: 'refuse', how: 'rst' })
  await router.drop('rst')
  await changeWanAddress(picture.home, { staleSnat: true })
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'healing', 60_000)
  await router.misbehave(null)
  await untilHubReachesCamera()
  // One session again, whatever was tried meanwhile.
  await settled()
  await oneSession()
})

test('an API that ends each session in the midst of the remedy: healed, and nothing of it stays half done', {
  timeout: 300_000,
}, async () => {
  await settled()
  const { router: machine } = picture.home
  const { flow } = await ofTheRouter()
  const undo = await dropThisFlow(picture.home, { from: machine, flow })
  // A login, two prints and the new port are answered; the keepalive goes off unanswered, and nobody puts it on again.
  await router.misbehave({ kind: 'end', after: 4, how: 'rst', part: 0.5 })
  const show = async (what: string) => (await machine.run('wg', ['show', 'hw0', what])).stdout.trim()
  await expect.poll(() => show('persistent-keepalive'), { timeout: 60_000, interval: 50 }).toMatch(/\toff$/)
  expect(await show('listen-port')).not.toBe(String(flow.localPort))
  await router.misbehave(null)
  await untilHubReachesCamera()
  await settled()
  await undo()
  await expect.poll(() => plannedSteps(pi), { timeout: 30_000 }).toEqual([])
  expect(await show('persistent-keepalive')).toMatch(/\t25$/)
  await oneSession()
})

test('a router that was rebooted carries again by itself, and nothing is left to mend', async () => {
  await settled()
  await rebootRouter(lab, picture.home)
  await untilHubReachesCamera()
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.notes.length === 0, 60_000)
  await expect.poll(() => plannedSteps(pi)).toEqual([])
})

test('the router’s stale entry alone is forgotten, and the flow is translated anew', async () => {
  await settled()
  await agent.stop()
  const flow = await tunnelFlow(picture.home.router, 'hw0')
  const entry = async () =>
    (
      await picture.home.router.run('conntrack', ['-L', '-p', 'udp', '--sport', String(flow.localPort)], {
        allowFailure: true,
      })
    ).stdout
  const old = picture.home.customer.wanAddress
  await changeWanAddress(picture.home, { staleSnat: true })
  expect(await entry()).toContain(`dst=${old} `)
  const endpoint: Endpoint = { address: flow.remoteAddress, port: flow.remotePort }
  const adapter = await openAdapter()
  await adapter.remedy({ kind: 'forget-flow', interface: 'hw0', endpoint }, AbortSignal.timeout(60_000))
  await adapter.close()
  const ping = () => pi.run('ping', ['-c', '1', '-W', '1', '10.86.0.1'], { allowFailure: true })
  await expect.poll(async () => (await ping()).exitCode, { timeout: 90_000, interval: 100 }).toBe(0)
  expect((await tunnelFlow(picture.home.router, 'hw0')).localPort).toBe(flow.localPort)
  expect(await entry()).toContain(`dst=${picture.home.customer.wanAddress} `)
})

test('killed in the midst of a silence: the router ends it by itself, and the hub reaches the camera again', {
  timeout: 300_000,
}, async () => {
  await agent.stop()
  const { router: machine } = picture.home
  const peers = async () => (await machine.run('wg', ['show', 'hw0', 'endpoints'])).stdout.trim()
  const [key = '', address = '', port = ''] = (await peers()).split(/\t|:(?=\d+$)/)
  const adapter = await openAdapter()
  const peer: PeerSpec = {
    publicKey: parsePublicKey(key),
    presharedKeyId: null,
    endpoint: { address, port: Number(port) },
    allowedIps: ['10.86.0.0/16'],
    keepaliveSeconds: 25,
  }
  const remedy = adapter.remedy(
    { kind: 'new-session', interface: 'hw0', peer, silentSeconds: 15 },
    AbortSignal.timeout(60_000),
  )
  const cutOff = expect(remedy).rejects.toThrow()
  await expect.poll(peers, { timeout: 60_000, interval: 50 }).toBe('')
  await adapter.kill()
  await cutOff
  expect(await peers()).toBe('')
  await untilHubReachesCamera()
  // The peer is there before its script is at its end.
  await expect.poll(() => router.jobs(), { timeout: 60_000, interval: 50 }).toBe(0)
  await startAgent(pi)
  await expect.poll(() => plannedSteps(pi)).toEqual([])
})

/** In a process on the Pi, as the agent is. */
async function openAdapter() {
  const driver = await bundleFor(lab.folder, new URL('../../contract/mikrotik/mikrotik-driver.ts', import.meta.url))
  const options: MikrotikDriverOptions = {
    host: '192.168.1.1',
    port: 8729,
    user: router.user,
    certificate: router.fingerprint,
    stateDir: join(pi.disk.path, 'driver'),
    rollbackSeconds: 60,
  }
  const file = join(pi.disk.path, 'driver.json')
  await writeFile(file, JSON.stringify(options))
  const running = pi.start(process.execPath, [driver, file, routerPasswordFile(pi)])
  const place = { host: options.host, rollbackSeconds: options.rollbackSeconds }
  return await driveAdapter(
    {
      write: (line) => running.write(line),
      waitForLine: (pattern, waiting) => running.waitForLine(pattern, waiting),
      stop: () => running.stop(),
      kill: async () => {
        await running.kill('SIGKILL')
        await running.exited
      },
    },
    (observed, desired) => planMikrotik(observed, desired, place),
  )
}
