import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { muteHub } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { inviteHome, machineState, plannedSteps, problemOf, startAgent, startHub, waitForStatus } from '../lab-home.ts'

const REMARK = '# the camera needs this'

let lab: Lab
let picture: Picture
let pi: Host
let agent: LabProcess
let untouched: string

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  await startHub(picture)
  untouched = await machineState(pi)
  await pi.homeward(['join', await inviteHome(picture), '--economy', '--yes'])
  const text = await readFile(agentYaml(), 'utf8')
  await writeFile(agentYaml(), text.replace('keepaliveSeconds: 25', `keepaliveSeconds: 21 ${REMARK}`))
  agent = await startAgent(pi)
})
afterAll(() => lab?.close())

const agentYaml = (): string => join(pi.disk.configDir, 'agent.yaml')
const settings = (): Promise<string> => readFile(agentYaml(), 'utf8')
const again = (token: string): readonly string[] => ['join', '--again', token, '--yes']
const isUp = () => waitForStatus(pi, ({ tunnel, stale }) => tunnel.state === 'up' && stale !== true, 90_000)

/** The agent of before may answer for a moment yet. */
const isUpAt = (address: string) =>
  waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.address === address, 90_000)

const keyOf = async (): Promise<string> => (await pi.run('wg', ['show', 'hw0', 'public-key'])).stdout

async function hubReachesCamera(hub: Host): Promise<void> {
  await hub.run('ping', ['-c', '1', '-w', '60', picture.home.lan.camera], { timeoutMs: 90_000 })
}

/** What is there besides the tunnel of the moment would be left over. */
async function expectOneTunnel(): Promise<void> {
  await expect.poll(() => plannedSteps(pi)).toEqual([])
  const { stdout } = await pi.run('wg', ['show', 'hw0', 'peers'])
  expect(stdout.trim().split('\n')).toHaveLength(1)
  const files = (await pi.shell(`ls -A ${pi.disk.configDir} ${pi.disk.stateDir}`)).stdout
  expect(files).not.toContain('joining-again')
  expect(files).not.toMatch(/private\.[0-9a-f]{64}/)
}

/** Forgets the home as a restored hub does, and gives its address away. */
async function forgetHome(): Promise<void> {
  await picture.hub.homeward(['hub', 'remove', 'cabin', '--yes'])
  await inviteHome(picture, 'lodge')
}

describe('a home that the hub has forgotten', () => {
  test('joins again while its agent runs: another key and address, and its settings stay', {
    timeout: 300_000,
  }, async () => {
    const before = await isUp()
    await pi.homeward(['device', 'add', 'phone', '--conf', '-'])
    const key = await keyOf()
    await forgetHome()
    // Somebody else has this LAN by now: it is said in words of what can be done here.
    await inviteHome(picture, 'lodge', ['--lan', '192.168.1.0/24'])
    const taken = await problemOf(pi, again(await inviteHome(picture, 'cabin')))
    expect(taken).toMatchObject({ exitCode: 1, code: 'lan-overlaps' })
    expect(taken.stderr).toContain('seenAs under lan in agent.yaml')
    await inviteHome(picture, 'lodge')
    const token = await inviteHome(picture)
    const refused = await problemOf(pi, ['join', token, '--yes'])
    expect(refused).toMatchObject({ exitCode: 1, code: 'already-joined' })
    expect(refused.stderr).toContain('homeward join --again TOKEN')

    const { stdout, stderr } = await pi.homeward(again(token))
    expect(stdout).toContain('cabin has joined again')
    expect(stdout).toContain('The running agent goes on with it.')
    expect(stdout).toContain('homeward device list')
    expect(stderr).toContain('its settings stay')
    const { tunnel, hub } = await isUpAt('10.86.0.3/16')
    expect(before.tunnel.address).toBe('10.86.0.2/16')
    expect(tunnel).toMatchObject({ keepaliveSeconds: 21, cause: null })
    expect(hub.addresses).toEqual([picture.hubAddress])
    expect(await settings()).toContain(REMARK)
    expect(await settings()).toContain('economy: true')
    expect(await keyOf()).not.toBe(key)
    await hubReachesCamera(picture.hub)
    await expectOneTunnel()
    const { stdout: devices } = await pi.homeward(['device', 'list', '--json'])
    expect((JSON.parse(devices) as { devices: unknown[] }).devices).toEqual([])
    await pi.homeward(['device', 'add', 'phone', '--conf', '-'])
    await agent.waitForLine(/the agent starts over/)
  })

  test('is shown what would be done, and nothing is', { timeout: 300_000 }, async () => {
    await isUp()
    const before = [await settings(), (await pi.run('wg', ['showconf', 'hw0'])).stdout]
    const { stdout } = await pi.homeward(['join', '--again', await inviteHome(picture), '--dry-run'])
    expect(stdout).toContain('The home cabin joins the hub')
    expect([await settings(), (await pi.run('wg', ['showconf', 'hw0'])).stdout]).toEqual(before)
    expect((await pi.shell(`ls ${pi.disk.configDir}`)).stdout).not.toContain('joining-again')
  })

  test('is told to change its settings elsewhere', async () => {
    const other = await problemOf(pi, ['join', '--again', 'hw1.x.y', '--lan', '10.0.0.0/24', '--yes'])
    expect(other).toMatchObject({ exitCode: 64, code: 'wrong-usage' })
    expect(other.message).toContain('--lan')
    const nowhere = await problemOf(picture.phone, again(await inviteHome(picture, 'nowhere')))
    expect(nowhere).toMatchObject({ exitCode: 1, code: 'config-missing' })
  })
})

test('a tunnel that is not proven: the home is as it was, and the same token works then', {
  timeout: 300_000,
}, async () => {
  await isUp()
  const before = await settings()
  const token = await inviteHome(picture)
  const restore = await muteHub(picture)
  try {
    expect(await problemOf(pi, again(token))).toMatchObject({ exitCode: 1, code: 'tunnel-unproven' })
  } finally {
    await restore()
  }
  expect(await settings()).toBe(before)
  await isUp()
  await expectOneTunnel()
  await pi.homeward(again(token))
  await isUp()
  await expectOneTunnel()
})

test('killed before it is proven, it can be run again with the same token', { timeout: 300_000 }, async () => {
  await forgetHome()
  const token = await inviteHome(picture)
  // So that it is not proven before the kill has come.
  const restore = await muteHub(picture)
  try {
    const killed = pi.startHomeward([...again(token)])
    await killed.waitForLine(/Testing it/, { timeoutMs: 60_000 })
    await killed.kill('SIGKILL')
    await killed.exited
  } finally {
    await restore()
  }
  await pi.homeward(again(token))
  await isUp()
  await expectOneTunnel()
})

test('another hub, by its own token, while no agent runs', { timeout: 300_000 }, async () => {
  const other = picture.visitor
  await agent.stop()
  await other.homeward(['hub', 'init', '--address', '198.18.0.20', '--network', '10.99.0.0/16', '--yes'])
  await other.startHomeward(['hub', 'run']).waitForLine(/the hub is ready/)
  const token = (await other.homeward(['hub', 'invite', 'cabin'])).stdout.trim()
  const { stdout } = await pi.homeward(again(token))
  expect(stdout).toContain('systemctl enable --now homeward')
  expect(stdout).toContain('homeward hub remove cabin')
  agent = await startAgent(pi)
  const { tunnel, hub } = await isUp()
  expect(hub.addresses).toEqual(['198.18.0.20'])
  expect(tunnel.address).toBe('10.99.0.2/16')
  await hubReachesCamera(other)
  await expectOneTunnel()
})

test('leaving a hub that has forgotten it meanwhile leaves nothing', { timeout: 300_000 }, async () => {
  await picture.visitor.homeward(['hub', 'remove', 'cabin', '--yes'])
  const left = await pi.homeward(['leave', '--yes'])
  expect(left.exitCode).toBe(0)
  await agent.exited
  expect(await machineState(pi)).toBe(untouched)
})
