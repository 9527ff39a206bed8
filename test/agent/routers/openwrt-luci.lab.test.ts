import { afterAll, beforeAll, expect, test } from 'vitest'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { type LabOpenwrt, labOpenwrt, openwrtJoinOptions } from '../../lab/places/openwrt.ts'
import { isLong } from '../../long.ts'
import { inviteHome, plannedSteps, startAgent, startHub, waitForStatus } from '../lab-home.ts'

/** Shorter than LuCI's own, which takes 90 s at least: what waits sees that it ended. */
const TIMER_SECONDS = 12

let lab: Lab
let picture: Picture
let router: LabOpenwrt

beforeAll(async () => {
  lab = await createLab()
  router = await labOpenwrt(lab)
  picture = await buildPicture(lab, { system: router })
  await startHub(picture)
})
afterAll(() => lab?.close())

/** Its owner presses Save & Apply, and then nothing. */
const applied = (): Promise<string> =>
  router.console(
    `uci -t /var/run/rpcd/uci-x set network.lan.note='luci'; ubus call uci apply '{"ubus_rpc_session":"x","rollback":true,"timeout":${TIMER_SECONDS}}'`,
  )
const noted = (): Promise<string> => router.console('uci -q get network.lan.note || true')
const WAITING = /^Waiting, for \d+ s at most: a change in LuCI waits for its confirmation/m

test('a join waits while LuCI waits for its confirmation, says why and how long, and goes on', async () => {
  const { pi } = picture.home
  const options = await openwrtJoinOptions(router, picture.home)
  const token = await inviteHome(picture)
  await applied()
  const { stdout, stderr } = await pi.homeward(['join', token, ...options, '--yes'])
  expect(stderr).toMatch(WAITING)
  expect(stderr.match(/Waiting, for/g)).toHaveLength(1)
  expect(stdout).toContain('has joined')
  expect(await noted()).toBe('')
  expect(await plannedSteps(pi)).toEqual([])
})

test.runIf(isLong)('homeward apply waits too', async () => {
  const { pi } = picture.home
  await router.console('uci delete firewall.homeward_hw0_icmp; uci commit firewall')
  await applied()
  const { stdout, stderr } = await pi.homeward(['apply', '--yes'])
  expect(stderr).toMatch(WAITING)
  expect(stdout).toContain('done:')
  expect(await noted()).toBe('')
  expect(await plannedSteps(pi)).toEqual([])
})

test('a running agent says it once, and repairs when the timer has ended', async () => {
  const { pi } = picture.home
  const agent = await startAgent(pi)
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up')
  await applied()
  await router.console('uci delete firewall.homeward_hw0_icmp; uci commit firewall')
  await agent.waitForLine(/router-apply-unconfirmed/, { timeoutMs: 60_000 })
  await expect.poll(noted, { timeout: 60_000 }).toBe('')
  await expect.poll(() => plannedSteps(pi), { timeout: 60_000 }).toEqual([])
  expect(agent.stdout.match(/"code":"router-apply-unconfirmed"/g)).toHaveLength(1)
  await agent.stop()
})

test.runIf(isLong)('publishing waits too, and a visitor with the own address is led in at once', async () => {
  const { pi, camera } = picture.home
  await serveEcho(camera, 'camera', 554)
  const agent = await startAgent(pi)
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up')
  await applied()
  const { stdout, stderr } = await pi.homeward(['publish', 'add', '2554/tcp', '192.168.1.50:554', '--source', 'keep'], {
    timeoutMs: 120_000,
  })
  expect(stderr).toMatch(WAITING)
  expect(await noted()).toBe('')
  expect(stdout).toContain('(--source keep)')
  expect(await askService(picture.visitor, 'tcp', picture.hubAddress, 2554)).toBe('camera sees 198.18.0.20')
  // To close a port nobody waits: the hub does it alone.
  await applied()
  expect((await pi.homeward(['publish', 'remove', '2554/tcp'])).stderr).toBe('')
  expect(await noted()).toBe('luci\n')
  await expect.poll(noted, { timeout: 60_000 }).toBe('')
  await expect.poll(() => plannedSteps(pi), { timeout: 60_000 }).toEqual([])
  await agent.stop()
})

test('leaving waits too, and the router is as it was', async () => {
  const { pi } = picture.home
  await applied()
  const { stderr } = await pi.homeward(['leave', '--yes'], { timeoutMs: 180_000 })
  expect(stderr).toMatch(WAITING)
  expect(await noted()).toBe('')
  expect(await router.export()).not.toContain('homeward_')
})
