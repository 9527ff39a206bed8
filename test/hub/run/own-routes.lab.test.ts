import { afterAll, beforeAll, expect, test } from 'vitest'
import { hubStatusOf, inviteHome, problemOf, startAgent, startHub } from '../../agent/lab-home.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/** A VPS in a private network of its cloud, known by a route alone, and a home whose LAN is a part of that network. */
let lab: Lab
let picture: Picture

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab, { lan: '10.0.1' })
  await picture.hub.shell(`ip addr add 10.0.0.2/32 dev eth0
ip route add 10.0.0.1/32 dev eth0
ip route add 10.0.0.0/16 via 10.0.0.1`)
  await startHub(picture)
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
