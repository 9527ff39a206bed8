import { chmod, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join as joinPath } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { formatToken, type JoinToken, parseToken } from '../../../protocol/token.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { muteHub } from '../../lab/faults/faults.ts'
import { homewardCommand } from '../../lab/homeward.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { inviteHome, machineState, plannedSteps, problemOf, startAgent, startHub } from '../lab-home.ts'
import { someOf } from '../../long.ts'

let lab: Lab
let picture: Picture
let pi: Host
let before: string
let shortLived: { readonly token: string; readonly at: number }

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  await startHub(picture)
  before = await machineState(pi)
  // The shortest there is.
  shortLived = { token: await inviteHome(picture, 'late', ['--expires', '1m']), at: performance.now() }
})
afterAll(() => lab.close())

const join = (token: string, ...more: string[]): string[] => ['join', token, '--yes', ...more]

function changed(token: string, change: Partial<JoinToken>): string {
  return formatToken({ ...parseToken(token), ...change })
}

describe('a join that cannot succeed says why and leaves nothing', () => {
  let token: string
  beforeAll(async () => {
    token = await inviteHome(picture)
  })
  afterEach(async () => {
    expect(await machineState(pi)).toBe(before)
  })

  async function refused(code: string, args: readonly string[], words: RegExp = /./): Promise<void> {
    const problem = await problemOf(pi, args)
    expect(problem).toMatchObject({ exitCode: 1, code, message: expect.stringMatching(words) })
    expect(problem.stderr).not.toContain(parseToken(token).joinSecret)
  }

  test('a truncated token', () => refused('token-damaged', join(token.slice(0, -12))))
  test('an altered token', () =>
    refused('token-damaged', join(token.replace(/.(?=.{30}$)/, (c) => (c === 'A' ? 'B' : 'A')))))
  test('a token of another version', () => refused('token-version', join(token.replace('hw1.', 'hw2.'))))
  test('something that is no token', () => refused('token-malformed', join('bananas')))
  test('a token nobody made', () => refused('token-unknown', join(changed(token, { joinSecret: 'A'.repeat(43) }))))
  test('another certificate than the pinned one', () =>
    refused('certificate-mismatch', join(changed(token, { certificate: '0'.repeat(64) }))))
  test('a name that does not resolve', () =>
    refused('name-unresolved', join(changed(token, { addresses: ['nowhere.example'] })), /nowhere\.example/))
  test('a hub that does not answer', () =>
    refused('hub-unreachable', join(changed(token, { addresses: ['203.0.113.99'] }))))
  test('a hub with another WireGuard key', () =>
    refused(
      'certificate-mismatch',
      join(
        changed(token, {
          hubPublicKey: parseToken(token).hubPublicKey.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) as never,
        }),
      ),
    ))

  test('a LAN that overlaps the tunnel’s network', () =>
    refused('lan-overlaps', join(token, '--lan', '10.86.5.0/24'), /10\.86/))
  test('a LAN that contains the hub', () => refused('lan-overlaps', join(token, '--lan', '203.0.113.0/24')))
  test('a LAN that is the carrier’s', () => refused('lan-overlaps', join(token, '--lan', '100.64.1.0/24'), /WAN/))
  test('a LAN that belongs to another home', async () => {
    await inviteHome(picture, 'lodge', ['--lan', '192.168.9.0/24'])
    await refused('lan-overlaps', join(token, '--lan', '192.168.9.0/25'), /192\.168\.9\.0\/24/)
  })
  test('a LAN that is no prefix', async () => {
    expect(await problemOf(pi, join(token, '--lan', '192.168.1.0/33'))).toMatchObject({
      exitCode: 64,
      code: 'prefix-invalid',
    })
  })
  test('a router this version does not configure', async () => {
    expect(await problemOf(pi, join(token, '--router', 'toaster'))).toMatchObject({
      exitCode: 64,
      code: 'router-unsupported',
    })
  })
  test('a router without its address', async () => {
    expect(await problemOf(pi, join(token, '--router', 'mikrotik'))).toMatchObject({
      exitCode: 64,
      code: 'wrong-usage',
    })
  })
  test('an interface name with a path in it', async () => {
    expect(await problemOf(pi, join(token, '--interface', '../x'))).toMatchObject({ exitCode: 64, code: 'wrong-usage' })
  })
  test('nobody to ask and no --yes', async () => {
    expect(await problemOf(pi, ['join', token])).toMatchObject({ exitCode: 64, code: 'needs-yes' })
  })

  test('an interface name that is taken by somebody else’s WireGuard', async () => {
    await pi.run('wireguard-go', ['hw7'])
    await pi.run('ip', ['addr', 'add', '10.99.0.1/24', 'dev', 'hw7'])
    try {
      const foreign = (await pi.run('ip', ['-d', 'addr', 'show', 'dev', 'hw7'])).stdout
      await refused('interface-taken', join(token, '--interface', 'hw7'), /hw7/)
      expect((await pi.run('ip', ['-d', 'addr', 'show', 'dev', 'hw7'])).stdout).toBe(foreign)
    } finally {
      await pi.run('ip', ['link', 'del', 'hw7'])
    }
  })

  test.each([
    ['nft', '/usr/sbin'],
    ['wg', '/usr/bin'],
  ])('no %s', async (tool, folder) => {
    // The folder as it is, but for one file; in a mount namespace that ends with the command.
    const script = `
mkdir -p /run/real /run/farm
mount --bind ${folder} /run/real
mount -t tmpfs farm /run/farm
cp -s /run/real/* /run/farm/ 2>/dev/null || true
rm /run/farm/${tool}
mount --bind /run/farm ${folder}
exec ${process.execPath} ${homewardCommand()} join ${token} --yes --json
`
    const { exitCode, stdout } = await pi.run('unshare', ['-m', 'sh', '-ec', script], {
      allowFailure: true,
      timeoutMs: 120_000,
    })
    expect(exitCode).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'tool-missing', message: expect.stringContaining(tool) },
    })
    await pi.shell('rmdir /run/real /run/farm')
  })

  test('not root', async () => {
    const args = ['--reuid', '65534', '--regid', '65534', '--clear-groups', '--inh-caps=-all']
    // Where everybody may read it: a checkout may lie in a folder that only root may enter.
    const readable = await mkdtemp(joinPath(tmpdir(), 'homeward-readable-'))
    onTestFinished(() => rm(readable, { recursive: true }))
    await cp(dirname(homewardCommand()), readable, { recursive: true })
    await chmod(readable, 0o755)
    const command = [process.execPath, joinPath(readable, 'homeward.js'), ...join(token), '--json']
    const { exitCode, stdout, stderr } = await pi.run('setpriv', [...args, '--', ...command], { allowFailure: true })
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('sudo') })
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'no-root' } })
  })

  test('a dry run, which says what it would do', async () => {
    const strange = await pi.homeward(['join', token, '--lan', '192.168.77.0/24', '--dry-run'])
    expect(strange.stdout).toContain('this machine is not in 192.168.77.0/24; it is in 192.168.1.0/24 (')
    const { exitCode, stdout } = await pi.homeward(['join', token, '--dry-run'])
    expect(stdout).not.toContain('this machine is not in')
    expect(exitCode).toBe(0)
    expect(stdout).toContain('create the WireGuard interface hw0')
    expect(stdout).toContain('let the tunnel reach 192.168.1.0/24 (masquerade)')
  })

  test('a hub whose heartbeats nobody answers, by any way', async () => {
    const restore = await muteHub(picture)
    try {
      await refused(
        'tunnel-unproven',
        join(token),
        /by any way \(UDP 51820: WireGuard shakes hands.*TLS: WireGuard shakes hands.*nobody answers at 10\.86\.0\.1 port 8686/,
      )
    } finally {
      await restore()
    }
  })

  test('Ctrl-C in the middle', async () => {
    const restore = await muteHub(picture)
    try {
      const joining = pi.startHomeward(join(token))
      await joining.waitForLine(/Testing it/)
      await joining.kill('SIGINT')
      expect((await joining.exited).code).toBe(1)
      expect(joining.stderr).toContain('[interrupted]')
    } finally {
      await restore()
    }
  })

  test('and the same token works afterwards, once', async () => {
    expect((await pi.homeward(join(token))).exitCode).toBe(0)
    expect(await problemOf(pi, join(token))).toMatchObject({ exitCode: 1, code: 'already-joined' })
    await pi.homeward(['leave', '--yes'])
    await refused('token-used', join(token))
  })
})

describe('a join', () => {
  test('says what to do next, and its secrets are for root only', async () => {
    const token = await inviteHome(picture)
    const { stdout, stderr } = await pi.homeward(join(token))
    expect(stdout).toMatch(/cabin has joined.*homeward run/s)
    expect(stdout).toContain(
      'What this line lets through to the hub: UDP 51820: passes; UDP 4500: passes; UDP 443: passes; UDP 53: passes; TLS: passes.',
    )
    expect(stdout + stderr).not.toContain(parseToken(token).joinSecret)
    const modes = await pi.shell(`stat -c '%a %n' ${pi.disk.configDir}/private.key ${pi.disk.configDir}/home.secret`)
    expect(modes.stdout).toMatch(/^600 .*\n600 .*\n$/)
    expect(await plannedSteps(pi)).toEqual([])
    await pi.homeward(['leave', '--yes'])
    expect(await machineState(pi)).toBe(before)
  })

  test('killed at any moment and run again, or left to the agent, ends in a working tunnel', async () => {
    const outcomes = new Set<string>()
    for (const moment of someOf([60, 110, 140, 170, 190, 210, 230, 260, /Testing it/], 2)) {
      const token = await inviteHome(picture)
      const killed = pi.startHomeward(join(token))
      await (typeof moment === 'number' ? sleep(moment) : killed.waitForLine(moment))
      await killed.kill('SIGKILL')
      await killed.exited
      const there = await pi.run('test', ['-e', `${pi.disk.configDir}/agent.yaml`], { allowFailure: true })
      outcomes.add(there.exitCode === 0 ? 'left to the agent' : 'run again')
      if (there.exitCode !== 0) await pi.homeward(join(token))
      const agent = await startAgent(pi)
      // The tunnel answers before the last step of it is done.
      await expect.poll(() => plannedSteps(pi), { message: `killed at ${moment}` }).toEqual([])
      await agent.stop()
      await pi.homeward(['leave', '--yes'])
      expect(await machineState(pi), `killed at ${moment}`).toBe(before)
    }
    expect(outcomes).toEqual(new Set(['run again', 'left to the agent']))
  })

  test('with a token that has expired is refused', async () => {
    await sleep(61_000 - (performance.now() - shortLived.at))
    const problem = await problemOf(pi, join(shortLived.token))
    expect(problem).toMatchObject({
      exitCode: 1,
      code: 'token-expired',
      stderr: expect.stringContaining('hub invite late'),
    })
    expect(await machineState(pi)).toBe(before)
  })
})
