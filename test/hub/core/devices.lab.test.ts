import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import {
  hubStatusOf,
  inviteHome,
  problemOf,
  startAgent,
  startHub,
  statusOf,
  waitForStatus,
} from '../../agent/lab-home.ts'
import type { Home } from '../../lab/places/home.ts'
import type { Host } from '../../lab/host/host.ts'
import { isLong } from '../../long.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'

let lab: Lab
let picture: Picture
let lodge: Home
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  lodge = await picture.addHome({ name: 'lodge' })
  daemon = await startHub(picture)
  await picture.home.pi.homeward(['join', await inviteHome(picture, 'cabin'), '--yes'])
  await startAgent(picture.home.pi)
})
afterAll(() => lab.close())

interface Peer {
  readonly name: string
  readonly address: string
  readonly connected: boolean
}

async function hubStatus(): Promise<{ readonly homes: readonly Peer[]; readonly devices: readonly Peer[] }> {
  return await hubStatusOf(picture.hub)
}

async function peersOfHub(): Promise<number> {
  return (await picture.hub.run('wg', ['show', 'hw0', 'peers'])).stdout.trim().split('\n').length
}

/** Whether the camera's page comes to this host. */
async function seesCamera(host: Host, home: Home = picture.home): Promise<boolean> {
  const page = await host.run('curl', ['-sS', '--max-time', '2', `http://${home.lan.camera}/`], { allowFailure: true })
  return page.stdout.includes('camera')
}

const comesToSeeCamera = (host: Host, home: Home = picture.home) =>
  expect.poll(() => seesCamera(host, home), { timeout: 60_000 }).toBe(true)

const cabinIsConnected = () =>
  expect
    .poll(async () => (await hubStatus()).homes, { timeout: 60_000 })
    .toMatchObject([{ name: 'cabin', connected: true }])

describe('a device added at home', () => {
  let conf: string
  beforeAll(() => {
    conf = join(picture.phone.disk.configDir, 'phone.conf')
  })

  test('reaches the home’s LAN with the file that was written, which only its owner may read', async () => {
    const { stdout } = await picture.home.pi.homeward(['device', 'add', 'phone', '--conf', conf, '--json'])
    expect(JSON.parse(stdout)).toEqual({ name: 'phone', address: '10.86.0.3', file: conf })
    expect((await stat(conf)).mode & 0o777).toBe(0o600)
    expect(await readFile(conf, 'utf8')).toContain('AllowedIPs = 10.86.0.0/16, 192.168.1.0/24\n')
    await picture.phone.run('wg-quick', ['up', conf])
    await comesToSeeCamera(picture.phone)
    await expect.poll(async () => (await hubStatus()).devices).toMatchObject([{ name: 'phone', connected: true }])
  })

  test('is listed at home and on the hub', async () => {
    for (const host of [picture.home.pi, picture.hub]) {
      const { stdout } = await host.homeward(['device', 'list', '--json'])
      expect(JSON.parse(stdout)).toMatchObject({ devices: [{ name: 'phone', home: 'cabin', address: '10.86.0.3' }] })
    }
    expect((await picture.hub.homeward(['device', 'list'])).stdout).toMatch(/phone +10\.86\.0\.3 +cabin/)
  })

  test('never writes over a file, and then the hub hears of nothing', async () => {
    const before = await peersOfHub()
    const text = await readFile(conf, 'utf8')
    const { exitCode, code } = await problemOf(picture.home.pi, ['device', 'add', 'tablet', '--conf', conf])
    expect([exitCode, code]).toEqual([1, 'file-exists'])
    expect(await readFile(conf, 'utf8')).toBe(text)
    expect(await peersOfHub()).toBe(before)
  })

  test('under a name that is taken or odd is refused, and leaves no file', async () => {
    const path = join(picture.home.pi.disk.path, 'second.conf')
    expect(await problemOf(picture.home.pi, ['device', 'add', 'phone', '--conf', path])).toMatchObject({
      exitCode: 1,
      code: 'device-exists',
    })
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
    for (const name of ['../phone', 'a b', '$(reboot)'])
      expect(await problemOf(picture.home.pi, ['device', 'add', name])).toMatchObject({
        exitCode: 64,
        code: 'device-name-invalid',
      })
  })

  test('with other keys, as it was, once it is scanned again; the old file is worth nothing', async () => {
    const next = join(picture.phone.disk.configDir, 'next.conf')
    const code = await problemOf(picture.home.pi, ['device', 'rotate', 'tablet', '--conf', next])
    expect(code).toMatchObject({ exitCode: 1, code: 'device-missing' })
    await expect(stat(next)).rejects.toMatchObject({ code: 'ENOENT' })
    const { stdout } = await picture.home.pi.homeward(['device', 'rotate', 'phone', '--conf', next, '--json'])
    expect(JSON.parse(stdout)).toEqual({ name: 'phone', address: '10.86.0.3', file: next })
    expect(await peersOfHub()).toBe(2)
    expect(await seesCamera(picture.phone)).toBe(false)
    await picture.phone.run('wg-quick', ['down', conf])
    await picture.phone.run('wg-quick', ['up', next])
    await comesToSeeCamera(picture.phone)
    await picture.phone.run('wg-quick', ['down', next])
    // The hub does the same, of anybody's device.
    const shown = (await picture.hub.homeward(['device', 'rotate', 'phone', '--conf', '-'])).stdout
    await writeFile(conf, shown, { mode: 0o600 })
    await picture.phone.run('wg-quick', ['up', conf])
    await comesToSeeCamera(picture.phone)
  })

  test('is cut off when its removal ends, from home', async () => {
    await picture.home.pi.homeward(['device', 'remove', 'phone'])
    expect(await peersOfHub()).toBe(1)
    expect(await seesCamera(picture.phone)).toBe(false)
    await picture.phone.run('wg-quick', ['down', conf])
    expect(await problemOf(picture.home.pi, ['device', 'remove', 'phone'])).toMatchObject({ code: 'device-missing' })
  })
})

describe('a second home', () => {
  test('whose LAN overlaps the first one’s is refused, at the invitation and at the join', async () => {
    const invited = await problemOf(picture.hub, ['hub', 'invite', 'lodge', '--lan', '192.168.1.128/25'])
    expect(invited).toMatchObject({
      exitCode: 1,
      code: 'lan-overlaps',
      message: expect.stringContaining('cabin') as string,
    })
    const token = await inviteHome(picture, 'lodge')
    const joined = await problemOf(lodge.pi, ['join', token, '--lan', '192.168.0.0/16', '--yes'])
    expect(joined).toMatchObject({
      exitCode: 1,
      code: 'lan-overlaps',
      message: expect.stringContaining('cabin') as string,
    })
    await lodge.pi.homeward(['join', token, '--yes'])
    await startAgent(lodge.pi)
  })

  test('a device added on the hub reaches the LAN of both', async () => {
    const conf = join(picture.phone.disk.configDir, 'laptop.conf')
    const { stdout } = await picture.hub.homeward(['device', 'add', 'laptop', '--conf', '-'])
    expect(stdout).toContain('AllowedIPs = 10.86.0.0/16, 192.168.1.0/24, 192.168.2.0/24\n')
    await writeFile(conf, stdout, { mode: 0o600 })
    await picture.phone.run('wg-quick', ['up', conf])
    await comesToSeeCamera(picture.phone)
    await comesToSeeCamera(picture.phone, lodge)
  })

  test('cannot remove a device that is not its own', async () => {
    expect(await problemOf(lodge.pi, ['device', 'remove', 'laptop'])).toMatchObject({ code: 'device-missing' })
    expect((await hubStatus()).devices).toMatchObject([{ name: 'laptop' }])
  })

  test('that is removed is cut off when the command ends; the others go on', async () => {
    await lodge.pi.homeward(['device', 'add', 'tablet', '--conf', '-'])
    const { stdout } = await picture.hub.homeward(['hub', 'remove', 'lodge', '--json'])
    expect(JSON.parse(stdout)).toEqual({ home: 'lodge', joined: true, devices: ['tablet'] })
    // The cabin and the laptop.
    expect(await peersOfHub()).toBe(2)
    await comesToSeeCamera(picture.phone)
    expect(await seesCamera(picture.phone, lodge)).toBe(false)
    expect(await problemOf(lodge.pi, ['device', 'list'])).toMatchObject({ exitCode: 1, code: 'home-unknown' })
    await cabinIsConnected()
  })
})

describe('the hub under a running home', () => {
  test('answers heartbeats again within seconds after its interface was taken away', { timeout: 300_000 }, async () => {
    const from = daemon.lineCount
    await picture.hub.shell('ip link del hw0')
    await daemon.waitForLine(/bring hw0 up/, { after: from, timeoutMs: 60_000 })
    const answered = (status: { tunnel: { heartbeat: { answeredSecondsAgo: number | null } } }) =>
      (status.tunnel.heartbeat.answeredSecondsAgo ?? 99) < 2
    await waitForStatus(picture.home.pi, answered, 60_000)
    await comesToSeeCamera(picture.phone)
  })

  test('killed and started again it knows the home; the tunnel never stopped', async () => {
    await daemon.kill('SIGKILL')
    await daemon.exited
    await comesToSeeCamera(picture.phone)
    daemon = picture.hub.startHomeward(['hub', 'run'])
    await daemon.waitForLine(/the hub is ready/)
    await expect
      .poll(async () => (await statusOf(picture.home.pi)).tunnel.heartbeat.answeredSecondsAgo ?? 99, {
        timeout: 60_000,
      })
      .toBeLessThan(6)
    await cabinIsConnected()
  })

  /** Joins with each token until it is answered; says which were. Tries again when the hub is gone, as an agent does. */
  const JOINS = `
const https = require('node:https'), { randomBytes } = require('node:crypto')
const join = (body) => new Promise((resolve) => {
  const request = https.request('https://127.0.0.1:51820/v1/join', { method: 'POST', rejectUnauthorized: false, agent: false,
    timeout: 5000, headers: { 'content-type': 'application/json', 'content-length': body.length } }, (response) => {
      let said = ''
      response.on('data', (part) => { said += part }).on('error', () => resolve(0))
      response.on('end', () => resolve(response.statusCode === 200 ? 200 : response.statusCode + ' ' + said))
  })
  request.on('error', () => resolve(0)).on('timeout', () => request.destroy()).end(body)
})
let text = ''
process.stdin.on('data', (part) => { text += part }).on('end', async () => {
  for (const { home, joinSecret, publicKey } of JSON.parse(text)) {
    const body = JSON.stringify({ version: 1, joinSecret, publicKey, homeSecret: randomBytes(32).toString('base64url'), lan: [], preview: false })
    let status = 0
    while (status === 0) { status = await join(body); if (status === 0) await new Promise((next) => setTimeout(next, 20)) }
    console.log(home, status)
  }
})
`

  test('killed again and again while homes join: each answered join is in the store and is a peer', {
    timeout: 300_000,
  }, async () => {
    const homes = await Promise.all(
      Array.from({ length: isLong ? 12 : 6 }, async (_, index) => {
        const token = await inviteHome(picture, `home-${index}`)
        const { joinSecret } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
          joinSecret: string
        }
        const { stdout } = await picture.hub.shell('wg genkey | wg pubkey')
        return { home: `home-${index}`, joinSecret, publicKey: stdout.trim() }
      }),
    )
    const joins = picture.hub.run(process.execPath, ['-e', JOINS], { input: JSON.stringify(homes), timeoutMs: 240_000 })
    const ended = joins.then(() => true)
    const store = join(picture.hub.disk.stateDir, 'store.json')
    let kills = 0
    while (kills < (isLong ? 8 : 4)) {
      if (await Promise.race([ended, sleep(30 + 45 * kills).then(() => false)])) break
      await daemon.kill('SIGKILL')
      await daemon.exited
      kills += 1
      expect(JSON.parse(await readFile(store, 'utf8'))).toMatchObject({ schema: 1 })
      daemon = picture.hub.startHomeward(['hub', 'run'])
      await daemon.waitForLine(/the hub is ready/)
    }
    const lines = (await joins).stdout.trim().split('\n')
    expect(kills).toBeGreaterThan(2)
    expect(lines).toEqual(homes.map(({ home }) => `${home} 200`))
    const { homes: kept } = JSON.parse(await readFile(store, 'utf8')) as {
      homes: { name: string; publicKey: string }[]
    }
    const peers = (await picture.hub.run('wg', ['show', 'hw0', 'peers'])).stdout
    for (const { home, publicKey } of homes) {
      expect(kept).toContainEqual(expect.objectContaining({ name: home, publicKey }))
      expect(peers).toContain(publicKey)
    }
  })
})
