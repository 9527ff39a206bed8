import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { IdentityReport } from '../../../hub/report/identity-report.ts'
import { sleep } from '../../../system/time/sleep.ts'
import {
  eventsOf,
  hubStatusOf,
  inviteHome,
  plannedSteps,
  runHub,
  startAgent,
  startHub,
  waitForStatus,
} from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { Home } from '../../lab/places/home.ts'

/** A hub that changes its own key and certificate under two homes, one of them away. */

let lab: Lab
let picture: Picture
let lodge: Home
let daemon: LabProcess
let cabinAgent: LabProcess
let lodgeAgent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  lodge = await picture.addHome({ name: 'lodge' })
  daemon = await startHub(picture)
  for (const { pi } of [picture.home, lodge])
    await pi.homeward(['join', await inviteHome(picture, pi === lodge.pi ? 'lodge' : 'cabin'), '--yes'])
  cabinAgent = await startAgent(picture.home.pi)
  lodgeAgent = await startAgent(lodge.pi)
}, 240_000)
afterAll(() => lab.close())

type Report = IdentityReport & {
  readonly changed: boolean
  readonly devices: readonly { readonly name: string; readonly needs: { readonly hubPublicKey: string } }[]
}

async function rotate(...args: readonly string[]): Promise<Report & { readonly exitCode: number }> {
  const { stdout, exitCode } = await picture.hub.homeward(['hub', 'rotate-identity', ...args, '--yes', '--json'], {
    allowFailure: true,
  })
  return { ...(JSON.parse(stdout) as Report), exitCode }
}

const hubKey = async (): Promise<string> => (await picture.hub.run('wg', ['show', 'hw0', 'public-key'])).stdout.trim()
const peerOf = async (pi: Host): Promise<string> => (await pi.run('wg', ['show', 'hw0', 'peers'])).stdout.trim()
const standings = async (): Promise<Record<string, string>> => {
  const { hub } = await hubStatusOf(picture.hub)
  return Object.fromEntries((hub.handOver?.homes ?? []).map(({ name, standing }) => [name, standing]))
}
const isUp = (pi: Host) =>
  waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && (tunnel.heartbeat.answeredSecondsAgo ?? 99) < 6)

/** The longest time between two answers, in milliseconds, from lines such as `[1795411234.123456] 64 bytes from …`. */
function longestGapMs(printed: string): number {
  const answers = [...printed.matchAll(/^\[([\d.]+)\] \d+ bytes from/gm)].map((match) => Number(match[1]) * 1_000)
  return Math.max(...answers.slice(1).map((at, index) => at - (answers[index] ?? at)))
}

test('waits for the home that is away, and says so', { timeout: 120_000 }, async () => {
  await expect.poll(standings, { timeout: 60_000 }).toEqual({ cabin: 'confirmed', lodge: 'confirmed' })
  await picture.hub.homeward(['device', 'add', 'phone', '--conf', join(picture.phone.disk.configDir, 'phone.conf')])
  await picture.phone.run('wg-quick', ['up', join(picture.phone.disk.configDir, 'phone.conf')])
  await lodgeAgent.stop()
  const before = await hubKey()
  const said = await rotate()
  expect(said).toMatchObject({ exitCode: 2, changed: false, publicKey: before })
  expect(said.homes).toEqual([
    { name: 'cabin', standing: 'confirmed' },
    { name: 'lodge', standing: 'waiting' },
  ])
  expect((await picture.hub.homeward(['hub', 'status'], { allowFailure: true })).stdout).toContain(
    'confirmed cabin; not yet lodge',
  )
  const again = await picture.hub.homeward(['hub', 'rotate-identity'], { allowFailure: true })
  expect(again.exitCode).toBe(2)
  expect(again.stdout).toMatch(
    /confirmed: cabin\nnot yet: lodge\n.*\nTo change now: homeward hub rotate-identity --now/,
  )
  // A hub that is killed goes on where it was.
  await daemon.kill('SIGKILL')
  await daemon.exited
  daemon = await runHub(picture)
  expect(await standings()).toEqual({ cabin: 'confirmed', lodge: 'waiting' })
  expect(await hubKey()).toBe(before)
})

test('changes under traffic with a gap of seconds', { timeout: 180_000 }, async () => {
  const before = await hubKey()
  const ping = picture.hub.start('ping', ['-D', '-i', '0.1', '10.86.0.2'])
  await ping.waitForLine(/bytes from/, { timeoutMs: 60_000 })
  const said = await rotate('--now')
  expect(said).toMatchObject({ exitCode: 0, changed: true, next: null })
  expect(said.publicKey).not.toBe(before)
  expect(said.devices).toMatchObject([{ name: 'phone', needs: { hubPublicKey: said.publicKey } }])
  expect(await hubKey()).toBe(said.publicKey)
  await expect.poll(() => peerOf(picture.home.pi), { timeout: 60_000 }).toBe(said.publicKey)
  const from = ping.lineCount
  await ping.waitForLine(/bytes from/, { after: from, timeoutMs: 60_000 })
  await ping.kill('SIGINT')
  await ping.exited
  const gapMs = longestGapMs(ping.stdout)
  expect(gapMs).toBeLessThan(20_000)
  await isUp(picture.home.pi)
  expect(await plannedSteps(picture.home.pi)).toEqual([])
  expect((await eventsOf(picture.home.pi)).findLast(({ kind }) => kind === 'hub-identity')).toMatchObject({
    publicKey: said.publicKey,
  })
})

test('lets a device in again with one changed line, and says no more of it', { timeout: 120_000 }, async () => {
  const conf = join(picture.phone.disk.configDir, 'phone.conf')
  const text = await readFile(conf, 'utf8')
  await picture.phone.run('wg-quick', ['down', conf])
  await writeFile(conf, text.replace(/^PublicKey = .*$/m, `PublicKey = ${await hubKey()}`), { mode: 0o600 })
  await sleep(6_000)
  await picture.phone.run('wg-quick', ['up', conf])
  const notes = async (): Promise<string> => (await hubStatusOf(picture.hub)).notes.join()
  expect(await notes()).toContain('lodge has not followed')
  await expect.poll(notes, { timeout: 60_000 }).not.toContain('phone needs a new file')
})

test('is not believed by a home that was away where no signature leads there, and else followed', {
  timeout: 240_000,
}, async () => {
  const file = join(picture.hub.disk.stateDir, 'hub-identity.json')
  const signed = await readFile(file, 'utf8')
  const { successions } = JSON.parse(signed) as { successions: { signature: string; acceptance: string }[] }
  // The other signature is one of the same words, by the wrong key.
  const forged = signed.replace(successions[0]?.signature ?? '', successions[0]?.acceptance ?? '')
  expect(forged).not.toBe(signed)
  await daemon.stop()
  await writeFile(file, forged, { mode: 0o600 })
  daemon = await runHub(picture)
  const before = await peerOf(lodge.pi)
  lodgeAgent = lodge.pi.startHomeward(['run'])
  await waitForStatus(lodge.pi, ({ hub }) => hub.registrar === 'unreachable')
  expect(lodgeAgent.stdout).toContain('certificate-mismatch')
  expect(await peerOf(lodge.pi)).toBe(before)

  await daemon.stop()
  await writeFile(file, signed, { mode: 0o600 })
  daemon = await runHub(picture)
  await lodgeAgent.waitForLine(/the tunnel is up/, { timeoutMs: 120_000 })
  // The earlier peer is removed after the new one is there.
  await expect.poll(() => peerOf(lodge.pi), { timeout: 60_000 }).toBe(await hubKey())
  await expect.poll(standings, { timeout: 60_000 }).toEqual({ cabin: 'confirmed', lodge: 'confirmed' })
})

test('comes to one of two states wherever hub and home are killed', { timeout: 300_000 }, async () => {
  for (const afterMs of [300, 900, 1_800]) {
    const command = rotate('--now').catch(() => null)
    await sleep(afterMs)
    await Promise.all([daemon.kill('SIGKILL'), cabinAgent.kill('SIGKILL')])
    await Promise.all([daemon.exited, cabinAgent.exited, command])
    daemon = await runHub(picture)
    cabinAgent = picture.home.pi.startHomeward(['run'])
    await isUp(picture.home.pi)
    await isUp(lodge.pi)
    const key = await hubKey()
    await expect.poll(() => peerOf(picture.home.pi), { timeout: 60_000 }).toBe(key)
    await expect.poll(() => peerOf(lodge.pi), { timeout: 60_000 }).toBe(key)
    await waitForStatus(picture.home.pi, ({ hub }) => hub.registrar === 'reachable')
  }
})
