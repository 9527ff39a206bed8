import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  eventsOf,
  hubStatusOf,
  inviteHome,
  problemOf,
  startAgent,
  startHub,
  statusOf,
  waitForStatus,
} from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'

/**
 * A home with the rights that an invitation gives by itself, whose Pi somebody took: the commands are his. The hub has
 * a name server at 10.9.9.9, behind its default route.
 */
let lab: Lab
let picture: Picture

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  const { hub, home } = picture
  await hub.shell('echo nameserver 10.9.9.9 >> /etc/resolv.conf')
  await startHub(picture)
  await serveEcho(home.camera, 'camera', 8000)
  const token = (await hub.homeward(['hub', 'invite', 'cabin'])).stdout.trim()
  await home.pi.homeward(['join', token, '--lan', home.lan.prefix, '--yes'], { timeoutMs: 120_000 })
  await startAgent(home.pi)
})
afterAll(() => lab.close())

const member = async () => JSON.parse((await picture.hub.homeward(['hub', 'home', 'cabin', '--json'])).stdout)
const idIn = (text: string): string => /hub approve (r-[a-z2-7]{4})/.exec(text)?.[1] ?? 'none'
const allowedIps = async (): Promise<string> => (await picture.hub.run('wg', ['show', 'hw0', 'allowed-ips'])).stdout

/** As somebody at the Pi would: the agent takes what its file says. */
async function announce(...prefixes: readonly string[]): Promise<void> {
  const path = join(picture.home.pi.disk.configDir, 'agent.yaml')
  const before = await readFile(path, 'utf8')
  const list = prefixes.map((prefix) => `    - ${prefix}\n`).join('')
  const after = before.replace(/^( {2}prefixes:\n)(?: {4}- .*\n)+/m, `$1${list}`)
  expect(after).not.toBe(before)
  await writeFile(path, after)
}

test('a system port, the hub’s address for mail and the way out are refused at home, with the lines of the hub’s owner', async () => {
  const { pi, lan } = picture.home
  const target = `${lan.camera}:8000`
  for (const [args, right] of [
    [['publish', 'add', '80/tcp', target], 'publish-low'],
    [['publish', 'add', '2525/tcp', target, '--outgoing'], 'outgoing'],
    [['device', 'add', 'phone', '--full', '--conf', '-'], 'full'],
    [['device', 'add', 'phone', '--exit', 'cabin', '--conf', '-'], 'exit'],
  ] as const) {
    const { code, stderr } = await problemOf(pi, args)
    expect(code).toBe('right-missing')
    expect(stderr).toContain(`sudo homeward hub home cabin --may +${right}`)
    expect(idIn(stderr)).not.toBe('none')
  }
  const { publications, devices } = await hubStatusOf(picture.hub)
  expect([publications, devices]).toEqual([[], []])
})

test('what its owner approves there works, and no more than that', async () => {
  const { hub, home, phone } = picture
  const target = `${home.lan.camera}:8000`
  const id = idIn((await problemOf(home.pi, ['publish', 'add', '80/tcp', target])).stderr)
  expect((await hub.homeward(['hub', 'approve'])).stdout).toMatch(
    new RegExp(`^${id} +cabin asks to publish 80/tcp to ${target}, .* ago: sudo homeward hub approve ${id}$`, 'm'),
  )
  expect((await hub.homeward(['hub', 'approve', id])).stdout).toBe(`cabin may now publish 80/tcp to ${target}.\n`)
  await expect.poll(() => askService(phone, 'tcp', picture.hubAddress, 80), { timeout: 60_000 }).toContain('camera')
  expect((await problemOf(home.pi, ['publish', 'add', '443/tcp', target])).code).toBe('right-missing')
  await hub.homeward(['hub', 'home', 'cabin', '--may', '+publish-low'])
  await home.pi.homeward(['publish', 'add', '443/tcp', target], { timeoutMs: 120_000, allowFailure: true })
  expect((await hubStatusOf(hub)).publications.map(({ port }) => port)).toEqual([80, 443])
  await hub.homeward(['hub', 'home', 'cabin', '--may=-publish-low', '--quota', 'ports=2'])
  expect(await member()).toMatchObject({ may: ['devices', 'publish'], used: { ports: 2 }, quota: { ports: 2 } })
  expect((await problemOf(home.pi, ['publish', 'add', '8443/tcp', target])).code).toBe('quota-reached')
})

test('a network that nobody granted is not led to the home before its owner approves it, and the tunnel is none the worse', async () => {
  const { hub, home } = picture
  await announce(home.lan.prefix, '10.99.0.0/16')
  const waits = '10.99.0.0/16 of this LAN before its owner allows it'
  await expect.poll(async () => (await statusOf(home.pi)).router.warnings.join(), { timeout: 60_000 }).toContain(waits)
  expect((await statusOf(home.pi)).tunnel.state).toBe('up')
  expect(await allowedIps()).not.toContain('10.99.')
  const { requests } = await member()
  const [asked] = requests.filter(({ asks }: { asks: string }) => asks.startsWith('announce'))
  expect(asked.asks).toBe(`announce 10.99.0.0/16, ${home.lan.prefix}`)
  await hub.homeward(['hub', 'approve', asked.id])
  expect(await allowedIps()).toContain('10.99.0.0/16')
  await expect
    .poll(async () => (await statusOf(home.pi)).router.warnings.join(), { timeout: 120_000 })
    .not.toContain('before its owner allows it')
})

test('the hub’s name server stays its own, whatever the home may', async () => {
  const { hub, home } = picture
  await hub.homeward(['hub', 'home', 'cabin', '--may', 'all'])
  await announce(home.lan.prefix, '10.9.9.9/32')
  await expect.poll(async () => (await statusOf(home.pi)).hub.registrar, { timeout: 60_000 }).toBe('refusing')
  expect(await allowedIps()).not.toContain('10.9.9.9')
  expect((await hub.run('ip', ['route', 'get', '10.9.9.9'])).stdout).not.toContain('hw0')
})

test('the hub’s owner reads what was done and refused, and by whom', async () => {
  const { stdout } = await picture.hub.homeward(['hub', 'log', 'cabin', '--since', '24h'])
  expect(stdout).toMatch(/^\S+ \S+ UTC {2}the hub, for cabin: invited may devices, publish; LAN its own$/m)
  expect(stdout).toMatch(/^\S+ \S+ UTC {2}cabin: joined with 192\.168\.\d+\.0\/24$/m)
  expect(stdout).toMatch(/^\S+ \S+ UTC {2}cabin: refused .*may not publish ports up to 1023.* \[right-missing\]$/m)
  expect(stdout).toMatch(/^\S+ \S+ UTC {2}cabin: asked to publish 80\/tcp .* \(r-[a-z2-7]{4}\)$/m)
  expect(stdout).toMatch(/^\S+ \S+ UTC {2}the hub, for cabin: published 80\/tcp /m)
  expect(stdout).toMatch(/^\S+ \S+ UTC {2}cabin: published 443\/tcp /m)
})

test('whoever is invited to more has more', async () => {
  const { hub } = picture
  await inviteHome(picture, 'lodge', ['--may', 'publish,exit', '--quota', 'devices=3,prefixes=32'])
  const lodge = JSON.parse((await hub.homeward(['hub', 'home', 'lodge', '--json'])).stdout)
  expect(lodge).toMatchObject({ joined: false, may: ['publish', 'exit'], quota: { devices: 3, prefixes: 32 } })
  expect((await problemOf(hub, ['hub', 'home', 'barn'])).code).toBe('home-missing')
  expect(await problemOf(hub, ['hub', 'home', 'lodge', '--may', 'root'])).toMatchObject({
    exitCode: 64,
    code: 'wrong-usage',
  })
  expect((await problemOf(hub, ['hub', 'refuse', 'r-aaaa'])).code).toBe('request-missing')
})

test('a copy of the home’s card in another machine is noticed, fought by neither, and shut out by the hub’s owner', async () => {
  const { hub, home, visitor: thief } = picture
  const { pi } = home
  await announce(home.lan.prefix)
  await expect.poll(async () => (await statusOf(pi)).hub.registrar, { timeout: 120_000 }).toBe('reachable')
  // Both are one machine's kernel here, which has been booted once.
  await thief.shell(`
    echo 6fd5a44b-35f4-4ad4-a9b9-6b9be13e1fe9 > ${lab.folder}/boot_id
    mount --bind ${lab.folder}/boot_id /proc/sys/kernel/random/boot_id`)
  for (const folder of ['configDir', 'stateDir'] as const)
    await cp(pi.disk[folder], thief.disk[folder], { recursive: true })
  const copy = thief.startHomeward(['run'])
  await copy.waitForLine(/the tunnel is up/, { timeoutMs: 120_000 })

  const warnings = async () => ((await hubStatusOf(hub)).warnings ?? []).join()
  await expect.poll(warnings, { timeout: 300_000 }).toContain('sudo homeward hub revoke-other cabin')
  for (const machine of [pi, thief])
    await expect
      .poll(async () => (await statusOf(machine)).router.warnings.join(), { timeout: 300_000 })
      .toContain('another machine has this home’s key and secret too')
  // Each takes the tunnel from the other; neither tries anything against that.
  const sinceNamed = async (machine: Host) => {
    const events = await eventsOf(machine)
    const named = events.findIndex((event) => 'cause' in event && event.cause === 'identity-twice')
    return named < 0 ? [] : events.slice(named)
  }
  await expect
    .poll(async () => (await sinceNamed(pi)).length + (await sinceNamed(thief)).length, { timeout: 300_000 })
    .toBeGreaterThan(0)
  for (const machine of [pi, thief])
    expect((await sinceNamed(machine)).filter(({ kind }) => kind === 'remedy')).toEqual([])
  const { stdout: log } = await hub.homeward(['hub', 'log', 'cabin'])
  expect(log).toMatch(/^\S+ \S+ UTC {2}cabin: shared its identity: .* at 198\.18\.0\.20, first heard /m)

  const before = (await hub.run('wg', ['show', 'hw0', 'peers'])).stdout
  const token = (await hub.homeward(['hub', 'revoke-other', 'cabin'])).stdout.trim()
  await pi.homeward(['join', '--again', token, '--yes'], { timeoutMs: 300_000 })
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 300_000)
  await expect.poll(async () => (await statusOf(thief)).tunnel.cause, { timeout: 300_000 }).toBe('home-unknown')
  expect((await hub.run('wg', ['show', 'hw0', 'peers'])).stdout).not.toBe(before)
  expect(await warnings()).not.toContain('revoke-other')
  await copy.stop()
}, 900_000)
