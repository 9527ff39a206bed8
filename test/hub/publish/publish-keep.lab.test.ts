import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PublicationList } from '../../../protocol/publications.ts'
import { inviteHome, plannedSteps, problemOf, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'

/**
 * Whether a service sees visitors' addresses is measured, not guessed from interfaces: the Pi is on a second network,
 * without a default route there, whose hosts have another gateway, or the Pi.
 *
 *     internet ── carrier ── router ── 192.168.1.0/24 ── pi ── 192.168.7.0/24 ── nas .20
 */

const VISITOR = '198.18.0.20'
const NAS = '192.168.7.20'

let lab: Lab
let picture: Picture
let pi: Host
let nas: Host
let agent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  await lab.setNames({ 'nas.example': [NAS] })
  pi = picture.home.pi
  ;[nas] = (await lab.addHosts([{ name: 'nas' }])) as [Host]
  await lab.connect([
    [
      { host: pi, interface: 'eth1', addresses: ['192.168.7.2/24'] },
      { host: nas, interface: 'eth0', addresses: [`${NAS}/24`], routes: ['default via 192.168.7.1'] },
    ],
  ])
  await startHub(picture)
  const lans = ['--lan', '192.168.1.0/24', '--lan', '192.168.7.0/24']
  await pi.homeward(['join', await inviteHome(picture), ...lans, '--yes'])
  agent = await startAgent(pi)
  await serveEcho(nas, 'nas', 80)
})
afterAll(() => lab.close())

const ask = (): Promise<string | null> => askService(picture.visitor, 'tcp', picture.hubAddress, 8080)

test('a host with another gateway gets visitors all the same, hidden, and the owner is told why', async () => {
  const added = await pi.homeward(['publish', 'add', '8080/tcp', `${NAS}:80`], { allowFailure: true })
  expect(added.stdout).toMatch(/sees one address for all visitors \(--source hide\)/)
  expect(added.stdout).toMatch(
    /✓ home .*visitors are hidden for now: 192\.168\.7\.20 answers the hub.*its gateway is not/,
  )
  expect(added.exitCode).toBe(0)
  expect(await ask()).toBe('nas sees 192.168.7.2')
  const { stdout } = await pi.homeward(['publish', 'list'])
  expect(stdout).toMatch(/8080\/tcp +192\.168\.7\.20:80 +cabin +hide/)
  expect(stdout).toMatch(/^8080\/tcp hides visitors for now: /m)
})

test('what it sends can then not leave by the hub, which is said and not pretended', async () => {
  const added = await pi.homeward(['publish', 'add', '8080/tcp', `${NAS}:80`, '--outgoing'], { allowFailure: true })
  expect(added.stdout).toMatch(
    /✗ outgoing .*192\.168\.7\.20 answers the hub.*its gateway is not.*by the home’s own line/,
  )
  expect(added.exitCode).toBe(2)
  expect((await pi.homeward(['publish', 'list'])).stdout).toMatch(
    /^8080\/tcp: what it sends does not leave by the hub: /m,
  )
})

test('once the Pi is its gateway it sees visitors’ addresses, and is measured again when the Pi’s networks change', async () => {
  await nas.shell('ip route replace default via 192.168.7.2')
  // Any change of the Pi's networks will do.
  await pi.shell('ip address add 192.168.7.3/24 dev eth1')
  await expect.poll(ask, { timeout: 60_000 }).toBe(`nas sees ${VISITOR}`)
  const { publications } = JSON.parse((await pi.homeward(['publish', 'list', '--json'])).stdout) as PublicationList
  expect(publications).toMatchObject([{ source: 'keep' }])
  expect(publications[0]).not.toHaveProperty('whyHidden')
  expect((await pi.homeward(['publish', 'check', '8080/tcp'])).exitCode).toBe(0)
})

test('a host beside the Pi is measured too where keeping is asked for: behind the router, and behind the Pi', async () => {
  const { camera, lan } = picture.home
  await serveEcho(camera, 'camera', 554)
  const asked = () => askService(picture.visitor, 'tcp', picture.hubAddress, 554)
  const added = await pi.homeward(['publish', 'add', '554/tcp', `${lan.camera}:554`, '--source', 'keep'])
  expect(added.stdout).toMatch(/visitors are hidden for now: 192\.168\.1\.50 answers the hub.*its gateway is not/)
  expect(await asked()).toBe(`camera sees ${lan.pi}`)
  await camera.shell(`ip route replace default via ${lan.pi}`)
  await expect
    .poll(async () => (await pi.homeward(['publish', 'check', '554/tcp'])).stdout, { timeout: 60_000 })
    .not.toContain('visitors are hidden')
  expect(await asked()).toBe(`camera sees ${VISITOR}`)
})

test('a service that was given by a host name is followed when it is no longer where it was', async () => {
  const asked = () => askService(picture.visitor, 'tcp', picture.hubAddress, 8090)
  await pi.homeward(['publish', 'add', '8090/tcp', 'nas.example:80'])
  expect(await asked()).toBe(`nas sees ${VISITOR}`)
  await nas.shell(`ip address flush dev eth0
ip address add 192.168.7.21/24 dev eth0
ip route add default via 192.168.7.2`)
  await lab.setNames({ 'nas.example': ['192.168.7.21'] })
  await expect.poll(asked, { timeout: 120_000 }).toBe(`nas sees ${VISITOR}`)
  expect((await pi.homeward(['publish', 'list'])).stdout).toMatch(/8090\/tcp +192\.168\.7\.21:80/)
})

describe('what a service at home sends, with --outgoing', () => {
  /** A server on the internet, and all whom it saw, as `PROTOCOL PORT from ADDRESS:PORT`. */
  let server: LabProcess
  const hubAddress = (): string => picture.hubAddress
  const send = (from: Host, port: number) => askService(from, 'tcp', VISITOR, port)
  /** Sends a datagram from a port of its own, and waits for the answer. */
  async function sendFrom(host: Host, ownPort: number, port: number): Promise<string | null> {
    const script = `
const socket = require('node:dgram').createSocket('udp4')
socket.bind(${ownPort}, () => setInterval(() => socket.send('?', ${port}, '${VISITOR}'), 300))
socket.once('message', (data) => { process.stdout.write(data); process.exit(0) })
setTimeout(() => process.exit(3), 10000)`
    const { exitCode, stdout } = await host.run(process.execPath, ['-e', script], { allowFailure: true })
    return exitCode === 0 ? stdout.trim() : null
  }
  /** A flow that begins too early stays on its way; on a busy machine the home follows after the check has given up. */
  const comesToLead = (ports: string) =>
    expect
      .poll(async () => (await pi.run('nft', ['list', 'table', 'inet', 'homeward'])).stdout, { timeout: 90_000 })
      .toContain(ports)
  const linkOf = async (port: string): Promise<string> => {
    const { stdout } = await pi.homeward(['publish', 'check', port], { allowFailure: true })
    return stdout.split('\n').find((line) => / outgoing /.test(line)) ?? stdout
  }

  beforeAll(async () => {
    // The Pi is the nas's gateway, as one that shares its line is.
    await pi.shell(`nft -f - <<'X'
table ip gateway {
  chain postrouting {
    type nat hook postrouting priority 100; policy accept;
    oifname "eth0" masquerade
  }
}
X`)
    const script = `
for (const port of [25, 26, 587]) require('node:net').createServer((socket) => {
  socket.on('error', () => undefined)
  console.log('tcp ' + port + ' from ' + socket.remoteAddress + ':' + socket.remotePort)
  socket.write('seen ' + socket.remoteAddress + '\\n')
}).listen(port, '0.0.0.0')
for (const port of [27011, 27012]) {
  const udp = require('node:dgram').createSocket('udp4')
  udp.on('message', (_, from) => {
    console.log('udp ' + port + ' from ' + from.address + ':' + from.port)
    udp.send('seen ' + from.address + ':' + from.port, from.port, from.address)
  })
  udp.bind(port)
}
setTimeout(() => console.log('ready'), 100)`
    server = picture.visitor.start(process.execPath, ['-e', script])
    await server.waitForLine(/^ready$/)
  })

  test('leaves by the hub’s address, to that port alone; other ports and the LAN are as they were', async () => {
    const target = '192.168.7.21'
    const before = await send(nas, 25)
    expect(before).toMatch(/^seen 198\.51\.100\./)
    const added = await pi.homeward(['publish', 'add', '25/tcp', `${target}:80`, '--outgoing'])
    expect(added.stdout).toMatch(/leaves by the hub’s address \(--outgoing\)/)
    expect(added.stdout).toMatch(/\? outgoing .*to TCP port 25 of the internet was not seen here yet/)
    expect(await send(nas, 25)).toBe(`seen ${hubAddress()}`)
    expect(await send(nas, 26)).toBe(before)
    expect(await send(pi, 25)).toBe(before)
    expect(await linkOf('25/tcp')).toMatch(
      /✓ outgoing .*leaves by this hub’s address, last \d+ s ago, and was answered/,
    )
    const { camera, pi: gateway } = picture.home.lan
    await serveEcho(picture.home.camera, 'camera', 25)
    expect(await askService(nas, 'tcp', camera, 25)).toBe(`camera sees ${gateway}`)
  })

  test('of a game server leaves from the published port, also where its own is another', async () => {
    expect(await sendFrom(nas, 27_015, 27_011)).toMatch(/^seen 198\.51\.100\./)
    await pi.homeward(['publish', 'add', '27016/udp', '192.168.7.21:27015', '--outgoing'], { allowFailure: true })
    await pi.homeward(['publish', 'add', '27020-27030/udp', '192.168.7.21:27020', '--outgoing'], { allowFailure: true })
    await Promise.all([comesToLead('udp sport 27015'), comesToLead('udp sport 27020-27030')])
    expect(await sendFrom(nas, 27_015, 27_012)).toBe(`seen ${hubAddress()}:27016`)
    expect(await sendFrom(nas, 27_025, 27_012)).toBe(`seen ${hubAddress()}:27025`)
    expect(await sendFrom(nas, 27_031, 27_012)).toMatch(/^seen 198\.51\.100\./)
    expect(await problemOf(pi, ['publish', 'add', '9999/udp', '192.168.7.21:27015', '--outgoing'])).toMatchObject({
      code: 'outgoing-refused',
      message: expect.stringContaining('leaves as 27016/udp already') as string,
    })
  })

  test('of the Pi itself leaves so too', async () => {
    await pi.homeward(['publish', 'add', '587/tcp', 'localhost:587', '--outgoing'], { allowFailure: true })
    await expect.poll(() => send(pi, 587), { timeout: 60_000 }).toBe(`seen ${hubAddress()}`)
    expect(await send(nas, 587)).toMatch(/^seen 198\.51\.100\./)
  })

  test('is listed at the hub, and nothing differs', async () => {
    const { stdout } = await picture.hub.homeward(['hub', 'status'])
    expect(stdout).toMatch(/25\/tcp +192\.168\.7\.21:80 +cabin +keep, outgoing/)
    const { publications } = JSON.parse((await pi.homeward(['publish', 'list', '--json'])).stdout) as PublicationList
    expect(publications.filter(({ outgoing }) => outgoing === true).map(({ port }) => port)).toEqual([
      25, 587, 8080, 27_016, 27_020,
    ])
    expect(await plannedSteps(pi)).toEqual([])
  })

  test('waits while the tunnel is down, and never leaves by the home’s own line', async () => {
    const bySelf = () => server.stdout.split('\n').filter((line) => /^tcp (25|587) from 198\.51\.100\./.test(line))
    const before = bySelf()
    await agent.kill('SIGKILL')
    await pi.shell('ip link delete hw0')
    expect(await Promise.all([send(nas, 25), send(pi, 587)])).toEqual([null, null])
    expect(await send(nas, 26)).toMatch(/^seen 198\.51\.100\./)
    agent = await startAgent(pi)
    await expect.poll(() => send(nas, 25), { timeout: 60_000 }).toBe(`seen ${hubAddress()}`)
    await picture.internet.shell(`nft -f - <<'X'
table ip gone {
  chain gone {
    type filter hook forward priority 0; policy accept;
    ip daddr ${hubAddress()} drop
  }
}
X`)
    expect(await Promise.all([send(nas, 25), send(pi, 587)])).toEqual([null, null])
    await picture.internet.shell('nft delete table ip gone')
    await expect.poll(() => send(pi, 587), { timeout: 120_000 }).toBe(`seen ${hubAddress()}`)
    expect(bySelf()).toEqual(before)
  })

  test('leaves nothing at the hub that was not agreed, whatever the Pi sends there', async () => {
    // Beside the VPS is a private network, where it may go and nobody at a home.
    const neighbour = '10.9.0.1'
    await picture.internet.shell(`ip address add ${neighbour}/32 dev lo`)
    await serveEcho(picture.internet, 'neighbour', 25)
    expect(await askService(picture.hub, 'tcp', neighbour, 25)).toBe(`neighbour sees ${hubAddress()}`)
    // A Pi in the wrong hands: all of it goes into the tunnel, by whichever address.
    await pi.shell(`ip route add 198.18.0.0/24 dev hw0
ip route add ${neighbour} dev hw0`)
    const asked = [send(pi, 26), send(nas, 26), send(nas, 587), askService(nas, 'tcp', neighbour, 25)]
    expect(await Promise.all(asked)).toEqual([null, null, null, null])
    expect(await send(nas, 25)).toBe(`seen ${hubAddress()}`)
    await pi.shell(`ip route del 198.18.0.0/24 dev hw0
ip route del ${neighbour} dev hw0`)
  })

  test('taken back it is cut off at once, and nothing of it stays at either end', async () => {
    for (const one of ['25/tcp', '587/tcp', '27016/udp', '27020-27030/udp', '8080/tcp', '8090/tcp', '554/tcp'])
      await pi.homeward(['publish', 'remove', one])
    const { stdout } = await picture.hub.shell('nft list table inet homeward')
    expect(stdout).not.toMatch(/192\.168\.7\.21 \. (tcp|udp) .*: /)
    for (const name of ['set outgoing_to', 'set outgoing_from', 'map outgoing_as'])
      expect((await picture.hub.shell(`nft list ${name.replace(' ', ' inet homeward ')}`)).stdout).not.toContain(
        'elements',
      )
    await expect
      .poll(async () => (await pi.shell('ip rule; ip route show table all; nft list table inet homeward')).stdout, {
        timeout: 60_000,
      })
      .not.toMatch(/8600|outgoing/)
    await expect.poll(() => send(nas, 25), { timeout: 60_000 }).toMatch(/^seen 198\.51\.100\./)
    expect(await plannedSteps(pi)).toEqual([])
  })
})
