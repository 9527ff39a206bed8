import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askedBy } from '../../lab/places/camera.ts'
import { muteHub } from '../../lab/faults/faults.ts'
import type { RouterSystem } from '../../lab/places/home-router.ts'
import type { Home } from '../../lab/places/home.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { isLong } from '../../long.ts'
import { hubStatusOf, inviteHome, plannedSteps, problemOf, startAgent, startHub, waitForStatus } from '../lab-home.ts'

/** A home router of the laboratory that homeward can configure. */
interface JoinedRouter extends RouterSystem {
  /** All of its configuration, as text. */
  readonly export: () => Promise<string>
  /** Connections of its own service that configures it. */
  readonly sessions: () => Promise<number>
}

export interface RouterJoins<System extends JoinedRouter> {
  readonly kind: 'mikrotik' | 'openwrt'
  readonly start: (lab: Lab) => Promise<System>
  /** What `homeward join` is told of it. */
  readonly options: (system: System, home: Home) => Promise<readonly string[]>
  /** How many the agent has while all is calm. */
  readonly sessions: number
  /** What of an export is not homeward's. */
  readonly foreign: (exported: string) => readonly string[]
  /** Looked at when homeward has left. */
  readonly left?: (system: System) => Promise<void>
}

/** `node -e SENDER FROM PORT TO PORT TEXT`: sends a datagram each tenth of a second, and says what comes back. */
const SENDER = `
const [from, own, to, port, text] = process.argv.slice(1)
const socket = require('node:dgram').createSocket('udp4')
socket.on('message', (said, { address }) => console.log('heard ' + said + ' of ' + address))
socket.bind(Number(own), from, () => {
  console.log('ready')
  setInterval(() => socket.send(text, Number(port), to, () => undefined), 100)
})
`

/** From the invitation to the camera's page on the phone, and back: the tests of every kind of router. */
export function routerJoins<System extends JoinedRouter>(how: RouterJoins<System>): void {
  let lab: Lab
  let picture: Picture
  let system: System
  let before: string

  beforeAll(async () => {
    lab = await createLab()
    system = await how.start(lab)
    picture = await buildPicture(lab, { system })
    await startHub(picture)
    before = await system.export()
  })
  afterAll(() => lab?.close())

  test('a join ends with the camera’s page on the phone, and a router that differs in what is homeward’s alone', async () => {
    const { home, hub, phone } = picture
    const token = await inviteHome(picture)
    const options = await how.options(system, home)
    const joined = await home.pi.homeward(['join', token, ...options, '--yes'])
    expect(joined.stdout).toContain('has joined')
    const conf = await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
    const file = join(phone.disk.configDir, 'phone.conf')
    await phone.run('sh', ['-c', `umask 077; cat > ${file}`], { input: conf.stdout })
    await phone.run('wg-quick', ['up', file])
    const page = await phone.run('curl', ['-sS', '--max-time', '30', `http://${home.lan.camera}/`])
    expect(askedBy(page.stdout)).toBe('10.86.0.3')
    expect(await plannedSteps(home.pi)).toEqual([])
    expect(how.foreign(await system.export())).toEqual(how.foreign(before))
  })

  test('the agent watches it, and says so', async () => {
    const { pi } = picture.home
    const agent = await startAgent(pi)
    const status = await waitForStatus(
      pi,
      ({ tunnel }) => tunnel.state === 'up' && tunnel.lastHandshakeSeconds !== null,
    )
    expect(status.router).toMatchObject({ kind: how.kind, dataPlane: 'kernel', warnings: [] })
    expect(status.tunnel.endpoint).toBe(`${picture.hubAddress}:51820`)
    expect(status.tunnel.rxBytes).toBeGreaterThan(0)
    // Looking at it again and again takes one session, and hearing what it tells none or one more.
    await expect.poll(() => system.sessions(), { timeout: 60_000, interval: 50 }).toBe(how.sessions)
    // Another LAN in agent.yaml than the router's is told, and followed where that is wanted.
    await pi.homeward(['lan', '192.168.77.0/24'])
    const isTold = (text: string) =>
      text.includes('is none of the router’s networks') && text.includes(` ${picture.home.lan.prefix} (`)
    await waitForStatus(pi, ({ router }) => router.warnings.some(isTold))
    const since = agent.lineCount
    await pi.homeward(['lan', 'auto'])
    await expect
      .poll(async () => (await hubStatusOf(picture.hub)).homes[0]?.lan, { timeout: 90_000 })
      .toEqual([picture.home.lan.prefix])
    await pi.homeward(['lan', picture.home.lan.prefix])
    await expect.poll(() => plannedSteps(pi), { timeout: 60_000 }).toEqual([])
    // What nobody proved yet differs in nothing, and an agent that ends takes it back.
    await agent.waitForLine(/brought this machine to what agent.yaml wants/, { after: since, timeoutMs: 60_000 })
    await agent.stop()
  })

  test('a neighbour on the router’s line sends into no flow of the tunnel', async () => {
    const { home, carrier, phone } = picture
    const { pi, router, customer, camera, lan } = home
    const send = (host: Host, ...args: readonly string[]) => host.start(process.execPath, ['-e', SENDER, ...args])
    // Of the home, which the router translates; and of the phone with a host of the LAN.
    const asking = send(pi, '0.0.0.0', '40123', '10.86.0.1', '8686', 'asks')
    const phoning = send(phone, '0.0.0.0', '40125', lan.camera, '40126', 'phones')
    const answering = send(camera, '0.0.0.0', '40126', '10.86.0.3', '40125', 'answers')
    await asking.waitForLine(/^ready$/)
    await answering.waitForLine(/^heard phones of 10\.86\.0\.3$/, { timeoutMs: 60_000 })
    await router.shell(`nft -f - <<'X'
table ip came { chain c { type filter hook prerouting priority -400; iifname != "hw0" ip saddr 10.86.0.0/16 ip daddr vmap { 10.86.0.2 : jump a, ${lan.camera} : jump b }; }; chain a { counter; }; chain b { counter; }; }
X`)
    const came = async (): Promise<number> => {
      const { stdout } = await router.run('nft', ['list', 'table', 'ip', 'came'])
      return Math.min(...[...stdout.matchAll(/packets (\d+)/g)].map(([, packets]) => Number(packets)))
    }
    await carrier.host.shell(`
for own in 10.86.0.1 10.86.0.3; do ip addr add $own/32 dev lo; done
ip route add 10.86.0.2/32 via ${customer.wanAddress} src 10.86.0.1
ip route add ${lan.camera}/32 via ${customer.wanAddress} src 10.86.0.3`)
    const forgers = [
      send(carrier.host, '10.86.0.1', '8686', '10.86.0.2', '40123', 'forged'),
      send(carrier.host, '10.86.0.3', '40125', lan.camera, '40126', 'forged'),
    ]
    await expect.poll(came, { timeout: 60_000 }).toBeGreaterThan(20)
    for (const { stdout } of [asking, answering]) expect(stdout).not.toContain('heard forged')
    await Promise.all([asking, phoning, answering, ...forgers].map((one) => one.kill('SIGKILL')))
    await router.run('nft', ['delete', 'table', 'ip', 'came'])
    // Their routes go with them.
    await carrier.host.shell('for own in 10.86.0.1 10.86.0.3; do ip addr del $own/32 dev lo; done')
  })

  // What is published here is taken back when the hub forgets the home.
  test.runIf(isLong || how.kind === 'mikrotik')(
    'services on LAN hosts are published, and the router’s own ways stay as they were',
    async () => {
      const { home, hubAddress, visitor } = picture
      const { pi, camera, lan } = home
      await Promise.all([serveEcho(camera, 'camera', 554), serveEcho(pi, 'pi', 8123)])
      const agent = await startAgent(pi)
      const ways = async (): Promise<string> =>
        (await home.router.shell('ip route show table main | grep -v hw0')).stdout
      const waysBefore = await ways()
      const ask = (protocol: 'tcp' | 'udp', port: number) => askService(visitor, protocol, hubAddress, port)
      await pi.homeward(['publish', 'add', '1554/tcp', `${lan.camera}:554`, '--source', 'hide'])
      expect(await ask('tcp', 1554)).toBe('camera sees 10.86.0.1')
      for (const protocol of ['tcp', 'udp'] as const) {
        await pi.homeward(['publish', 'add', `554/${protocol}`, `${lan.camera}:554`])
        await expect.poll(() => ask(protocol, 554), { timeout: 60_000 }).toBe('camera sees 198.18.0.20')
      }
      await pi.homeward(['publish', 'add', '8123/tcp', `${lan.pi}:8123`, '--source', 'keep'])
      await expect.poll(() => ask('tcp', 8123), { timeout: 60_000 }).toBe('pi sees 198.18.0.20')
      expect(how.foreign(await system.export())).toEqual(how.foreign(before))
      // What hosts send passes the router, where homeward does not lead it yet.
      const sent = await problemOf(pi, ['publish', 'add', '25/tcp', `${lan.camera}:25`, '--outgoing'])
      expect(sent).toMatchObject({ code: 'outgoing-refused', exitCode: 1 })
      expect(sent.message).toMatch(/the tunnel of cabin ends on a router, where homeward does not lead what hosts send/)
      // Who is on the LAN is answered there, and the LAN's own way out is the line.
      expect(await askService(camera, 'tcp', lan.pi, 8123)).toBe(`pi sees ${lan.camera}`)
      expect(await ways()).toBe(waysBefore)
      await expect.poll(() => plannedSteps(pi)).toEqual([])
      await agent.stop()
    },
  )

  test.runIf(isLong || how.kind === 'mikrotik')(
    'a hub that forgot the home: it joins again with this router, under its agent',
    async () => {
      const { home, hub } = picture
      const { pi } = home
      const agent = await startAgent(pi)
      await hub.homeward(['hub', 'remove', 'cabin', '--yes'])
      // It gets another address then.
      await inviteHome(picture, 'lodge')
      const joined = await pi.homeward(['join', '--again', await inviteHome(picture), '--yes'], { timeoutMs: 90_000 })
      expect(joined.stdout).toContain('The running agent goes on with it.')
      const { tunnel, router } = await waitForStatus(
        pi,
        (status) => status.tunnel.state === 'up' && status.tunnel.address !== '10.86.0.2/16',
        300_000,
      )
      expect(tunnel.cause).toBeNull()
      expect(router.kind).toBe(how.kind)
      await hub.run('ping', ['-c', '1', '-w', '60', home.lan.camera], { timeoutMs: 90_000 })
      // The publications went with the home: what they needed here is taken back when the hub has said so. An agent that is
      // stopped before the router has its confirmation takes that back.
      await agent.waitForLine(/"steps":.*for 10\.86\.0\.0\/16/, { timeoutMs: 60_000 })
      await expect.poll(() => plannedSteps(pi), { timeout: 60_000 }).toEqual([])
      expect(how.foreign(await system.export())).toEqual(how.foreign(before))
      await agent.stop()
    },
  )

  test.runIf(isLong || how.kind === 'mikrotik')(
    'joining again without an answer leaves the router and this machine as they were',
    async () => {
      const { home, hub } = picture
      const { pi } = home
      const all = async () => [
        await system.export(),
        (await pi.shell(`cd ${pi.disk.configDir} && ls -A && cat agent.yaml home.secret`)).stdout,
      ]
      const joined = await all()
      const token = await inviteHome(picture)
      const restore = await muteHub(picture)
      try {
        const problem = await problemOf(pi, ['join', '--again', token, '--yes'])
        expect(problem).toMatchObject({ exitCode: 1, code: 'tunnel-unproven' })
      } finally {
        await restore()
      }
      expect(await all()).toEqual(joined)
      expect(await plannedSteps(pi)).toEqual([])
      const ping = () => hub.run('ping', ['-c', '1', '-W', '2', home.lan.camera], { allowFailure: true })
      await expect.poll(async () => (await ping()).exitCode, { timeout: 60_000 }).toBe(0)
    },
  )

  test('leaving brings the router back byte for byte', async () => {
    const { pi } = picture.home
    await pi.homeward(['leave', '--yes'])
    expect(await system.export()).toBe(before)
    expect((await pi.run('ls', ['-A', pi.disk.configDir])).stdout).toBe('')
    await how.left?.(system)
  })
}
