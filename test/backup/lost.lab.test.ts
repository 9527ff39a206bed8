import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { hubStatusOf, inviteHome, problemOf, runHub, startAgent, startHub, waitForStatus } from '../agent/lab-home.ts'
import { askService, serveEcho } from '../lab/host/service.ts'
import { moveHub, rebootHub } from '../lab/faults/faults.ts'
import type { Host } from '../lab/host/host.ts'
import type { LabProcess } from '../lab/host/process.ts'
import { isLong } from '../long.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import type { Home } from '../lab/places/home.ts'
import { buildPicture, HUB_NAME, type Picture } from '../lab/picture.ts'

/** A machine is lost with its disk, and a backup makes another one what it was: nobody else is touched. */

const SECRET = 'correct horse battery staple'

let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let second: Home
let agent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  hub = picture.hub
  pi = picture.home.pi
  second = await picture.addHome({ name: 'shed' })
  await startHub(picture, HUB_NAME)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await second.pi.homeward(['join', await inviteHome(picture, 'shed'), '--yes'])
  await Promise.all([startAgent(pi), startAgent(second.pi), serveEcho(pi, 'pi', 8123)])
  await pi.homeward(['publish', 'add', '8123/tcp', 'localhost:8123'])
  const { stdout } = await hub.homeward(['device', 'add', 'phone', '--conf', '-'])
  await picture.phone.shell(`umask 077; cat > ${picture.phone.disk.path}/phone.conf <<'X'\n${stdout}\nX`)
  await dial()
})
afterAll(() => lab.close())

/** As the phone's app does whenever its network changes: the name is asked for again. */
async function dial(): Promise<void> {
  const conf = `${picture.phone.disk.path}/phone.conf`
  await picture.phone.shell(`wg-quick down ${conf} 2>/dev/null || true; wg-quick up ${conf} 2>/run/up.log`)
}

async function phoneSeesCamera(home: Home = picture.home): Promise<boolean> {
  const args = ['-sS', '-m', '3', `http://${home.lan.camera}/`]
  return (await picture.phone.run('curl', args, { allowFailure: true })).stdout.includes('camera')
}

async function passphraseFile(host: Host): Promise<string> {
  const file = join(host.disk.path, 'passphrase')
  await host.shell(`umask 077; echo '${SECRET}' > ${file}`)
  return file
}

/** Makes a backup and carries it off. @returns the file, outside of the machine. */
async function backedUp(host: Host, name: string): Promise<string> {
  const file = join(host.disk.path, name)
  const args = ['backup', file, '--passphrase-file', await passphraseFile(host), '--json']
  const { stdout } = await host.homeward(args)
  expect(JSON.parse(stdout)).toMatchObject({ file })
  expect(stdout).not.toContain(SECRET)
  const elsewhere = join(lab.folder, name)
  await copyFile(file, elsewhere)
  return elsewhere
}

async function restored(host: Host, backup: string, more: readonly string[] = []): Promise<string> {
  const file = join(host.disk.path, 'backup.age')
  await copyFile(backup, file)
  const args = ['restore', file, '--passphrase-file', await passphraseFile(host), '--yes', ...more]
  return (await host.homeward(args)).stderr
}

const connected = async (): Promise<readonly string[]> =>
  (await hubStatusOf(hub)).homes.filter((home) => home.connected).map(({ name }) => name)

describe('a hub that is lost with its disk', () => {
  let backup: string

  test('has a backup, which is not written over, and says what is in it', async () => {
    expect(await phoneSeesCamera()).toBe(true)
    backup = await backedUp(hub, 'hub.age')
    const file = await passphraseFile(hub)
    const again = await problemOf(hub, ['backup', join(hub.disk.path, 'hub.age'), '--passphrase-file', file])
    expect(again.code).toBe('file-exists')
    const { stdout } = await hub.homeward([
      'restore',
      join(hub.disk.path, 'hub.age'),
      '--passphrase-file',
      file,
      '--list',
    ])
    expect(stdout).toMatch(/the hub hub\.example:51820 with 2 homes \(cabin, shed\) and 1 device \(phone\)/)
  })

  test('is not put back over one that runs, nor one that is set up', async () => {
    const args = ['restore', join(hub.disk.path, 'hub.age'), '--passphrase-file', await passphraseFile(hub)]
    expect((await problemOf(hub, [...args, '--yes'])).code).toBe('already-running')
    expect((await problemOf(pi, ['backup', '/run/x.age', '--passphrase-file', '/run/missing'])).code).toBe(
      'config-unreadable',
    )
  })

  test('is back on another VPS with another address, and all homes and devices with it', async () => {
    const old = picture.hubAddress
    // The name leads to the new VPS, which has an empty disk.
    await moveHub(lab, picture)
    await rebootHub(lab, picture, { keepDisk: false })
    expect(picture.hubAddress).not.toBe(old)
    const began = performance.now()
    const said = await restored(hub, backup)
    expect(said).toContain('the hub hub.example:51820 with 2 homes')
    await runHub(picture)
    const hubRuns = performance.now()
    await expect.poll(connected, { timeout: 120_000 }).toEqual(['cabin', 'shed'])
    const homesBack = performance.now()
    await dial()
    await expect.poll(() => phoneSeesCamera(), { timeout: 60_000 }).toBe(true)
    await expect.poll(() => phoneSeesCamera(second), { timeout: 60_000 }).toBe(true)
    const phoneBack = performance.now()
    const visitor = () => askService(picture.visitor, 'tcp', picture.hubAddress, 8123)
    await expect.poll(visitor, { timeout: 60_000 }).toMatch(/^pi sees/)
    const seconds = [hubRuns, homesBack, phoneBack].map((at) => ((at - began) / 1000).toFixed(1))
    console.log(
      `hub runs after ${seconds[0]} s, both homes are back after ${seconds[1]} s, the phone after ${seconds[2]} s`,
    )
    for (const host of [pi, second.pi])
      expect((await waitForStatus(host, ({ tunnel }) => tunnel.state === 'up')).tunnel.state).toBe('up')
  })

  test('a backup that is none leaves the machine as it is', async () => {
    const file = join(picture.phone.disk.path, 'none.age')
    await picture.phone.shell(`echo nothing > ${file}`)
    const args = ['restore', file, '--passphrase-file', await passphraseFile(picture.phone), '--yes']
    expect((await problemOf(picture.phone, args)).code).toBe('backup-invalid')
    await copyFile(backup, join(picture.phone.disk.path, 'hub.age'))
    await picture.phone.shell(`umask 077; echo 'another one' > ${picture.phone.disk.path}/wrong`)
    const wrong = [
      'restore',
      `${picture.phone.disk.path}/hub.age`,
      '--passphrase-file',
      `${picture.phone.disk.path}/wrong`,
    ]
    expect((await problemOf(picture.phone, [...wrong, '--yes'])).code).toBe('passphrase-wrong')
    const { stdout } = await picture.phone.shell(
      `find ${picture.phone.disk.configDir} ${picture.phone.disk.stateDir} -type f 2>/dev/null || true`,
    )
    expect(stdout.trim()).toBe('')
  })
})

test('a home that is lost with its card is back on another one', async () => {
  const backup = await backedUp(pi, 'home.age')
  await lab.reboot(pi, { keepDisk: false })
  await serveEcho(pi, 'pi', 8123)
  const began = performance.now()
  expect(await restored(pi, backup)).toContain('the home cabin, whose hub is hub.example:51820')
  agent = await startAgent(pi)
  await expect.poll(() => phoneSeesCamera(), { timeout: 60_000 }).toBe(true)
  console.log(`the home is back after ${((performance.now() - began) / 1000).toFixed(1)} s`)
  const visitor = () => askService(picture.visitor, 'tcp', picture.hubAddress, 8123)
  await expect.poll(visitor, { timeout: 60_000 }).toMatch(/^pi sees/)
  // The other one is no stranger in its place.
  expect((await hubStatusOf(hub)).warnings?.join() ?? '').not.toContain('cabin')
})

test.runIf(isLong)(
  'what is there already is laid aside where that is wanted, and nothing of it is in the next backup',
  async () => {
    const backup = join(lab.folder, 'home.age')
    const args = ['restore', backup, '--passphrase-file', await passphraseFile(pi), '--yes']
    expect((await problemOf(pi, args)).code).toBe('already-running')
    await agent.stop()
    expect((await problemOf(pi, args)).code).toBe('already-set-up')
    expect(await restored(pi, backup, ['--replace'])).toMatch(/What was here is in .*before-restore-/)
    const { stdout } = await pi.shell(`ls ${pi.disk.configDir}/before-restore-*/agent.yaml`)
    expect(stdout).toContain('agent.yaml')
    agent = await startAgent(pi)
    await expect.poll(() => phoneSeesCamera(), { timeout: 60_000 }).toBe(true)
    const next = await backedUp(pi, 'next.age')
    const listed = await pi.homeward(['restore', next, '--passphrase-file', await passphraseFile(pi), '--list'])
    expect(listed.stdout).toContain('config/agent.yaml')
    expect(listed.stdout).not.toContain('before-restore')
  },
)
