import { afterAll, beforeAll, expect, test } from 'vitest'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  hubStatusOf,
  inviteHome,
  plannedSteps,
  problemOf,
  runHub,
  startAgent,
  startHub,
  waitForStatus,
} from '../../agent/lab-home.ts'
import type { Home } from '../../lab/places/home.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/** A VPS in a private network of its cloud, known by a route alone, and a home whose LAN is a part of that network. */
let lab: Lab
let picture: Picture
let lodge: Home
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, { lan: '10.0.1' })
  await picture.hub.shell(`ip addr add 10.0.0.2/32 dev eth0
ip route add 10.0.0.1/32 dev eth0
ip route add 10.0.0.0/16 via 10.0.0.1`)
  lodge = await picture.addHome({ name: 'lodge', lan: '10.86.7' })
  await serveEcho(picture.home.camera, 'cabin', 554)
  daemon = await startHub(picture)
})
afterAll(() => lab.close())

test('a home does not take a network from the VPS, and the numbers that it is offered work', async () => {
  const { pi } = picture.home
  const token = await inviteHome(picture)
  const refused = await problemOf(pi, ['join', token, '--yes'])
  expect(refused.code).toBe('lan-overlaps')
  expect(refused.stderr).toContain(
    '10.0.1.0/24 overlaps 10.0.0.0/16, the hub’s own network: a route via 10.0.0.1 (eth0)',
  )
  const [, free = ''] = /--lan OWN=(\S+)\)/.exec(refused.stderr) ?? []
  await pi.homeward(['join', token, '--yes', '--lan', `10.0.1.0/24=${free}`])
  await startAgent(pi)
  const { stdout } = await picture.hub.run('ip', ['route', 'get', '10.0.1.9'])
  expect(stdout).toContain('via 10.0.0.1')
})

test('a route that comes later is told, with what to do', async () => {
  const { hub } = picture
  expect((await hubStatusOf(hub)).warnings).toEqual([])
  await hub.run('ip', ['route', 'add', '10.168.0.0/16', 'via', '10.0.0.1'])
  await expect
    .poll(async () => (await hubStatusOf(hub)).warnings, { timeout: 60_000 })
    .toEqual([expect.stringMatching(/^the LAN 10\.168\.0\.0\/24 of the home cabin overlaps 10\.168\.0\.0\/16/)])
  await hub.run('ip', ['route', 'del', '10.168.0.0/16'])
})

test('too many networks are told in numbers, on both ends', async () => {
  const { hub, home } = picture
  const lan = Array.from({ length: 33 }, (_, index) => ['--lan', `10.${index}.0.0/24`]).flat()
  const token = await inviteHome(picture, 'lodge')
  for (const [host, args] of [
    [home.pi, ['join', token, '--yes', ...lan]],
    [hub, ['hub', 'invite', 'lodge', ...lan]],
  ] as const) {
    const problem = await problemOf(host, args)
    expect(problem).toMatchObject({
      code: 'lan-too-many',
      message: expect.stringContaining('33 networks are named, and 32'),
    })
  }
})

test('a home in the tunnel’s network is told which other one it may have; homes follow, and devices are named', async () => {
  const { hub, home, phone } = picture
  await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
  const token = await inviteHome(picture, 'lodge')
  const refused = await problemOf(lodge.pi, ['join', token, '--yes'])
  expect(refused.code).toBe('lan-overlaps')
  const [, network = ''] = /on the hub: sudo homeward (hub init --network \S+)/.exec(refused.stderr) ?? []
  // The very words of the advice.
  const changed = await hub.homeward([...network.split(' '), '--yes'])
  expect(changed.stdout).toContain('phone needs a new file')
  await waitForStatus(home.pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.address === '10.186.0.2/16')
  await lodge.pi.homeward(['join', token, '--yes'])
  // As it is told.
  await hub.homeward(['device', 'remove', 'phone'])
  const { stdout } = await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
  const conf = join(phone.disk.configDir, 'phone.conf')
  await writeFile(conf, stdout, { mode: 0o600 })
  await phone.run('wg-quick', ['up', conf])
  expect(await askService(phone, 'tcp', '10.168.0.50', 554)).toMatch(/^cabin sees/)
  expect((await hubStatusOf(hub)).notes).toEqual([])
})

test('a home that does not say that it follows keeps the network, whoever asks, until it does', async () => {
  const { hub, home } = picture
  await daemon.kill('SIGTERM')
  await daemon.exited
  // As if the lodge were of an older version: it joined, and never said so.
  const [settings, store] = [join(hub.disk.configDir, 'hub.yaml'), join(hub.disk.stateDir, 'store.json')]
  await writeFile(settings, (await readFile(settings, 'utf8')).replace('10.186.0.0/16', '172.27.0.0/16'))
  const document = JSON.parse(await readFile(store, 'utf8')) as { homes: { name: string; follows?: true }[] }
  for (const one of document.homes) if (one.name === 'lodge') delete one.follows
  await writeFile(store, JSON.stringify(document))
  daemon = await runHub(picture)
  const refused = await problemOf(hub, ['hub', 'init', '--network', '172.27.0.0/16', '--yes'])
  expect(refused).toMatchObject({
    code: 'network-not-followed',
    message: expect.stringContaining('lodge has not said'),
  })
  const status = await hubStatusOf(hub)
  expect(status.hub.network).toBe('10.186.0.0/16')
  expect(status.warnings).toEqual([expect.stringMatching(/^hub\.yaml is not in force: .*lodge has not said/)])
  await waitForStatus(home.pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.address === '10.186.0.2/16')
  lodge.pi.startHomeward(['run'])
  for (const [pi, address] of [
    [home.pi, '172.27.0.2/16'],
    [lodge.pi, '172.27.0.3/16'],
  ] as const)
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.address === address)
  expect((await hubStatusOf(hub)).warnings).toEqual([])
  const listed = await hub.homeward(['device', 'list'])
  expect(listed.stdout).toMatch(
    /phone needs a new file: .*Address = 172\.27\.0\.\d+\/32, AllowedIPs = 172\.27\.0\.0\/16, 10\.168\.0\.0\/24/,
  )
  // What the command makes of agent.yaml is what the agent made.
  expect(await plannedSteps(home.pi)).toEqual([])
})
