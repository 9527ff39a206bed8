import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PublicationList } from '../../../protocol/publications.ts'
import { inviteHome, problemOf, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { isLong, someOf } from '../../long.ts'

const VISITOR = '198.18.0.20'

let lab: Lab
let picture: Picture
let pi: Host
let hub: Host
let agent: LabProcess
/** Another address of the Pi in its LAN. */
let second: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  hub = picture.hub
  await startHub(picture)
  second = picture.home.lan.prefix.replace('.0/24', '.3')
  await pi.shell(`ip address add ${second}/24 dev eth0`)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  agent = await startAgent(pi)
  await Promise.all([
    serveEcho(pi, 'pi', 8123),
    serveEcho(picture.home.camera, 'camera', 554),
    serveEcho(picture.home.camera, 'second', 555),
    serveEcho(hub, 'hub', 2222),
    ...[20_001, 50_000].map((port) => serveEcho(pi, `pi at ${port}`, port)),
  ])
})
afterAll(() => lab.close())

const ask = (protocol: 'tcp' | 'udp', port: number) => askService(picture.visitor, protocol, picture.hubAddress, port)
const published = async (host: Host): Promise<PublicationList['publications']> =>
  (JSON.parse((await host.homeward(['publish', 'list', '--json'])).stdout) as PublicationList).publications

describe('a service on the Pi', () => {
  test('sees each visitor’s own address over TCP and UDP, and the Pi’s own ways out stay as they were', async () => {
    const routesBefore = (await pi.shell('ip route show table main | grep -v hw0')).stdout
    for (const protocol of ['tcp', 'udp'] as const)
      await pi.homeward(['publish', 'add', `8123/${protocol}`, 'localhost:8123'])
    expect(await published(pi)).toMatchObject([{ source: 'keep' }, { source: 'keep' }])
    for (const protocol of ['tcp', 'udp'] as const)
      await expect.poll(() => ask(protocol, 8123), { timeout: 60_000 }).toBe(`pi sees ${VISITOR}`)
    expect((await pi.shell('ip route show table main | grep -v hw0')).stdout).toBe(routesBefore)
    // From its own LAN it answers into the LAN, and what it starts itself leaves by the home's own line.
    expect(await askService(picture.home.camera, 'tcp', picture.home.lan.pi, 8123)).toBe(
      `pi sees ${picture.home.lan.camera}`,
    )
    expect((await pi.run('ip', ['route', 'get', VISITOR])).stdout).not.toContain('hw0')
    await expect
      .poll(async () => (await pi.homeward(['plan'], { allowFailure: true })).stdout)
      .toContain('nothing differs')
  })

  test('leaves SSH to the Pi from the home’s own WAN side as it was', async () => {
    const { router, customer } = picture.home
    await pi.shell('dropbearkey -t ed25519 -f /run/host.key')
    pi.start('dropbear', ['-F', '-E', '-s', '-r', '/run/host.key', '-p', '2022'])
    // Somebody on the carrier's side, by a port that the home's router forwards.
    await router.shell(`nft insert rule ip home forward ct status dnat accept
nft -f - <<'X'
table ip forwarded {
  chain prerouting {
    type nat hook prerouting priority -100; policy accept;
    iifname wan0 tcp dport 2022 dnat to ${picture.home.lan.pi}
  }
}
X`)
    await expect
      .poll(() => askService(picture.carrier.host, 'tcp', customer.wanAddress, 2022), { timeout: 60_000 })
      .toMatch(/^SSH-2\.0-dropbear/)
    await router.shell('nft delete table ip forwarded')
  })

  test('is reached at the Pi’s LAN address too', async () => {
    await pi.homeward(['publish', 'add', '9123/tcp', `${picture.home.lan.pi}:8123`, '--source', 'keep'])
    await expect.poll(() => ask('tcp', 9123), { timeout: 60_000 }).toBe(`pi sees ${VISITOR}`)
  })

  test.runIf(isLong)(
    'over UDP too, at whichever of its addresses the Pi is asked, though it would answer by itself from one of them',
    async () => {
      await pi.homeward(['publish', 'add', '9124/udp', `${picture.home.lan.pi}:8123`])
      await pi.homeward(['publish', 'add', '9125/udp', `${second}:8123`])
      await pi.homeward(['publish', 'add', '9126/udp', `${second}:8123`, '--source', 'hide'])
      for (const port of [9124, 9125])
        await expect.poll(() => ask('udp', port), { timeout: 60_000 }).toBe(`pi sees ${VISITOR}`)
      expect(await ask('udp', 9126)).toBe('pi sees 10.86.0.1')
      // Somebody in the tunnel, such as a phone whose name server is the Pi's address in the LAN.
      expect(await askService(hub, 'udp', picture.home.lan.pi, 8123)).toBe('pi sees 10.86.0.1')
      // From the LAN nothing changes.
      expect(await askService(picture.home.camera, 'udp', picture.home.lan.pi, 8123)).toBe(
        `pi sees ${picture.home.lan.camera}`,
      )
      for (const port of [9124, 9125, 9126]) await pi.homeward(['publish', 'remove', `${port}/udp`])
    },
  )

  test('a range of 30,000 ports that keeps its numbers is one entry, and its first and last port lead home', async () => {
    await pi.homeward(['publish', 'add', '20001-50000/udp', 'localhost:20001'])
    const { stdout } = await hub.run('nft', ['list', 'map', 'inet', 'homeward', 'udp_services_ranges'])
    expect(stdout).toMatch(/elements = \{ 20001-50000 : 10\.86\.0\.2 \}/)
    for (const port of [20_001, 50_000]) expect(await ask('udp', port)).toBe(`pi at ${port} sees ${VISITOR}`)
    expect(await published(pi)).toContainEqual(expect.objectContaining({ port: 20_001, lastPort: 50_000 }))
    await pi.homeward(['publish', 'remove', '20001-50000/udp'])
    expect(await ask('udp', 50_000)).toBeNull()
  })

  test('the answers find back after the agent was killed, its rule taken away and its table flushed', async () => {
    await agent.kill('SIGKILL')
    await pi.shell('ip rule del pref 8600; ip route flush table 8600; nft delete table inet homeward')
    agent = await startAgent(pi)
    await expect.poll(() => ask('tcp', 8123), { timeout: 60_000 }).toBe(`pi sees ${VISITOR}`)
  })
})

describe('a service on a LAN host, behind a Pi that is not its gateway', () => {
  test('it is reached all the same, over TCP and UDP, and a range in step', async () => {
    const { camera } = picture.home.lan
    await pi.homeward(['publish', 'add', '5554-5555/tcp', `${camera}:554`])
    await pi.homeward(['publish', 'add', '5554/udp', `${camera}:554`])
    expect(await ask('tcp', 5554)).toBe(`camera sees ${picture.home.lan.pi}`)
    expect(await ask('tcp', 5555)).toBe(`second sees ${picture.home.lan.pi}`)
    expect(await ask('udp', 5554)).toBe(`camera sees ${picture.home.lan.pi}`)
  })

  test('taken back it is cut off at once, also who is connected', async () => {
    const talk = `
const socket = require('node:net').connect(5554, '${picture.hubAddress}')
socket.on('error', (error) => console.log('error ' + error.code))
let n = 0
socket.on('data', () => console.log('heard ' + ++n))
setInterval(() => socket.write('more'), 100)
`
    const talker = picture.visitor.start(process.execPath, ['-e', talk])
    await talker.waitForLine(/heard 3/)
    await pi.homeward(['publish', 'remove', '5554-5555/tcp'])
    const heard = (): number => Number(/heard (\d+)\s*$/.exec(talker.stdout.trim())?.[1] ?? 0)
    // What it heard before is read.
    let last = 0
    await expect.poll(() => last === (last = heard()), { interval: 1_000 }).toBe(true)
    expect(await ask('tcp', 5554)).toBeNull()
    expect(heard()).toBe(last)
    expect(await ask('udp', 5554)).toBe(`camera sees ${picture.home.lan.pi}`)
    await talker.kill('SIGKILL')
  })
})

describe('the proof of a way', () => {
  interface Way {
    readonly exitCode: number
    readonly links: readonly { readonly link: string; readonly works: boolean | null; readonly said: string }[]
  }
  async function wayOf(host: Host, ...args: readonly string[]): Promise<Way> {
    const { exitCode, stdout } = await host.homeward(['publish', ...args, '--json'], { allowFailure: true })
    return { exitCode, ...(JSON.parse(stdout) as Pick<Way, 'links'>) }
  }
  const lastOf = ({ links }: Way) => links.at(-1)

  test('all of it works, seen from outside by the home’s own line', async () => {
    const seen = async () => {
      const { exitCode, links } = await wayOf(pi, 'check', '8123/tcp')
      return [...links.map(({ link, works }) => `${link} ${works}`), exitCode]
    }
    await expect
      .poll(seen, { timeout: 60_000 })
      .toEqual(['hub true', 'tunnel true', 'home true', 'service true', 'outside true', 0])
    expect((await wayOf(hub, 'check', '8123/tcp')).links.map(({ link }) => link)).not.toContain('outside')
    expect((await wayOf(pi, 'check', '8123/udp')).links.at(-1)).toMatchObject({ link: 'service', works: true })
  })

  test('the service is not there, or its host', async () => {
    const { camera, prefix } = picture.home.lan
    const closed = await wayOf(pi, 'add', '6001/tcp', `${camera}:9`)
    expect(closed.exitCode).toBe(2)
    expect(lastOf(closed)).toMatchObject({
      link: 'service',
      works: false,
      said: expect.stringContaining('port 9') as string,
    })
    const nobody = prefix.replace('.0/24', '.99')
    const gone = await wayOf(pi, 'add', '6002/tcp', `${nobody}:80`)
    expect(lastOf(gone)).toMatchObject({ link: 'service', works: false })
    expect(lastOf(gone)?.said).toMatch(/no such host|nothing comes back/)
    expect(lastOf(await wayOf(pi, 'add', '6003/udp', 'localhost:9'))).toMatchObject({ link: 'service', works: false })
  })

  test('a firewall of the provider is in front', async () => {
    await picture.internet.shell(`nft -f - <<'X'
table ip provider {
  chain forward {
    type filter hook forward priority 0; policy accept;
    ip daddr ${picture.hubAddress} tcp dport 5800 drop
  }
}
X`)
    const way = await wayOf(pi, 'add', '5800/tcp', 'localhost:8123')
    expect(lastOf(way)).toMatchObject({
      link: 'outside',
      works: false,
      said: expect.stringMatching(/does not answer this line.*TCP port 5800/) as string,
    })
    await picture.internet.shell('nft delete table ip provider')
    await expect.poll(async () => (await wayOf(pi, 'check', '5800/tcp')).exitCode, { timeout: 60_000 }).toBe(0)
  })

  test('the tunnel, or what answers visitors at home, is away', async () => {
    // The agent first: it would put the rule back.
    await agent.kill('SIGKILL')
    await pi.shell('ip rule del pref 8600')
    const { links } = await wayOf(hub, 'check', '8123/tcp')
    // On a busy machine the last measurement is older than a check lets pass: the next one hides visitors, who get answers.
    const isHidden = links.some(({ said }) => said.startsWith('visitors are hidden for now'))
    expect(links.at(-1)).toMatchObject({ link: 'service', works: isHidden })
    agent = await startAgent(pi)
    await expect.poll(async () => (await wayOf(hub, 'check', '8123/tcp')).exitCode, { timeout: 60_000 }).toBe(0)
    for (const one of ['6001/tcp', '6002/tcp', '6003/udp', '5800/tcp']) await pi.homeward(['publish', 'remove', one])
  })
})

describe('what cannot be published', () => {
  const taken: readonly (readonly [string, string, RegExp])[] = [
    ['the registrar', '51820/tcp', /registrar/],
    ['WireGuard', '51820/udp', /WireGuard/],
    ['WireGuard on another port', '443/udp', /alternatePorts/],
    ['a program of the hub, which is named', '2222/tcp', /node \(process \d+\)/],
    ['a range with one of them in it', '2200-2300/tcp', /port 2222/],
  ]
  test.each(someOf(taken, 3))('%s', async (_, ports, words) => {
    const { code, message } = await problemOf(pi, ['publish', 'add', ports, 'localhost:8123'])
    expect(code).toBe('port-taken')
    expect(message).toMatch(words)
  })

  test('what is published already, and what is not at this home', async () => {
    expect(await problemOf(pi, ['publish', 'add', '8000-9000/tcp', 'localhost:80'])).toMatchObject({
      code: 'publication-exists',
    })
    for (const target of ['203.0.113.10:80', '10.86.0.1:80', '192.168.77.1:80'])
      expect(await problemOf(pi, ['publish', 'add', '7000/tcp', target])).toMatchObject({ code: 'publication-invalid' })
  })

  test.each(someOf(['443', '0/tcp', '70000/tcp', '20-10/tcp', '443/sctp', '443/tcp;reboot'], 2))(
    '%s',
    async (ports) => {
      expect(await problemOf(pi, ['publish', 'add', ports, 'localhost:80'])).toMatchObject({
        exitCode: 64,
        code: 'publication-invalid',
      })
    },
  )
})

test('the hub’s owner publishes for a home, sees all of it, and takes it back', async () => {
  await hub.homeward(['publish', 'add', '8554/tcp', `${picture.home.lan.camera}:554`])
  expect(await ask('tcp', 8554)).toBe(`camera sees ${picture.home.lan.pi}`)
  const { stdout } = await hub.homeward(['hub', 'status'])
  expect(stdout).toMatch(/8554\/tcp +192\.168\.1\.50:554 +cabin +hide/)
  await hub.homeward(['publish', 'remove', '8554/tcp'])
  expect(await ask('tcp', 8554)).toBeNull()
})

test('when nothing keeps visitors’ addresses any more, nothing of it stays at home', async () => {
  for (const one of ['8123/tcp', '8123/udp', '9123/tcp']) await pi.homeward(['publish', 'remove', one])
  await expect
    .poll(async () => (await pi.shell('ip rule; ip route show table all; nft list table inet homeward')).stdout, {
      timeout: 60_000,
    })
    .not.toMatch(/8600|chain (visitors|answers)/)
  expect((await pi.run('wg', ['show', 'hw0', 'allowed-ips'])).stdout).toContain('10.86.0.0/16')
})
