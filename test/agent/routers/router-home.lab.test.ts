import type { Status } from '../../../agent/report/status.ts'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import { dropAllUdp, dropPort, muteHub } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { joinOptions, labMikrotik, type LabMikrotik, routerPasswordFile } from '../../lab/places/mikrotik.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { inviteHome, plannedSteps, problemOf, startAgent, startHub, statusOf, waitForStatus } from '../lab-home.ts'
import { isLong, someOf } from '../../long.ts'

let lab: Lab
let picture: Picture
let pi: Host
let hub: LabProcess
let router: LabMikrotik
let before: string
let files: string
let options: readonly string[]

beforeAll(async () => {
  lab = await createLab()
  router = await labMikrotik(lab)
  picture = await buildPicture(lab, { system: router })
  pi = picture.home.pi
  hub = await startHub(picture)
  before = await router.export()
  options = await joinOptions(router, picture.home)
  files = await listFiles()
})
afterAll(() => lab?.close())

/** Without the certificate that is to be trusted. */
const bare = (token: string): readonly string[] => ['join', token, ...options.slice(0, -2), '--yes']
const trusting = (token: string): readonly string[] => ['join', token, ...options, '--yes']

async function listFiles(): Promise<string> {
  return (await pi.shell(`ls -A ${pi.disk.configDir} ${pi.disk.stateDir}`)).stdout
}

async function expectUntouched(): Promise<void> {
  expect(await router.export()).toBe(before)
  expect(await listFiles()).toBe(files)
}

async function leave(): Promise<void> {
  await pi.homeward(['leave', '--yes'])
  await expectUntouched()
}

async function wg(what: 'public-key' | 'endpoints' | 'peers'): Promise<string> {
  return (await picture.home.router.run('wg', ['show', 'hw0', what])).stdout
}

async function hubReachesHome(): Promise<boolean> {
  const ping = await picture.hub.run('ping', ['-c', '1', '-W', '1', picture.home.lan.camera], { allowFailure: true })
  return ping.exitCode === 0
}

const untilHubReachesHome = () => expect.poll(hubReachesHome, { timeout: 60_000 }).toBe(true)

describe('a join that cannot succeed leaves the router and this machine as they were', () => {
  test('nobody has said that this is the router’s certificate: it is shown, and nobody has logged in', async () => {
    const problem = await problemOf(pi, bare(await inviteHome(picture)))
    expect(problem).toMatchObject({ exitCode: 64, code: 'router-unconfirmed' })
    expect(problem.stderr).toContain(`--tls-fingerprint ${router.fingerprint}`)
    await expectUntouched()
  })

  test('another certificate than the one that was given', async () => {
    const args = [...bare(await inviteHome(picture)), '--tls-fingerprint', 'ab'.repeat(32)]
    expect(await problemOf(pi, args)).toMatchObject({ exitCode: 1, code: 'router-certificate-mismatch' })
    await expectUntouched()
  })

  test('a password that the router does not take is not repeated', async () => {
    const wrong = join(pi.disk.stateDir, '..', 'wrong')
    await writeFile(wrong, 'hunter2\n', { mode: 0o600 })
    const args = trusting(await inviteHome(picture)).map((arg) => (arg === routerPasswordFile(pi) ? wrong : arg))
    const problem = await problemOf(pi, args)
    expect(problem).toMatchObject({ exitCode: 1, code: 'router-login-refused' })
    expect(problem.stderr).not.toContain('hunter2')
    await expectUntouched()
  })

  test('a dry run says what it would do', async () => {
    const { stdout } = await pi.homeward([...trusting(await inviteHome(picture)), '--dry-run'])
    expect(stdout).toContain('create the WireGuard interface hw0')
    expect(stdout).toContain('ends on the router at 192.168.1.1')
    expect(stdout).toContain('(routed)')
    await expectUntouched()
  })

  test('a tunnel that nobody answers: undone, and the same token works afterwards', { timeout: 300_000 }, async () => {
    let token = await inviteHome(picture)
    const restore = await muteHub(picture)
    try {
      expect(await problemOf(pi, trusting(token))).toMatchObject({ exitCode: 1, code: 'tunnel-unproven' })
    } finally {
      await restore()
    }
    await expectUntouched()
    // Here the router's interface is there before anybody can ask for ways: it is moved to another one.
    const lines = [
      { block: () => dropPort(picture.home, 51_820), said: 'by UDP port 4500', sendsTo: ':4500' },
      // The join's transport ends with it: what the agent finds sends to the hub again.
      { block: () => dropAllUdp(picture.home), said: 'It goes over TLS', sendsTo: ':51820' },
    ]
    for (const { block, said, sendsTo } of isLong ? lines : []) {
      const unblock = await block()
      expect((await pi.homeward(trusting(token))).stdout).toContain(said)
      expect(await wg('endpoints')).toContain(`${picture.hubAddress}${sendsTo}`)
      await unblock()
      await leave()
      token = await inviteHome(picture)
    }
  })

  test('the router’s API goes away before it can be undone: it is said, and leaving undoes it when it is back', {
    timeout: 300_000,
  }, async () => {
    const token = await inviteHome(picture)
    const restore = await muteHub(picture)
    const joining = pi.startHomeward(trusting(token))
    await joining.waitForLine(/Testing it/)
    await pi.shell(
      'nft "add table ip away; add chain ip away out { type filter hook output priority 0; }; add rule ip away out ip daddr 192.168.1.1 tcp dport 8729 drop"',
    )
    await joining.waitForLine(/may still be there\. When it answers again: homeward leave/, { timeoutMs: 200_000 })
    await joining.exited
    await restore()
    await pi.run('nft', ['delete', 'table', 'ip', 'away'])
    const { code, stderr } = await problemOf(pi, ['plan'])
    expect([code, stderr]).toEqual(['config-missing', expect.stringContaining('Run homeward leave')])
    // As after a join that was killed before it wrote anything: the journal of the change says which router it is.
    await pi.run('rm', [`${pi.disk.configDir}/agent.yaml.leaving`])
    expect((await problemOf(pi, ['plan'])).stderr).toContain('a join with the tunnel on a router was cut off')
    await leave()
  })

  test('killed at any moment it can be run again, or is left to the agent', { timeout: 300_000 }, async () => {
    const outcomes = new Set<string>()
    for (const moment of someOf([250, 350, 450, 550, 700, 850, /Testing it/], 2)) {
      const token = await inviteHome(picture)
      const killed = pi.startHomeward(trusting(token))
      await (typeof moment === 'number' ? sleep(moment) : killed.waitForLine(moment))
      await killed.kill('SIGKILL')
      await killed.exited
      const there = await pi.run('test', ['-e', `${pi.disk.configDir}/agent.yaml`], { allowFailure: true })
      outcomes.add(there.exitCode === 0 ? 'left to the agent' : 'run again')
      if (there.exitCode !== 0) await pi.homeward(trusting(token))
      const agent = await startAgent(pi)
      await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up')
      await expect.poll(() => plannedSteps(pi), { message: `killed at ${moment}` }).toEqual([])
      await untilHubReachesHome()
      await agent.stop()
      await leave()
    }
    expect(outcomes).toEqual(new Set(['run again', 'left to the agent']))
  })
})

describe('the home of a router', () => {
  let agent: LabProcess

  beforeAll(async () => {
    await pi.homeward(trusting(await inviteHome(picture)))
    agent = await startAgent(pi)
  })

  test('has no private key here', async () => {
    const { stdout } = await pi.shell(`cd ${pi.disk.configDir} && stat -c '%a %n' *`)
    expect(stdout).toBe('600 agent.yaml\n600 home.secret\n600 router.password\n')
  })

  test('whose interface was deleted there: the hub follows the new key', { timeout: 300_000 }, async () => {
    const old = await wg('public-key')
    const after = agent.lineCount
    await router.console('/interface/wireguard/remove [find where name=hw0]')
    await agent.waitForLine(/the router has made a new key/, { after, timeoutMs: 60_000 })
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && (tunnel.lastHandshakeSeconds ?? 99) < 30)
    await untilHubReachesHome()
    expect(await wg('public-key')).not.toBe(old)
    await expect.poll(() => plannedSteps(pi)).toEqual([])
    // The new interface's mapping is no carrier's doing.
    expect((await pi.homeward(['events', '--json'])).stdout).not.toContain('mapping-changed')
    // An agent that is stopped before the router has its confirmation takes the change back.
    await agent.waitForLine(/brought this machine to/, { after, timeoutMs: 60_000 })
    await agent.stop()
    agent = await startAgent(pi)
  })

  test('follows the hub to another key of its own', { timeout: 300_000 }, async () => {
    await waitForStatus(pi, ({ hub }) => hub.registrar === 'reachable')
    const { stdout } = await picture.hub.homeward(['hub', 'rotate-identity', '--now', '--yes', '--json'])
    const { publicKey } = JSON.parse(stdout) as { publicKey: string }
    await expect.poll(async () => (await wg('peers')).trim(), { timeout: 60_000 }).toBe(publicKey)
    await untilHubReachesHome()
    await expect.poll(() => plannedSteps(pi), { timeout: 60_000 }).toEqual([])
  })

  test.runIf(isLong)(
    'is mended by apply while no agent runs, and the next agent knows the key',
    { timeout: 300_000 },
    async () => {
      await agent.stop()
      await router.console('/interface/wireguard/remove [find where name=hw0]')
      await pi.homeward(['apply', '--yes'])
      await expect.poll(() => plannedSteps(pi)).toEqual([])
      agent = await startAgent(pi)
      await untilHubReachesHome()
    },
  )

  test('takes the carrier of last resort by way of this machine, and not without it', {
    timeout: 300_000,
  }, async () => {
    const restore = await dropAllUdp(picture.home)
    try {
      // An answer may come before the router's API has said that it is done.
      const isOnTransport = ({ tunnel: { state, endpoint, notes } }: Status): boolean =>
        state === 'up' && /^192\.168\.1\.2:\d+$/.test(endpoint ?? '') && notes.includes('tcp-carrier')
      await waitForStatus(pi, isOnTransport, 300_000)
      await untilHubReachesHome()
      await expect.poll(() => plannedSteps(pi)).toEqual([])
      await agent.stop()
      expect(await wg('endpoints')).toContain(`${picture.hubAddress}:51820`)
    } finally {
      await restore()
    }
    agent = await startAgent(pi)
  })

  test('is up by what the router counts while the hub’s daemon is stopped', { timeout: 300_000 }, async () => {
    await hub.kill('SIGSTOP')
    const { tunnel } = await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('hub-daemon-silent'))
    expect(tunnel).toMatchObject({ state: 'up', cause: null })
    expect(await hubReachesHome()).toBe(true)
    await hub.kill('SIGCONT')
    await waitForStatus(pi, ({ tunnel }) => !tunnel.notes.includes('hub-daemon-silent'))
  })

  test('carries on while the router’s API is away, and says so', { timeout: 300_000 }, async () => {
    await router.console('/ip/service/set [find where name=api-ssl] disabled=yes')
    await router.drop('rst')
    try {
      const status = await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('router-silent'))
      expect(status.tunnel.state).toBe('up')
      await untilHubReachesHome()
    } finally {
      await router.console('/ip/service/set [find where name=api-ssl] disabled=no')
    }
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.length === 0, 60_000)
    expect((await statusOf(pi)).mapping.carrierNat).toBe('unknown')
  })

  test('is not left while the router cannot be asked, and is when it can', { timeout: 300_000 }, async () => {
    await agent.stop()
    await router.console('/ip/service/set [find where name=api-ssl] disabled=yes')
    try {
      const problem = await problemOf(pi, ['leave', '--yes'])
      expect(problem).toMatchObject({ exitCode: 1, code: 'router-unreachable' })
      expect(problem.stderr).toContain('homeward leave --forget-router')
      await untilHubReachesHome()
    } finally {
      await router.console('/ip/service/set [find where name=api-ssl] disabled=no')
    }
    await leave()
  })

  test.runIf(isLong)('is not left while nobody can say which router it is', { timeout: 300_000 }, async () => {
    await pi.homeward(trusting(await inviteHome(picture)))
    const settings = await readFile(join(pi.disk.configDir, 'agent.yaml'), 'utf8')
    await writeFile(join(pi.disk.configDir, 'agent.yaml'), 'router: {')
    expect(await problemOf(pi, ['leave', '--yes'])).toMatchObject({ exitCode: 1, code: 'config-unreadable' })
    await untilHubReachesHome()
    await writeFile(join(pi.disk.configDir, 'agent.yaml.leaving'), settings)
    await leave()
  })

  test('is left without the router when that is gone for good', { timeout: 300_000 }, async () => {
    const token = await inviteHome(picture)
    await pi.homeward(trusting(token))
    await router.console('/ip/service/set [find where name=api-ssl] disabled=yes')
    try {
      const { stderr } = await pi.homeward(['leave', '--forget-router', '--yes'])
      expect(stderr).toContain('What homeward made on the router at 192.168.1.1 is still there')
      expect(await listFiles()).toBe(files)
      expect(await hubReachesHome()).toBe(false)
    } finally {
      await router.console('/ip/service/set [find where name=api-ssl] disabled=no')
    }
    // The next join takes over what is there.
    await pi.homeward(trusting(await inviteHome(picture)))
    await leave()
  })
})
