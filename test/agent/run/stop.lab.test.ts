import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { Exit, LabProcess } from '../../lab/host/process.ts'
import { inviteHome, startHub } from '../lab-home.ts'

/** A daemon that is told to end is gone at once, whatever it is doing: a machine's reboot waits for it. */
let lab: Lab
let picture: Picture
let hub: LabProcess
let pi: Host

/** More channels than a leak, to Node, and none of them can be reached. */
const ALERTS = `channels:
${['a', 'b', 'c', 'd', 'e', 'f']
  .map((name) => `  ${name}: { kind: healthchecks, url: 'https://${name}.example.net/ping' }`)
  .join('\n')}
`

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  hub = await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
})
afterAll(() => lab.close())

/** It takes some milliseconds; what hangs says so after 10 s, and is cut off. */
const LATEST_MS = 25_000

async function ended(daemon: LabProcess, signal: NodeJS.Signals | null = 'SIGTERM'): Promise<Exit> {
  const from = performance.now()
  if (signal !== null) await daemon.kill(signal)
  const late = setTimeout(() => void daemon.kill('SIGKILL'), 30_000)
  const exit = await daemon.exited.finally(() => clearTimeout(late))
  const took = performance.now() - from
  expect(took, daemon.stdout).toBeLessThan(LATEST_MS)
  expect(daemon.stdout).not.toContain('did not end')
  return exit
}

const CLEAN = { code: 0, signal: null }

/** Until the flows, one for each silence whose survival is measured, are past their settling and silent. */
async function untilMeasuring(agent: LabProcess): Promise<void> {
  await agent.waitForLine(/the tunnel is up/, { timeoutMs: 60_000 })
  const seen = new Map<string, number>()
  for (const until = Date.now() + 120_000; ; await sleep(200)) {
    const { stdout } = await pi.run('ss', ['-Hun', `dst ${picture.hubAddress}`])
    const flows = stdout.trim().split('\n')
    for (const flow of flows) seen.set(flow, seen.get(flow) ?? Date.now())
    // More than a round of echoes asks, and for longer.
    if (flows.filter((flow) => Date.now() - (seen.get(flow) ?? Infinity) > 6_000).length >= 8) return
    if (Date.now() > until) throw new Error(`nothing is measured: ${stdout}`)
  }
}

test('a start of hub and agent, with six channels of alerts, gives no warning of Node’s', async () => {
  await hub.stop()
  for (const host of [picture.hub, pi])
    await writeFile(join(host.disk.configDir, 'alerts.yaml'), ALERTS, { mode: 0o600 })
  const env = { NODE_OPTIONS: '--trace-warnings' }
  hub = picture.hub.startHomeward(['hub', 'run'], { env })
  await hub.waitForLine(/the hub is ready/)
  const agent = pi.startHomeward(['run'], { env })
  await untilMeasuring(agent)
  expect(await ended(agent)).toEqual(CLEAN)
  expect(await ended(hub)).toEqual(CLEAN)
  expect({ agent: agent.stderr, hub: hub.stderr }).toEqual({ agent: '', hub: '' })
})

test('an agent is gone at once, at any moment after its start', async () => {
  hub = picture.hub.startHomeward(['hub', 'run'])
  await hub.waitForLine(/the hub is ready/)
  for (const afterMs of [0, 50, 100, 200, 400, 800, 1_600, 3_200]) {
    const agent = pi.startHomeward(['run'])
    await agent.waitForLine(/watches this home/)
    await sleep(afterMs)
    expect(await ended(agent)).toEqual(CLEAN)
  }
})

test('an agent that measures how long the line keeps a flow is gone at once', async () => {
  const agent = pi.startHomeward(['run'])
  await untilMeasuring(agent)
  expect(await ended(agent)).toEqual(CLEAN)
})

test('a hub is gone at once, at any moment after its start, whoever holds on to it', async () => {
  await ended(hub)
  for (const afterMs of [0, 50, 200, 800, 2_000]) {
    hub = picture.hub.startHomeward(['hub', 'run'])
    await hub.waitForLine(/answering heartbeats/)
    await sleep(afterMs)
    expect(await ended(hub)).toEqual(CLEAN)
  }
  hub = picture.hub.startHomeward(['hub', 'run'])
  await hub.waitForLine(/the hub is ready/)
  // A TLS handshake that is never ended, and a caller of its socket who says nothing.
  const holding = picture.hub.start(process.execPath, [
    '-e',
    `const { connect } = require('node:net')
    const [tls, local] = [connect(51820, '127.0.0.1'), connect('/run/homeward/hub.sock')]
    for (const socket of [tls, local]) socket.on('error', () => undefined)
    tls.once('connect', () => tls.write(Buffer.from([22, 3, 1, 2]), () => console.log('holding')))
    setInterval(() => undefined, 1000)`,
  ])
  await holding.waitForLine(/holding/)
  expect(await ended(hub)).toEqual(CLEAN)
  await holding.stop()
})

test('where no resolver answers, nobody waits for a name that is being asked for', async () => {
  const silent = `require('node:dgram').createSocket('udp4').bind(53, '127.0.0.1', () => console.log('silent'))`
  for (const [host, verb, isReady] of [
    [picture.hub, ['hub', 'run'], /the hub is ready/],
    [pi, ['run'], /watches this home/],
  ] as const) {
    await host.start(process.execPath, ['-e', silent]).waitForLine(/silent/)
    // The defaults of resolv.conf(5): five seconds, twice.
    await host.shell('echo nameserver 127.0.0.1 > /etc/resolv.conf')
    const daemon = host.startHomeward(verb)
    await daemon.waitForLine(isReady)
    await sleep(1_000)
    const exit = await ended(daemon)
    // By the signal where something was left, which systemd takes for clean too.
    expect([CLEAN, { code: null, signal: 'SIGTERM' }, { code: 143, signal: null }]).toContainEqual(exit)
  }
})

test('an agent whose home leaves while it measures ends at once', async () => {
  for (const host of [picture.hub, pi]) await host.shell('echo "options timeout:1 attempts:1" >> /etc/resolv.conf')
  hub = picture.hub.startHomeward(['hub', 'run'])
  await hub.waitForLine(/the hub is ready/)
  const agent = pi.startHomeward(['run'])
  await untilMeasuring(agent)
  const leaving = pi.homeward(['leave', '--yes'])
  await agent.waitForLine(/this machine left its hub/)
  expect(await ended(agent, null)).toEqual(CLEAN)
  expect((await leaving).exitCode).toBe(0)
})
