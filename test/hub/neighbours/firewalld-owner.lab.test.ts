import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  hubStatusOf,
  inviteHome,
  plannedSteps,
  problemOf,
  runHub,
  startAgent,
  startHub,
  statusOf,
} from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { userLand } from '../../lab/user-land/user-land.ts'

/** Firewalld's since 2.3 (firewalld.conf(5), NftablesTableOwner): Debian 13 has it, and Debian 12 has 1.3. */
const isOwner = userLand()?.release === 'trixie'
const PATIENCE = { timeout: 120_000 }

let lab: Lab
let picture: Picture
let hub: Host
let pi: Host
let daemons: readonly LabProcess[]

const onBoth = (script: string) => Promise.all([hub, pi].map((host) => host.shell(script)))

async function beginFirewalld(): Promise<void> {
  daemons = [hub, pi].map((host) => host.start('firewalld', ['--nofork', '--nopid']))
  for (const host of [hub, pi]) await vi.waitFor(() => host.run('firewall-cmd', ['--state']), PATIENCE)
}

async function endFirewalld(signal: NodeJS.Signals): Promise<void> {
  await Promise.all(daemons.map((daemon) => daemon.kill(signal)))
  await Promise.all(daemons.map((daemon) => daemon.exited))
}

/** Its table without handles and counts. */
const tableOf = async (host: Host): Promise<string> => (await host.shell('nft -s list table inet firewalld')).stdout

/** Types what the warning says as it stands. @returns the complaints about it. */
async function typed(host: Host, warning: string | undefined): Promise<string> {
  const lines = (warning ?? '').split('\n').slice(1)
  expect(lines.at(-1)).toBe('firewall-cmd --reload')
  const { stderr } = await host.run('sh', [], { input: lines.join('\n'), allowFailure: true })
  return stderr
}

const hubWarnings = async () => (await hubStatusOf(hub)).warnings
const homeWarnings = async () => (await statusOf(pi)).router.warnings

const camera = async () =>
  (
    await hub.run('curl', ['-s', '--max-time', '10', `http://${picture.home.lan.camera}/`], {
      allowFailure: true,
    })
  ).stdout

async function worksAgain(): Promise<void> {
  await expect
    .poll(() => askService(picture.visitor, 'tcp', picture.hubAddress, 8123), PATIENCE)
    .toBe('pi sees 198.18.0.20')
  await expect.poll(camera, PATIENCE).toContain('camera')
  await expect.poll(async () => (await statusOf(pi)).tunnel.state, PATIENCE).toBe('up')
  await expect.poll(hubWarnings, PATIENCE).toEqual([])
  await expect.poll(homeWarnings, PATIENCE).toEqual([])
  await expect.poll(() => plannedSteps(pi), PATIENCE).toEqual([])
}

async function uninstall(host: Host): Promise<void> {
  const script = await readFile(new URL('../../../install.sh', import.meta.url), 'utf8')
  const undo = /^undo_network\(\) \{\n[^]*?^\}\n/m.exec(script)?.[0] ?? ''
  await host.shell(`set -e; log=/dev/null; logged() { shift; "$@"; }; say() { echo "$@"; }\n${undo}\nundo_network`)
}

async function makeMachines(): Promise<void> {
  lab = await createLab()
  picture = await buildPicture(lab)
  ;({ hub } = picture)
  ;({ pi } = picture.home)
  await onBoth('mkdir -p /run/dbus')
  for (const host of [hub, pi]) host.start('dbus-daemon', ['--system', '--nofork', '--nopidfile'])
}

/** One story each: every test goes on from the last. */
describe.runIf(isOwner)('firewalld that owns its table, there before homeward,', () => {
  let before: readonly string[]
  let token: string
  let hubDaemon: LabProcess
  let agent: LabProcess

  beforeAll(async () => {
    await makeMachines()
    await beginFirewalld()
    before = await Promise.all([hub, pi].map(tableOf))
    expect(before[0]).toContain('flags owner,persist')
  })
  afterAll(() => lab.close())

  test('stops a join, and the hub says from its first moment what to type', async () => {
    const { stderr } = await hub.homeward(['hub', 'init', '--address', picture.hubAddress, '--yes'])
    expect(stderr).toContain('firewalld takes no rules of homeward (Operation not permitted)')
    hubDaemon = await runHub(picture)
    token = await inviteHome(picture)
    const { code, message, exitCode } = await problemOf(pi, ['join', token, '--yes'])
    expect([exitCode, code]).toEqual([1, 'hub-unreachable'])
    expect(message).toContain('a router or a firewall on the way, or on the VPS, says that')
    expect(await typed(hub, (await hubWarnings())?.[0])).toEqual('')
    await expect.poll(hubWarnings, PATIENCE).toEqual([])
    expect((await hub.homeward(['hub', 'status'])).exitCode).toBe(0)
  })

  test('at home lets the tunnel come up, and the LAN once its lines were typed', async () => {
    const { stderr } = await pi.homeward(['join', token, '--yes'])
    expect(stderr).toContain('firewalld takes no rules of homeward (Operation not permitted)')
    agent = await startAgent(pi)
    expect(await camera()).toBe('')
    expect(await typed(pi, (await homeWarnings())[0])).toEqual('')
    await expect.poll(homeWarnings, PATIENCE).toEqual([])
    await expect.poll(camera, PATIENCE).toContain('camera')
  })

  test('asks for one line more when a port is published, which the proof’s failure does not blame on a host', async () => {
    await serveEcho(pi, 'pi', 8123)
    const { stdout } = await pi.homeward(['publish', 'add', '8123/tcp', 'localhost:8123'], { allowFailure: true })
    expect(stdout).toMatch(
      /✗ service .*10\.86\.0\.2 cannot be reached in the home’s network: .* a firewall at the home/,
    )
    await expect.poll(homeWarnings, PATIENCE).toHaveLength(1)
    const [warning = ''] = await homeWarnings()
    expect(warning.split('\n').slice(1)).toEqual([
      'firewall-cmd --permanent --zone=homeward --change-interface=hw0',
      expect.stringContaining('--zone=homeward --add-rich-rule='),
      'firewall-cmd --reload',
    ])
    expect(await typed(pi, warning)).toEqual('')
    await worksAgain()
  })

  test.each(['firewall-cmd --reload', 'firewall-cmd --complete-reload'])('%s', async (change) => {
    await onBoth(change)
    await worksAgain()
  })

  // Killed, it leaves a table that is nobody's (nft(8), `persist`) and that homeward may change; begun again it takes that over.
  test.each(['SIGTERM', 'SIGKILL'] as const)('ended with %s, and begun again', async (signal) => {
    await endFirewalld(signal)
    await worksAgain()
    await beginFirewalld()
    await worksAgain()
  })

  test('has what it had when homeward is gone, and its own lines for the tunnel are taken back', async () => {
    await pi.homeward(['leave', '--yes'])
    await Promise.all([agent.stop(), hubDaemon.stop()])
    await uninstall(hub)
    for (const host of [hub, pi]) expect(await tableOf(host)).not.toContain('comment "homeward')
    await onBoth(`for policy in $(firewall-cmd --permanent --get-policies); do
  case $policy in homeward-*) firewall-cmd --permanent --delete-policy=$policy;; esac
done
firewall-cmd --permanent --delete-zone=homeward
firewall-cmd --reload`)
    expect(await Promise.all([hub, pi].map(tableOf))).toEqual(before)
  })
})

describe.runIf(isOwner)('firewalld that owns its table, begun after homeward,', () => {
  beforeAll(async () => {
    await makeMachines()
    await startHub(picture)
    await pi.homeward(['join', await inviteHome(picture), '--yes'])
    await startAgent(pi)
    await serveEcho(pi, 'pi', 8123)
    await pi.homeward(['publish', 'add', '8123/tcp', 'localhost:8123'])
  })
  afterAll(() => lab.close())

  test('is told of at both ends while the tunnel stands, and the lines bring all back', async () => {
    await worksAgain()
    await beginFirewalld()
    await expect.poll(hubWarnings, PATIENCE).toHaveLength(1)
    await expect.poll(homeWarnings, PATIENCE).toHaveLength(1)
    expect((await statusOf(pi)).tunnel.state).toBe('up')
    expect(await camera()).toBe('')
    expect(await typed(hub, (await hubWarnings())?.[0])).toEqual('')
    expect(await typed(pi, (await homeWarnings())[0])).toEqual('')
    await worksAgain()
  })

  test('lets all pass when it ends', async () => {
    await endFirewalld('SIGTERM')
    for (const host of [hub, pi]) expect((await host.shell('nft list tables')).stdout).not.toContain('firewalld')
    await worksAgain()
  })
})
