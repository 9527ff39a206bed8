import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { encodeRequest } from '../../../protocol/datagrams/heartbeat.ts'
import { hubStatusOf, inviteHome, plannedSteps, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/**
 * Neighbours of both ends that send what only the other end could: each has the same link and the route. Last, a hub that
 * somebody took over.
 */
let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  hub = picture.hub
  pi = picture.home.pi
  await serveEcho(pi, 'pi', 8123)
  daemon = await startHub(picture)
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

describe('whoever is root on the hub', () => {
  const another = '192.168.77.1'
  const lanIs = async (prefix: string): Promise<void> => {
    const path = join(pi.disk.configDir, 'agent.yaml')
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace(/^( {2}prefixes:\n)(?: {4}- .*\n)+/m, `$1    - ${prefix}\n`))
  }

  beforeAll(async () => {
    const { camera, router, lan } = picture.home
    await Promise.all([
      serveEcho(camera, 'camera', 554),
      serveEcho(router, 'router', 554),
      serveEcho(picture.visitor, 'outside', 554),
    ])
    await camera.shell(`ip addr add ${another}/24 dev lo`)
    await pi.shell(`ip route add 192.168.77.0/24 via ${lan.camera}; ip route get ${another}`)
    // His own rules instead of homeward's: all that is there is led into the tunnel.
    await daemon.stop()
    const peer = (await hub.run('wg', ['show', 'hw0', 'peers'])).stdout.trim()
    await hub.shell(`nft delete table inet homeward
wg set hw0 peer ${peer} allowed-ips 0.0.0.0/0
ip route add 192.168.77.0/24 dev hw0; ip route add 198.18.0.20 dev hw0`)
  })

  test('reaches the home’s LAN and its Pi, and neither another network of the home nor the internet by its line', async () => {
    const { lan } = picture.home
    expect(await askService(hub, 'tcp', lan.camera, 554)).toMatch(/^camera sees/)
    expect(await askService(hub, 'tcp', lan.router, 554)).toMatch(/^router sees/)
    for (const address of ['10.86.0.2', lan.pi])
      expect(await askService(hub, 'tcp', address, 8123)).toBe('pi sees 10.86.0.1')
    expect(await askService(pi, 'tcp', another, 554)).toMatch(/^camera sees/)
    expect(await askService(pi, 'tcp', '198.18.0.20', 554)).toMatch(/^outside sees/)
    // What came out of the tunnel for those, and what of it went on.
    const both = `{ ${another}, 198.18.0.20 }`
    await pi.shell(`nft -f - <<'X'
table ip tried {
  chain came { type filter hook prerouting priority -400; iifname "hw0" ip daddr ${both} counter; }
  chain went { type filter hook postrouting priority -400; iifname "hw0" ip daddr ${both} counter; }
}
X`)
    for (const address of [another, '198.18.0.20']) expect(await askService(hub, 'tcp', address, 554)).toBeNull()
    const counted = async (chain: string): Promise<number> =>
      Number(/packets (\d+)/.exec((await pi.run('nft', ['list', 'chain', 'ip', 'tried', chain])).stdout)?.[1])
    expect(await counted('came')).toBeGreaterThanOrEqual(2)
    expect(await counted('went')).toBe(0)
  })

  test('reaches one host where the home’s settings name that alone, and the Pi', async () => {
    const { lan } = picture.home
    await lanIs(`${lan.camera}/32`)
    await expect.poll(() => askService(hub, 'tcp', lan.router, 554), { timeout: 90_000 }).toBeNull()
    expect(await askService(hub, 'tcp', lan.camera, 554)).toMatch(/^camera sees/)
    expect(await askService(hub, 'tcp', lan.pi, 8123)).toBe('pi sees 10.86.0.1')
  })
})
