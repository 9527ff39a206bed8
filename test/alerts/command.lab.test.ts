import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { inviteHome, problemOf, startHub, statusOf } from '../agent/lab-home.ts'
import type { Host } from '../lab/host/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { type Receiver, startReceiver } from '../lab/places/receiver.ts'
import { writeAlerts } from './lab-alerts.ts'

const SECRET = 'hunter2hunter2'

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
  await picture.hub.shell(`echo 'metricsPort: 9187' >> ${join(picture.hub.disk.configDir, 'hub.yaml')}`)
  hubDaemon = picture.hub.startHomeward(['hub', 'run'], { env: receiver.trust })
  await hubDaemon.waitForLine(/the hub is ready/)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await pi.shell(`echo 'metricsPort: 9187' >> ${join(pi.disk.configDir, 'agent.yaml')}`)
  agent = pi.startHomeward(['run'], { env: receiver.trust })
  await agent.waitForLine(/the tunnel is up/, { timeoutMs: 60_000 })
})
afterAll(() => lab.close())

const alertsFile = (host: Host): string => join(host.disk.configDir, 'alerts.yaml')

async function add(host: Host, name: string, path: string): Promise<void> {
  await host.homeward(['alert', 'add', name], { input: `${receiver.url}${path}?token=${SECRET}\n` })
}

/** Without the environment of the services, in which the receiver's certificate is trusted. */
async function testOf(host: Host, args: readonly string[] = []) {
  const options = { allowFailure: true, timeoutMs: 120_000 }
  const { stdout, exitCode, stderr } = await host.homeward(['alert', 'test', ...args, '--json'], options)
  expect(stdout + stderr).not.toContain(SECRET)
  return { ...(JSON.parse(stdout) as { ends: unknown }), exitCode }
}

test('without channels there is nothing to test, and the way to one is said', async () => {
  const problem = await problemOf(pi, ['alert', 'test'])
  expect(problem).toMatchObject({ code: 'channel-missing', exitCode: 1 })
  expect(problem.stderr).toContain('homeward alert add NAME')
})

test('a channel is added by standard input, to a file for nobody else', async () => {
  await add(pi, 'phone', '/of-home')
  await add(picture.hub, 'phone', '/of-hub')
  expect((await stat(alertsFile(pi))).mode & 0o777).toBe(0o600)
  expect(await readFile(alertsFile(pi), 'utf8')).toContain('/of-home')
  const again = await pi.homeward(['alert', 'add', 'phone', '--json'], { input: 'ntfy://x', allowFailure: true })
  expect(again.stdout).toContain('channel-exists')
  const bad = await pi.homeward(['alert', 'add', 'other'], { input: `gopher://${SECRET}`, allowFailure: true })
  expect(bad.exitCode).toBe(1)
  expect(bad.stderr).toContain('homeward knows no channel gopher://')
  expect(bad.stdout + bad.stderr).not.toContain(SECRET)
})

test('a test goes out from both ends’ services, with their environment, marked as one, and each answer is told', async () => {
  await hubDaemon.waitForLine(/took the new alerts.yaml/)
  expect(await testOf(pi)).toEqual({
    exitCode: 0,
    ends: [
      { end: 'home', by: 'service', channels: [{ name: 'phone', kind: 'webhook', problem: null }], problem: null },
      { end: 'hub', by: 'service', channels: [{ name: 'phone', kind: 'webhook', problem: null }], problem: null },
    ],
  })
  // Both ends send at the same time; the hub tells besides that the home joined.
  const tests = (await receiver.received()).filter(({ body }) => !body.includes('homeward.security'))
  const all = [...tests].sort((a, b) => (a.path < b.path ? -1 : 1))
  const got = all.map(({ path, body }) => [path.split('?')[0], JSON.parse(body) as unknown])
  expect(got).toEqual([
    ['/of-home', expect.objectContaining({ type: 'homeward.test' })],
    ['/of-hub', expect.objectContaining({ type: 'homeward.test' })],
  ])
})

test('one of them by its name; one that fails is told with its reason; one that is not there is no channel', async () => {
  await receiver.behave('/of-hub', { status: 500 })
  const named = await testOf(pi, ['phone'])
  expect(named).toMatchObject({
    exitCode: 2,
    ends: [
      { end: 'home', channels: [{ problem: null }] },
      { end: 'hub', channels: [{ problem: 'the hub says: "198.18.0.20:8443: it answered 500"' }] },
    ],
  })
  expect(await problemOf(pi, ['alert', 'test', 'nobody'])).toMatchObject({ code: 'channel-missing', exitCode: 1 })
  await receiver.behave('/of-hub', 'take')
  expect(await testOf(picture.hub)).toMatchObject({ exitCode: 0, ends: [{ end: 'hub' }] })
})

test('a channel’s secret is in its file and nowhere else', async () => {
  await agent.waitForLine(/took the new alerts.yaml/)
  expect((await statusOf(pi)).alerts).toEqual({
    channels: [{ name: 'phone', kind: 'webhook', waiting: 0, problem: null }],
  })
  const { stdout: arguments_ } = await pi.shell('cat /proc/[0-9]*/cmdline | tr "\\0" " "')
  const { stdout: status } = await pi.homeward(['status', '--json'])
  for (const text of [agent.stdout, agent.stderr, hubDaemon.stdout, hubDaemon.stderr, arguments_, status])
    expect(text).not.toContain(SECRET)
})

test('a mistake in the file is told without what stands there, and the last good one stays', async () => {
  const good = await readFile(alertsFile(pi), 'utf8')
  const line = agent.lineCount
  await writeAlerts(pi, `channels: { phone: "gopher://${SECRET}" }\n`)
  await agent.waitForLine(/The last good alerts stay in force/, { after: line })
  expect(agent.stdout).not.toContain(SECRET)
  expect((await statusOf(pi)).alerts.channels).toHaveLength(1)
  await writeAlerts(pi, good)
  await agent.waitForLine(/took the new alerts.yaml/, { after: line })
})

test('metrics of both ends have the names that dashboards know, on loopback alone', async () => {
  const metrics = async (host: Host) =>
    (await host.run('curl', ['-s', '--fail', 'http://127.0.0.1:9187/metrics'])).stdout
  await vi.waitFor(async () => {
    const [ofHome, ofHub] = [await metrics(pi), await metrics(picture.hub)]
    expect(ofHome).toMatch(
      /^wireguard_received_bytes_total\{interface="hw0",public_key="[^"]+=",allowed_ips="10\.86\.0\.0\/16",friendly_name="hub"\} [1-9]\d*$/m,
    )
    expect(ofHome).toMatch(/^homeward_tunnel_state\{home="cabin",state="up"\} 1$/m)
    expect(ofHome).toMatch(/^homeward_tunnel_up\{home="cabin"\} 1$/m)
    expect(ofHome).toMatch(/^homeward_probe_rtt_seconds\{home="cabin"\} 0\.\d+$/m)
    expect(ofHub).toMatch(/^wireguard_latest_handshake_seconds\{[^}]*friendly_name="cabin"\} 1[78]\d{8}$/m)
    expect(ofHub).toMatch(/^homeward_tunnel_up\{home="cabin"\} 1$/m)
  })
  const outside = await picture.home.camera.run('curl', ['-s', '-m', '3', 'http://192.168.1.2:9187/metrics'], {
    allowFailure: true,
  })
  expect(outside.exitCode).not.toBe(0)
})

test('each end lists its channels, and whether they work', async () => {
  const listed = async (host: Host) =>
    JSON.parse((await host.homeward(['alert', 'list', '--json'], { allowFailure: true })).stdout) as unknown
  const phone = {
    name: 'phone',
    kind: 'webhook',
    host: '198.18.0.20:8443',
    shared: null,
    takes: null,
    waiting: 0,
    problem: null,
  }
  expect(await listed(pi)).toEqual({ running: true, channels: [phone] })
  expect(await listed(picture.hub)).toEqual({ running: true, channels: [phone] })
})

test('where no service runs the test is sent by the command, which says so', async () => {
  await agent.stop()
  const { stdout } = await pi.homeward(['alert', 'test', 'phone'], { allowFailure: true, env: receiver.trust })
  expect(stdout).toMatch(/^home +phone +webhook +accepted$/m)
  expect(stdout).toContain('homeward does not run here, so this command sent the home’s tests itself')
  await pi.homeward(['alert', 'remove', 'phone'])
  expect(await readFile(alertsFile(pi), 'utf8')).not.toContain('/of-home')
})
