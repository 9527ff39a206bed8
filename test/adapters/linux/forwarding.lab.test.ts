import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { applyDesired } from '../../../adapters/apply.ts'
import { privateKeyFrom, type PublicKey } from '../../../wireguard/keys.ts'
import { publicKeyOf } from '../../../wireguard/public-key.ts'
import type { PeerSpec } from '../../../wireguard/spec.ts'
import type { OpenAdapter } from '../../contract/machine.ts'
import { bundleDriver, openLinuxAdapter } from '../../contract/linux/linux-process.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { homeForwarding, hubForwarding } from '../forwarding.ts'
import { only } from '../only.ts'

/**
 * What passes and what does not, over real tunnels:
 *
 *   phone ─┐                ┌─ home ── camera 192.168.1.20
 *          ├──── hub ───────┤     └─── private 192.168.50.20, which the tunnel may not reach
 *          └                └─ cabin
 */
interface Station {
  readonly host: Host
  readonly publicKey: PublicKey
  readonly adapter: OpenAdapter
}

const HOME = '10.86.0.2'
const CABIN = '10.86.0.3'
const PHONE = '10.86.0.5'
const NETWORK = '10.86.0.0/16'
const LANS = ['192.168.1.0/24', '192.168.50.0/24']

let lab: Lab
let hub: Station
let home: Station
let cabin: Station
let phone: Station
let camera: Host
let hidden: Host

beforeAll(async () => {
  lab = await createLab()
  const names = ['hub', 'home', 'cabin', 'phone', 'camera', 'private']
  const hosts = await lab.addHosts(names.map((name) => ({ name })))
  const [hubHost, homeHost, cabinHost, phoneHost, cameraHost, privateHost] = hosts
  camera = cameraHost!
  hidden = privateHost!
  const line = (host: Host, net: number) =>
    [
      { host: hubHost!, interface: host.name, addresses: [`198.51.${net}.1/24`] },
      { host, interface: 'wan', addresses: [`198.51.${net}.2/24`] },
    ] as const
  await lab.connect([
    line(homeHost!, 100),
    line(cabinHost!, 101),
    line(phoneHost!, 102),
    [
      { host: homeHost!, interface: 'lan', addresses: ['192.168.1.1/24'] },
      { host: camera, interface: 'lan', addresses: ['192.168.1.20/24'] },
    ],
    [
      { host: homeHost!, interface: 'private', addresses: ['192.168.50.1/24'] },
      { host: hidden, interface: 'lan', addresses: ['192.168.50.20/24'], routes: ['default via 192.168.50.1'] },
    ],
  ])
  const driver = await bundleDriver(lab.folder)
  ;[hub, home, cabin, phone] = (await Promise.all(
    [hubHost!, homeHost!, cabinHost!, phoneHost!].map((host) => makeStation(host, driver)),
  )) as [Station, Station, Station, Station]
  for (const host of [camera, hidden, homeHost!, cabinHost!])
    await host.start(process.execPath, ['-e', SAYS_WHO_ASKS]).waitForLine(/ready/)
  await bring(hub, hubSpec())
  await Promise.all([
    bring(home, edgeSpec(home, HOME, 100)),
    bring(cabin, edgeSpec(cabin, CABIN, 101)),
    bring(phone, edgeSpec(phone, PHONE, 102)),
  ])
})
afterAll(async () => {
  await Promise.all([hub, home, cabin, phone].map((station) => station?.adapter.close()))
  await lab?.close()
})

/** Answers everybody with the address that it sees them at. */
const SAYS_WHO_ASKS = `require('node:http').createServer((request, response) =>
  response.end(request.socket.remoteAddress.replace('::ffff:', ''))).listen(80, () => console.log('ready'))`

async function makeStation(host: Host, driver: string): Promise<Station> {
  const privateKey = privateKeyFrom(randomBytes(32))
  const privateKeyFile = join(host.disk.configDir, 'private.key')
  const presharedKeysFile = join(host.disk.configDir, 'preshared.json')
  await writeFile(privateKeyFile, `${privateKey}\n`, { mode: 0o600 })
  await writeFile(presharedKeysFile, '{}')
  const adapter = await openLinuxAdapter(host, { driver, privateKeyFile, presharedKeysFile })
  return { host, publicKey: publicKeyOf(privateKey), adapter }
}

async function bring({ adapter }: Station, spec: TunnelSpec): Promise<void> {
  await applyDesired(adapter, only(spec), AbortSignal.timeout(60_000))
}

/** @param mtu of the routes to the home. */
function hubSpec(mtu: number | null = null): TunnelSpec {
  const peer = (station: Station, allowedIps: readonly string[]): PeerSpec => ({
    publicKey: station.publicKey,
    presharedKeyId: null,
    endpoint: null,
    allowedIps,
    keepaliveSeconds: 0,
  })
  return {
    interface: 'hw0',
    publicKey: hub.publicKey,
    address: '10.86.0.1/16',
    mtu: 1420,
    listenPort: 51_820,
    peers: [peer(home, [`${HOME}/32`, ...LANS]), peer(cabin, [`${CABIN}/32`]), peer(phone, [`${PHONE}/32`])],
    routes: [...(mtu === null ? [] : [`${HOME}/32`]), ...LANS].map((prefix) => ({ prefix, mtu })),
    forwarding: hubForwarding({ alternatePorts: [443], devices: [PHONE], lans: LANS }),
  }
}

/** A home or a device: one peer, the hub. */
function edgeSpec(station: Station, address: string, net: number, port = 51_820): TunnelSpec {
  return {
    interface: 'hw0',
    publicKey: station.publicKey,
    address: `${address}/16`,
    mtu: station === home ? 1280 : 1420,
    listenPort: null,
    peers: [
      {
        publicKey: hub.publicKey,
        presharedKeyId: null,
        endpoint: { address: `198.51.${net}.1`, port },
        allowedIps: station === home ? [NETWORK] : [NETWORK, ...LANS],
        keepaliveSeconds: 25,
      },
    ],
    routes: station === home ? [] : LANS.map((prefix) => ({ prefix, mtu: null })),
    forwarding: homeForwarding({ lan: station === home ? ['192.168.1.0/24'] : [], mode: 'masquerade' }),
  }
}

/** What the asked one sees of who asks; null when no answer came within a second. */
async function ask({ host }: Pick<Station, 'host'>, address: string, more: readonly string[] = []) {
  const args = ['-s', '--max-time', '1', ...more, `http://${address}/`]
  const { exitCode, stdout } = await host.run('curl', args, { allowFailure: true })
  return exitCode === 0 ? stdout : null
}

describe('a device', () => {
  test('reaches the LAN of a home, whose hosts see the home’s machine and need no route', async () => {
    await expect.poll(() => ask(phone, '192.168.1.20')).toBe('192.168.1.1')
  })

  test('is seen itself where the LAN has a route back', async () => {
    const spec = edgeSpec(home, HOME, 100)
    await bring(home, { ...spec, forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'routed' }) })
    expect(await ask(phone, '192.168.1.20')).toBeNull()
    await camera.run('ip', ['route', 'add', NETWORK, 'via', '192.168.1.1'])
    await expect.poll(() => ask(phone, '192.168.1.20')).toBe(PHONE)
    await camera.run('ip', ['route', 'del', NETWORK])
    await bring(home, spec)
  })

  test('reaches nothing behind a home but its LAN, not even where the hub would lead it there', async () => {
    await expect.poll(() => ask(home, '192.168.50.20')).toBe('192.168.50.1')
    expect(await ask(phone, '192.168.50.20')).toBeNull()
  })

  test('reaches the homes’ own machines, and what they publish for their containers', async () => {
    await expect.poll(() => ask(phone, HOME)).toBe(PHONE)
    await expect.poll(() => ask(phone, CABIN)).toBe(PHONE)
    await home.host.shell(`nft -f - <<'END'
      table ip container {
        chain prerouting { type nat hook prerouting priority -100; tcp dport 8080 dnat to 192.168.50.20:80; }
      }
END`)
    await expect.poll(() => ask(phone, `${HOME}:8080`)).toBe(PHONE)
    await home.host.run('nft', ['delete', 'table', 'ip', 'container'])
  })

  test('comes in through an alternate port', async () => {
    await bring(phone, edgeSpec(phone, PHONE, 102, 443))
    await expect.poll(() => ask(phone, HOME)).toBe(PHONE)
    await bring(phone, edgeSpec(phone, PHONE, 102))
  })
})

describe('a home', () => {
  test('starts nothing towards another home, or towards a device', async () => {
    expect(await ask(home, CABIN)).toBeNull()
    expect(await ask(cabin, HOME)).toBeNull()
    expect(await ask(cabin, '192.168.1.20')).toBeNull()
    expect((await home.host.run('ping', ['-c1', '-W1', PHONE], { allowFailure: true })).exitCode).not.toBe(0)
    await home.host.run('ping', ['-c1', '-w30', '10.86.0.1'])
  })

  test('of a former device loses its rights with the next firewall', async () => {
    const spec = hubSpec()
    await expect.poll(() => ask(phone, CABIN)).toBe(PHONE)
    await bring(hub, { ...spec, forwarding: hubForwarding() })
    expect(await ask(phone, CABIN)).toBeNull()
    await bring(hub, spec)
    await expect.poll(() => ask(phone, CABIN)).toBe(PHONE)
  })
})

test('nobody outside gets into the tunnel through the hub', async () => {
  await hub.host.shell(`nft -f - <<'END'
    table inet count {
      counter came { }
      counter passed { }
      chain forward { type filter hook forward priority -10; iifname "phone" counter name "came"; }
      chain postrouting { type filter hook postrouting priority 300; iifname "phone" counter name "passed"; }
    }
END`)
  const counted = async (name: string): Promise<number> => {
    const { stdout } = await hub.host.run('nft', ['list', 'counter', 'inet', 'count', name])
    return Number(/packets (\d+)/.exec(stdout)?.[1])
  }
  // Past the phone's tunnel, straight to the hub's outside, as anybody on the internet could.
  await phone.host.run('ip', ['route', 'add', CABIN, 'via', '198.51.102.1'])
  expect(await ask(phone, CABIN, ['--interface', '198.51.102.2'])).toBeNull()
  expect(await counted('came')).toBeGreaterThan(0)
  expect(await counted('passed')).toBe(0)
  await phone.host.run('ip', ['route', 'del', CABIN, 'via', '198.51.102.1'])
  await hub.host.run('nft', ['delete', 'table', 'inet', 'count'])
})

test('TCP in both directions is clamped to the smaller tunnel', async () => {
  // The phone's own MTU would allow 1380, the camera's 1460; the home's tunnel allows 1280 less 40 of headers.
  const segments = (host: Host, device: string, flags: string) =>
    host.start('tcpdump', ['-l', '-n', '-c1', '-i', device, `tcp port 80 and tcp[tcpflags] == ${flags}`])
  const syn = segments(camera, 'lan', 'tcp-syn')
  const answer = segments(phone.host, 'hw0', '(tcp-syn|tcp-ack)')
  await Promise.all([syn.waitForLine(/listening on/), answer.waitForLine(/listening on/)])
  await ask(phone, '192.168.1.20')
  expect((await syn.waitForLine(/mss (\d+)/))[1]).toBe('1240')
  expect((await answer.waitForLine(/mss (\d+)/))[1]).toBe('1240')
})

test('what a home’s line bears less is told to whoever sends more, and other homes bear what they did', async () => {
  const pings = async (address: string, bytes: number, from = phone.host) => {
    const sized = ['-c1', '-W5', '-M', 'do', '-s', String(bytes - 28), address]
    const { exitCode, stdout, stderr } = await from.run('ping', sized, { allowFailure: true })
    return { passed: exitCode === 0, said: stdout + stderr }
  }
  await bring(hub, hubSpec(1200))
  for (const address of [HOME, '192.168.1.20']) {
    await expect.poll(() => pings(address, 1200), { message: address }).toMatchObject({ passed: true })
    const large = await pings(address, 1201)
    expect(large.said, address).toMatch(/mtu ?= ?1200/)
    expect(large.passed, address).toBe(false)
  }
  expect((await pings(HOME, 1201, hub.host)).passed).toBe(false)
  await expect.poll(() => pings(CABIN, 1420)).toMatchObject({ passed: true })
  // TCP does not need to be told: the hub clamps it, from both ends.
  const syn = camera.start('tcpdump', ['-l', '-n', '-c1', '-i', 'lan', 'tcp port 80 and tcp[tcpflags] == tcp-syn'])
  await syn.waitForLine(/listening on/)
  await ask(phone, '192.168.1.20')
  expect((await syn.waitForLine(/mss (\d+)/))[1]).toBe('1160')
  await bring(hub, hubSpec())
  for (const host of [phone.host, hub.host]) await host.run('ip', ['route', 'flush', 'cache'])
  await expect.poll(() => pings(HOME, 1280)).toMatchObject({ passed: true })
})

test('changing what may pass loses no packet of what goes on passing', async () => {
  const spec = edgeSpec(home, HOME, 100)
  await expectNoneLost(async () => {
    for (const lan of [['192.168.1.0/24', '192.168.60.0/24'], ['192.168.1.0/24']])
      await bring(home, { ...spec, forwarding: homeForwarding({ lan, mode: 'masquerade' }) })
    await bring(hub, {
      ...hubSpec(),
      forwarding: hubForwarding({ alternatePorts: [4500], devices: [PHONE, '10.86.0.6'], lans: LANS }),
    })
  })
})

test('a second tunnel of the home comes, changes and goes, and no packet through the first is lost', async () => {
  const first = edgeSpec(home, HOME, 100)
  const second: TunnelSpec = {
    ...first,
    interface: 'hw1',
    address: '10.87.0.2/16',
    peers: [{ ...first.peers[0]!, publicKey: phone.publicKey, allowedIps: ['10.87.0.0/16'] }],
    forwarding: homeForwarding({ lan: ['192.168.50.0/24'], mode: 'masquerade' }),
  }
  await bring(home, first)
  await expectNoneLost(async () => {
    for (const desired of [[first, second], [first, { ...second, mtu: 1300 }], [first]])
      await applyDesired(home.adapter, desired, AbortSignal.timeout(60_000))
  })
})

/** Of what the phone sends to the home's LAN meanwhile. */
async function expectNoneLost(change: () => Promise<void>): Promise<void> {
  const pinging = phone.host.start('ping', ['-i', '0.02', '192.168.1.20'])
  await pinging.waitForLine(/icmp_seq=2 /)
  await change()
  const during = pinging.stdout.split('\n').length
  // What the last change broke is not answered now.
  await pinging.waitForLine(new RegExp(`icmp_seq=${during + 10} `))
  await pinging.kill('SIGINT')
  await pinging.exited
  // Those after the last answer may be under way.
  const answered = new Set([...pinging.stdout.matchAll(/icmp_seq=(\d+) .*time=/g)].map((match) => Number(match[1])))
  const sent = Array.from({ length: Math.max(...answered) }, (_, index) => index + 1)
  expect(sent.filter((number) => !answered.has(number))).toEqual([])
}
