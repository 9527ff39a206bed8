import { existsSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askedBy } from './places/camera.ts'
import {
  changePoolAddress,
  changeWanAddress,
  dropAllUdp,
  dropPort,
  dropReturnPath,
  dropThisFlow,
  forgetMapping,
  lossAndJitter,
  outage,
  redialWan,
  shrinkCarrierMtu,
} from './faults/faults.ts'
import { createLab, type Lab } from './lab.ts'
import { answerFlows, liveFlow, OTHER_PORT, PORT } from './live-flow.ts'
import { buildPicture, HUB_NAME, type Picture } from './picture.ts'
import { bytesOnWire } from './traffic/traffic.ts'
import { answerUdp, openUdpFlow, type UdpFlow } from './traffic/udp-flow.ts'

let lab: Lab
let picture: Picture

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  await answerFlows(picture)
})

afterAll(async () => {
  await lab.close()
  expect(existsSync(lab.folder)).toBe(false)
})

function which(flow: UdpFlow) {
  return { flow: { localPort: flow.localPort, remoteAddress: picture.hubAddress, remotePort: PORT } }
}

describe('the picture', () => {
  it('hides the Pi behind two translations', async () => {
    const flow = await liveFlow(picture)
    const seen = await flow.ask()
    expect(seen?.address).toBe(picture.home.customer.poolAddress)
    expect(seen?.port).not.toBe(flow.localPort)
    const atRouter = await picture.home.router.run('conntrack', [
      '-L',
      '-p',
      'udp',
      '--orig-port-src',
      `${flow.localPort}`,
    ])
    expect(atRouter.stdout).toContain(`dst=${picture.home.customer.wanAddress}`)
  })

  it('lets nothing in that was not asked for', async () => {
    const { hub, home } = picture
    const uninvited = await openUdpFlow(hub, home.customer.poolAddress, PORT)
    await answerUdp(home.pi, PORT)
    expect(await uninvited.ask({ timeoutMs: 200 })).toBeUndefined()
    for (const address of [home.customer.wanAddress, home.lan.pi])
      expect(await hub.run('ping', ['-c1', '-W1', address], { allowFailure: true })).toMatchObject({ exitCode: 1 })
    // Not for want of a route: with one, the filters of carrier and router still refuse.
    const { internet, carrier } = picture
    await internet.run('ip', ['route', 'add', home.customer.wanAddress, 'via', '198.19.0.2'])
    await carrier.host.run('ip', ['route', 'add', home.lan.pi, 'via', home.customer.wanAddress])
    const direct = await openUdpFlow(carrier.host, home.lan.pi, PORT)
    for (const [from, address] of [
      [hub, home.customer.wanAddress],
      [carrier.host, home.lan.pi],
    ] as const)
      expect(await from.run('ping', ['-c1', '-W1', address], { allowFailure: true })).toMatchObject({ exitCode: 1 })
    expect(await direct.ask({ timeoutMs: 200 })).toBeUndefined()
    await internet.run('ip', ['route', 'del', home.customer.wanAddress])
    await carrier.host.run('ip', ['route', 'del', home.lan.pi])
    // The same answerer is there for whoever may reach it.
    expect(await (await openUdpFlow(home.router, home.lan.pi, PORT)).ask()).toBeDefined()
  })

  it('shows the camera page on the LAN, with the address of whoever asks', async () => {
    const { home } = picture
    const { stdout } = await home.pi.run('curl', ['-sS', '--max-time', '30', `http://${home.lan.camera}/`])
    expect(askedBy(stdout)).toBe(home.lan.pi)
  })

  it('gives the phone, the visitor and the hub a way to each other, and a beacon to all', async () => {
    for (const host of [picture.phone, picture.visitor, picture.home.pi])
      for (const address of [HUB_NAME, picture.beacon]) await host.run('ping', ['-c1', '-w30', address])
  })

  it('keeps the hosts apart from the machine they run on', async () => {
    const { stdout } = await picture.home.pi.shell('hostname; ls /sys/class/net; ls /run/wireguard; ps -e -o comm=')
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['pi', 'eth0', 'lo', 'cat']))
    expect(stdout).not.toContain('vitest')
    expect(existsSync('/sys/class/net/home1')).toBe(false)
  })

  it('counts the bytes that pass an interface', async () => {
    const flow = await liveFlow(picture)
    const before = await bytesOnWire(picture.carrier.host, picture.home.customer.interface)
    await flow.ask({ bytes: 1000 })
    const passed = (await bytesOnWire(picture.carrier.host, picture.home.customer.interface)) - before
    // Twice a thousand bytes in UDP (8), IPv4 (20) and Ethernet (14), and perhaps a few ARP packets.
    expect(passed).toBeGreaterThanOrEqual(2 * 1042)
    expect(passed).toBeLessThan(2 * 1042 + 400)
  })
})

describe('mappings', () => {
  it('die of silence after the time that was set, not before', async () => {
    await picture.carrier.setMappingLife({ firstSeconds: 5, streamSeconds: 5 })
    const flow = await liveFlow(picture)
    expect(await flow.ask({ delayMs: 400 })).toBeDefined()
    expect(await flow.ask({ delayMs: 6500, timeoutMs: 1000 })).toBeUndefined()
    await picture.carrier.setMappingLife({ firstSeconds: 30, streamSeconds: 120 })
    expect(await (await liveFlow(picture)).ask({ delayMs: 6500 })).toBeDefined()
  })

  it('forgotten, get another port, and another public address when the pool moves', async () => {
    const flow = await liveFlow(picture)
    const first = await flow.ask()
    await forgetMapping(picture.home)
    const second = await flow.ask()
    expect(second?.address).toBe(first?.address)
    expect(second?.port).not.toBe(first?.port)
    await forgetMapping(picture.home, { pool: 'other' })
    const third = await flow.ask()
    expect(third?.address).not.toBe(first?.address)
    expect(third?.address).toBe(picture.home.customer.poolAddress)
  })

  it('stay as they are when the pool moves, and new flows get the new address', async () => {
    const flow = await liveFlow(picture)
    const before = await flow.ask()
    const moved = await changePoolAddress(picture.home)
    expect(moved).not.toBe(before?.address)
    expect(await flow.ask()).toEqual(before)
    expect((await (await liveFlow(picture)).ask())?.address).toBe(moved)
  })

  it('forgotten, no longer lead answers home', async () => {
    const flow = await liveFlow(picture)
    const before = await receivedByHub()
    const late = flow.ask({ delayMs: 5000, timeoutMs: 1000 })
    await expect.poll(receivedByHub).toBe(before + 1)
    await forgetMapping(picture.home)
    expect(await late).toBeUndefined()
  })
})

describe('a changed WAN address', () => {
  it('kills a flow for good where the router keeps its stale entry, while new flows live', async () => {
    const flow = await liveFlow(picture)
    await changeWanAddress(picture.home, { staleSnat: true })
    expect(await flow.ask({ timeoutMs: 300 })).toBeUndefined()
    expect(await flow.ask({ timeoutMs: 300 })).toBeUndefined()
    expect((await (await liveFlow(picture)).ask())?.address).toBe(picture.home.customer.poolAddress)
  })

  it('only gives a flow a new mapping where the router forgets', async () => {
    const flow = await liveFlow(picture)
    const before = await flow.ask()
    await changeWanAddress(picture.home, { staleSnat: false })
    const after = await flow.ask()
    expect(after?.address).toBe(picture.home.customer.poolAddress)
    expect(after?.address).not.toBe(before?.address)
  })

  it('comes with silence when the line redials', async () => {
    const flow = await liveFlow(picture)
    const redial = redialWan(picture.home, { downMs: 5000, staleSnat: false })
    await expect.poll(() => flow.ask({ timeoutMs: 500 })).toBeUndefined()
    await redial
    expect(await flow.ask()).toBeDefined()
  })
})

describe('blocked', () => {
  it('this 5-tuple: the flow dies, its neighbour lives, and undo brings it back', async () => {
    const [flow, neighbour] = [await liveFlow(picture), await liveFlow(picture)]
    const undo = await dropThisFlow(picture.home, which(flow))
    expect(await flow.ask({ timeoutMs: 200 })).toBeUndefined()
    expect(await neighbour.ask()).toBeDefined()
    await undo()
    expect(await flow.ask()).toBeDefined()
  })

  it('only the return path: the hub still hears the flow', async () => {
    const [flow, neighbour] = [await liveFlow(picture), await liveFlow(picture)]
    const undo = await dropReturnPath(picture.home, which(flow))
    const before = await receivedByHub()
    expect(await flow.ask({ timeoutMs: 200 })).toBeUndefined()
    await expect.poll(receivedByHub).toBe(before + 1)
    expect(await neighbour.ask()).toBeDefined()
    await undo()
    expect(await flow.ask()).toBeDefined()
  })

  it('a port: the other port lives', async () => {
    const [flow, elsewhere] = [await liveFlow(picture), await liveFlow(picture, OTHER_PORT)]
    const undo = await dropPort(picture.home, PORT)
    expect(await flow.ask({ timeoutMs: 200 })).toBeUndefined()
    expect(await elsewhere.ask()).toBeDefined()
    await undo()
    expect(await flow.ask()).toBeDefined()
  })

  it('all UDP: TCP and pings live, other homes too', async () => {
    const flow = await liveFlow(picture)
    const lodge = await picture.addHome({ name: 'lodge', nat: 'masquerade' })
    const theirs = await openUdpFlow(lodge.pi, picture.hubAddress, PORT)
    const undo = await dropAllUdp(picture.home)
    expect(await flow.ask({ timeoutMs: 200 })).toBeUndefined()
    await picture.home.pi.run('ping', ['-c1', '-w30', picture.hubAddress])
    // Nothing listens there: the refusal itself came over TCP (curl's status 7).
    const tcp = await picture.home.pi.run('curl', ['-sS', '--max-time', '30', `http://${picture.hubAddress}/`], {
      allowFailure: true,
    })
    expect(tcp.exitCode).toBe(7)
    expect((await theirs.ask())?.address).toBe(lodge.customer.poolAddress)
    await undo()
    expect(await flow.ask()).toBeDefined()
  })

  it('everything: an outage ends and the flow goes on', async () => {
    const flow = await liveFlow(picture)
    const before = await flow.ask()
    const restore = await outage(picture.home)
    expect(await flow.ask({ timeoutMs: 200 })).toBeUndefined()
    expect((await picture.home.router.run('ip', ['route'])).stdout).toContain('default via')
    await restore()
    expect(await flow.ask()).toEqual(before)
  })
})

describe('a bad line', () => {
  it('swallows large packets and fragments without a word', async () => {
    const flow = await liveFlow(picture)
    expect(await flow.ask({ bytes: 1400 })).toBeDefined()
    const undo = await shrinkCarrierMtu(picture, picture.home, 1280)
    expect(await flow.ask({ bytes: 1252 })).toBeDefined()
    expect(await flow.ask({ bytes: 1253, timeoutMs: 200 })).toBeUndefined()
    expect(await flow.ask({ bytes: 3000, timeoutMs: 200 })).toBeUndefined()
    const told = await picture.home.pi.run('ping', ['-c1', '-W1', '-M', 'do', '-s', '1300', picture.hubAddress], {
      allowFailure: true,
    })
    expect(told.exitCode).toBe(1)
    expect(told.stdout).not.toContain('Frag needed')
    await undo()
    expect(await flow.ask({ bytes: 3000 })).toBeDefined()
  })

  it('loses and delays as told, in both directions', async () => {
    const flow = await liveFlow(picture)
    const undo = await lossAndJitter(picture.home, { lossPercent: 20, delayMs: 60, jitterMs: 40 })
    const started = performance.now()
    const answers = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const answer = await flow.ask({ timeoutMs: 10_000 })
        return answer === undefined ? undefined : performance.now() - started
      }),
    )
    const times = answers.filter((time) => time !== undefined)
    // 0.8² of 200 is 128; five standard deviations are 34.
    expect(times.length).toBeGreaterThan(94)
    expect(times.length).toBeLessThan(162)
    expect(Math.min(...times)).toBeGreaterThan(40)
    // The quickest: how late the others are is this machine's doing too.
    expect(Math.min(...times)).toBeLessThan(700)
    await undo()
    const again = await Promise.all(Array.from({ length: 50 }, () => flow.ask()))
    expect(again).not.toContain(undefined)
  })
})

async function receivedByHub(): Promise<number> {
  const { stdout } = await picture.hub.run('cat', ['/proc/net/snmp'])
  const [names, values] = stdout.split('\n').filter((line) => line.startsWith('Udp:'))
  return Number(values?.split(' ')[names?.split(' ').indexOf('InDatagrams') ?? -1])
}
