import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { askedBy } from '../lab/camera.ts'
import type { Host } from '../lab/host.ts'
import { createLab, type Lab } from '../lab/lab.ts'
import { type LabOpenwrt, labOpenwrt, openwrtJoinOptions } from '../lab/openwrt.ts'
import { buildPicture, type Picture } from '../lab/picture.ts'
import type { LabProcess } from '../lab/process.ts'
import { inviteHome, plannedSteps, startAgent, startHub, waitForStatus } from './lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let router: LabOpenwrt
let agent: LabProcess
let before: string

beforeAll(async () => {
  lab = await createLab()
  router = await labOpenwrt(lab)
  picture = await buildPicture(lab, { system: router })
  pi = picture.home.pi
  await startHub(picture)
  before = await router.export()
})
afterAll(() => lab?.close())

test('a join ends with the camera’s page on the phone, and a router that differs in homeward’s sections alone', async () => {
  const token = await inviteHome(picture)
  const joined = await pi.homeward(['join', token, ...(await openwrtJoinOptions(router, picture.home)), '--yes'], {
    timeoutMs: 60_000,
  })
  expect(joined.stdout).toContain('has joined')
  await picture.hub.homeward(['device', 'add', 'phone', '--conf', join(picture.hub.disk.stateDir, 'phone.conf')])
  const conf = (await picture.hub.run('cat', [join(picture.hub.disk.stateDir, 'phone.conf')])).stdout
  await picture.phone.run('sh', ['-c', 'umask 077; cat > /run/phone.conf'], { input: conf })
  await picture.phone.run('wg-quick', ['up', '/run/phone.conf'], { timeoutMs: 20_000 })
  const page = await picture.phone.run('curl', ['-sS', '--max-time', '10', `http://${picture.home.lan.camera}/`])
  expect(page.stdout).not.toBe('')
  expect(askedBy(page.stdout)).toBe('10.86.0.3')
  expect(await plannedSteps(pi)).toEqual([])
  expect(foreignIn(await router.export())).toEqual(foreignIn(before))
})

test('the agent watches it, and says so', async () => {
  agent = await startAgent(pi)
  const status = await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.lastHandshakeSeconds !== null)
  expect(status.router).toMatchObject({ kind: 'openwrt', dataPlane: 'kernel', warnings: [] })
  expect(status.tunnel.endpoint).toBe(`${picture.hubAddress}:51820`)
  expect(status.tunnel.rxBytes).toBeGreaterThan(0)
  // Looking at it again and again takes one session.
  expect(await router.sessions()).toBe(1)
  await agent.stop()
})

test('leaving brings the router back byte for byte, and takes the agent’s key off it', async () => {
  await pi.homeward(['leave', '--yes'], { timeoutMs: 60_000 })
  expect(await router.export()).toBe(before)
  expect((await pi.run('ls', ['-A', pi.disk.configDir])).stdout).toBe('')
  expect(await router.console('ls /etc/dropbear /var/run/homeward 2>/dev/null || true')).not.toMatch(
    /authorized_keys|pending/,
  )
})

function foreignIn(text: string): readonly string[] {
  return text
    .split(/\n(?=config |package )/)
    .filter((section) => !/^config (\w+ 'homeward_|interface 'hw0')/.test(section))
    .map((section) => section.trim())
}
