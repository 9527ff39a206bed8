import { afterAll, beforeAll, expect, test } from 'vitest'
import { encodeRequest } from '../../../protocol/heartbeat.ts'
import { hubStatusOf, inviteHome, plannedSteps, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/** Neighbours of both ends that send what only the other end could: each has the same link and the route. */
let lab: Lab
let picture: Picture
let hub: Host
let pi: Host

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  hub = picture.hub
  pi = picture.home.pi
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
})
afterAll(() => lab.close())

/** Sends a datagram each tenth of a second, from an address and a port of its own. */
const FORGER = `
const [from, to, port, text] = process.argv.slice(1)
const socket = require('node:dgram').createSocket('udp4')
socket.bind(0, from, () => setInterval(() => socket.send(Buffer.from(text, 'hex'), Number(port), to, () => undefined), 100))
`
const forge = (host: Host, from: string, to: string, port: number, hex = '3f') =>
  host.start(process.execPath, ['-e', FORGER, from, to, String(port), hex])

/** Says whom each datagram is of. */
const LISTENER = `
const socket = require('node:dgram').createSocket('udp4')
socket.on('message', (_, from) => console.log('of ' + from.address))
socket.bind(Number(process.argv[1]), '0.0.0.0', () => console.log('ready'))
`

/** Counts what comes in by eth0 with this source, before anybody judges it. */
async function countArrivals(host: Host, source: string): Promise<() => Promise<number>> {
  const table = `seen_${source.replaceAll('.', '_')}`
  await host.shell(`nft -f - <<'X'
table ip ${table} {
  chain c {
    type filter hook prerouting priority -400; policy accept;
    iifname "eth0" ip saddr ${source} counter
  }
}
X`)
  return async () => {
    const { stdout } = await host.run('nft', ['list', 'table', 'ip', table])
    return Number(/counter packets (\d+)/.exec(stdout)?.[1])
  }
}

const comesTo = (count: () => Promise<number>, least: number) =>
  expect.poll(count, { timeout: 60_000 }).toBeGreaterThanOrEqual(least)

test('a home is not alive by heartbeats of a neighbour of the hub', async () => {
  const { internet } = picture
  await internet.shell('ip addr add 10.86.0.2/32 dev lo; ip route add 10.86.0.1/32 via 203.0.113.10')
  const arrivals = await countArrivals(hub, '10.86.0.2')
  const forger = forge(internet, '10.86.0.2', '10.86.0.1', 8686, Buffer.from(encodeRequest(1)).toString('hex'))
  await comesTo(arrivals, 30)
  const { lastHeartbeatSeconds } = (await hubStatusOf(hub)).homes[0] ?? {}
  expect(lastHeartbeatSeconds ?? Number.POSITIVE_INFINITY).toBeGreaterThan(2)
  await forger.kill('SIGKILL')
})

test('nor is anything of the tunnel’s network taken that comes by the hub’s other interface', async () => {
  const listener = hub.start(process.execPath, ['-e', LISTENER, '9000'])
  await listener.waitForLine(/^ready$/)
  const arrivals = await countArrivals(hub, '10.86.0.77')
  await picture.internet.shell('ip addr add 10.86.0.77/32 dev lo')
  const forger = forge(picture.internet, '10.86.0.77', '203.0.113.10', 9000)
  await comesTo(arrivals, 10)
  // One that is not forged comes after those.
  const honest = forge(picture.internet, '203.0.113.1', '203.0.113.10', 9000)
  await listener.waitForLine(/^of 203\.0\.113\.1$/)
  expect(listener.stdout).not.toContain('10.86.0.77')
  await Promise.all([forger.kill('SIGKILL'), honest.kill('SIGKILL'), listener.kill('SIGKILL')])
})

test('hosts beside the hub in a network of the tunnel’s numbers are reached as ever', async () => {
  await picture.internet.shell('ip addr add 10.86.7.1/24 dev hub0')
  await hub.shell('ip addr add 10.86.7.2/24 dev eth0')
  await hub.run('ping', ['-c', '3', '-W', '10', '10.86.7.1'])
  await hub.shell('ip addr del 10.86.7.2/24 dev eth0')
})

test('the home’s own address in the tunnel is nobody’s in its LAN, who forges the hub’s or not', async () => {
  await startAgent(pi)
  const { camera, lan } = { camera: picture.home.camera, lan: picture.home.lan }
  await serveEcho(pi, 'pi', 8123)
  await camera.shell(`ip route add 10.86.0.2/32 via ${lan.pi}; ip addr add 10.86.0.1/32 dev lo`)
  expect(await askService(camera, 'tcp', '10.86.0.2', 8123)).toBeNull()
  const listener = pi.start(process.execPath, ['-e', LISTENER, '9000'])
  await listener.waitForLine(/^ready$/)
  const arrivals = await countArrivals(pi, '10.86.0.1')
  const forgers = [forge(camera, '10.86.0.1', '10.86.0.2', 9000), forge(camera, '10.86.0.1', lan.pi, 9000)]
  await comesTo(arrivals, 20)
  const honest = forge(camera, lan.camera, lan.pi, 9000)
  await listener.waitForLine(new RegExp(`^of ${lan.camera}$`))
  expect(listener.stdout).not.toContain('10.86.0.1')
  await Promise.all([...forgers, honest, listener].map((one) => one.kill('SIGKILL')))
  // By the tunnel the same port answers.
  expect(await askService(hub, 'tcp', '10.86.0.2', 8123)).toBe('pi sees 10.86.0.1')
})

test('nothing differs then, and a chain that somebody empties is filled again', async () => {
  await expect.poll(() => plannedSteps(pi), { timeout: 60_000 }).toEqual([])
  for (const host of [hub, pi]) {
    const rules = async () => (await host.run('nft', ['list', 'chain', 'inet', 'homeward', 'forged'])).stdout
    const before = await rules()
    expect(before).toContain('fib saddr . iif')
    await host.run('nft', ['flush', 'chain', 'inet', 'homeward', 'forged'])
    await expect.poll(rules, { timeout: 90_000 }).toBe(before)
  }
})
