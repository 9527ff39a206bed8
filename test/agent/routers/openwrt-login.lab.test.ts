import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { newKeyPair } from '../../../adapters/openwrt/ssh/key-pair.ts'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createLab, type Lab } from '../../lab/lab.ts'
import { type LabOpenwrt, labOpenwrt, openwrtJoinOptions } from '../../lab/places/openwrt.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { inviteHome, startHub } from '../lab-home.ts'

/** Ways into an OpenWrt router: all of dropbear's own, over the real one. The router here has an RSA host key alone. */
let lab: Lab
let picture: Picture
let router: LabOpenwrt
let token: string
/** The owner's key, as older programs make it. */
const owners = await newKeyPair('rsa', 'owner')

beforeAll(async () => {
  lab = await createLab()
  router = await labOpenwrt(lab, { hostKeys: ['rsa'], authorizedKeys: [owners.public] })
  picture = await buildPicture(lab, { system: router })
  await startHub(picture)
  token = await inviteHome(picture)
})
afterAll(() => lab?.close())

async function fileOnPi(name: string, text: string): Promise<string> {
  const path = join(picture.home.pi.disk.path, name)
  await writeFile(path, text, { mode: 0o600 })
  return path
}

/** @returns what is said when it fails; nothing of it may be left on router and Pi. */
async function refused(options: readonly string[]): Promise<string> {
  const { pi, lan } = picture.home
  const before = [await router.export(), await router.console('cat /etc/dropbear/authorized_keys')]
  const args = ['join', token, '--router', 'openwrt', '--host', lan.router, ...options, '--yes']
  const { exitCode, stderr } = await pi.homeward(args, { allowFailure: true })
  expect(exitCode).not.toBe(0)
  expect([await router.export(), await router.console('cat /etc/dropbear/authorized_keys')]).toEqual(before)
  expect((await pi.run('ls', ['-A', pi.disk.configDir])).stdout).toBe('')
  return stderr
}

test('without a host key, and nobody to ask, nothing is sent, and what it shows is said', async () => {
  const said = await refused(['--password-file', await fileOnPi('password', router.password)])
  expect(said).toContain('[router-unconfirmed]')
  expect(said).toContain(`--host-key SHA256:${router.hostKey}`)
})

test('another host key than the given one is refused before a password is sent', async () => {
  const said = await refused([
    '--password-file',
    await fileOnPi('password', router.password),
    '--host-key',
    'A'.repeat(43),
  ])
  expect(said).toContain('[router-host-key-mismatch]')
  expect(said).toContain(`ssh-rsa SHA256:${router.hostKey}`)
})

test('a wrong password, an empty one, a key that the router does not know, and what is no key, are told apart', async () => {
  const stranger = await newKeyPair('ed25519', 'stranger')
  const hostKey = ['--host-key', router.hostKey]
  const wrong = await refused(['--password-file', await fileOnPi('wrong', 'not this one'), ...hostKey])
  expect(wrong).toContain('[router-login-refused]')
  expect(wrong).not.toContain('not this one')
  expect(await refused(['--password-file', await fileOnPi('empty', '\n'), ...hostKey])).toMatch(/empty/)
  expect(await refused(['--identity-file', await fileOnPi('stranger', stranger.private), ...hostKey])).toContain(
    '[router-login-refused]',
  )
  expect(await refused(['--identity-file', await fileOnPi('nonsense', 'no key'), ...hostKey])).toContain(
    'ssh-keygen -p',
  )
})

test('the owner’s own key is enough, and stays where it was when homeward leaves', async () => {
  const { pi, lan } = picture.home
  const before = await router.console('cat /etc/dropbear/authorized_keys')
  const key = ['--identity-file', await fileOnPi('owner', owners.private), '--host-key', `SHA256:${router.hostKey}`]
  const joined = await pi.homeward(['join', token, '--router', 'openwrt', '--host', lan.router, ...key, '--yes'], {
    timeoutMs: 120_000,
  })
  expect(joined.stdout).toContain('has joined')
  expect(await router.console('cat /etc/dropbear/authorized_keys')).toBe(before)
  await pi.homeward(['leave', '--yes'])
  expect(await router.console('cat /etc/dropbear/authorized_keys')).toBe(before)
})

test('with a password a line is added to the owner’s, and taken away again', async () => {
  const { pi } = picture.home
  const before = await router.console('cat /etc/dropbear/authorized_keys')
  const again = await inviteHome(picture, 'again')
  await pi.homeward(['join', again, ...(await openwrtJoinOptions(router, picture.home)), '--yes'], {
    timeoutMs: 120_000,
  })
  const during = await router.console('cat /etc/dropbear/authorized_keys')
  expect(during.startsWith(before)).toBe(true)
  expect(during.slice(before.length)).toMatch(/^ssh-ed25519 \S+ homeward\n$/)
  expect(
    (await pi.run('grep', ['-rl', router.password, pi.disk.configDir, pi.disk.stateDir], { allowFailure: true }))
      .stdout,
  ).toBe('')
  await pi.homeward(['leave', '--yes'])
  expect(await router.console('cat /etc/dropbear/authorized_keys')).toBe(before)
})

test('a join that was killed when the router had its key leaves no second one: not by another join, and not by leaving', async () => {
  const { pi } = picture.home
  const authorized = (): Promise<string> => router.console('cat /etc/dropbear/authorized_keys')
  const before = await authorized()
  const joining = async (home: string): Promise<readonly string[]> => {
    return ['join', await inviteHome(picture, home), ...(await openwrtJoinOptions(router, picture.home)), '--yes']
  }
  const killWhenGiven = async (args: readonly string[]): Promise<string> => {
    const join = pi.startHomeward(args)
    const given = await vi.waitFor(
      async () => {
        const now = await authorized()
        expect(now).not.toBe(before)
        return now
      },
      { timeout: 60_000, interval: 20 },
    )
    await join.kill('SIGKILL')
    await join.exited
    return given
  }
  const args = await joining('killed')
  const first = await killWhenGiven(args)
  expect((await pi.homeward(args, { timeoutMs: 120_000 })).stdout).toContain('has joined')
  expect(await authorized()).toBe(first)
  await pi.homeward(['leave', '--yes'])
  expect(await authorized()).toBe(before)

  await killWhenGiven(await joining('killed-again'))
  await pi.run('rm', ['-f', join(pi.disk.configDir, 'agent.yaml')])
  await pi.homeward(['leave', '--yes'])
  expect(await authorized()).toBe(before)
})
