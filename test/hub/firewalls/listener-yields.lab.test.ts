import { afterAll, beforeAll, expect, test } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import { hubStatusOf, inviteHome, startAgent, startHub } from '../../agent/lab-home.ts'
import type { Host } from '../../lab/host/host.ts'
import { askService, serveEcho } from '../../lab/host/service.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'

/** A program of the VPS that was being restarted while a home published its port. One story. */
let lab: Lab
let picture: Picture
let hub: Host
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  hub = picture.hub
  daemon = await startHub(picture)
  const { pi } = picture.home
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  await startAgent(pi)
  await serveEcho(pi, 'pi', 8123)
  for (const port of [8443, 8444]) await pi.homeward(['publish', 'add', `${port}/tcp`, 'localhost:8123'])
})
afterAll(() => lab.close())

const visit = (port: number) => askService(picture.visitor, 'tcp', picture.hubAddress, port)
const comesTo = (port: number, whom: string) =>
  expect.poll(() => visit(port), { timeout: 90_000 }).toBe(`${whom} sees 198.18.0.20`)
const withheld = async () =>
  (await hubStatusOf(hub)).publications.flatMap((one) => (one.withheld ?? []).map(({ port, why }) => [port, why]))

test('gets its visitors when it is there again, and it is said; a socket of a moment gets none', async () => {
  await comesTo(8443, 'pi')
  await comesTo(8444, 'pi')
  const moment = await serveEcho(hub, 'moment', 8444)
  await sleep(1_000)
  await moment.kill('SIGKILL')
  const nginx = await serveEcho(hub, 'nginx', 8443)
  await comesTo(8443, 'nginx')
  expect(await visit(8444)).toBe('pi sees 198.18.0.20')
  expect(await withheld()).toEqual([[8443, 'a program of the hub listens there since']])
  const { stdout } = await picture.home.pi.homeward(['publish', 'list'])
  expect(stdout).toContain('8443/tcp leads nowhere: a program of the hub listens there since')
  await daemon.waitForLine(/"program":"node \(process \d+\)".*its visitors come to that program/)
  await nginx.kill('SIGKILL')
})

test('and keeps its port while it is restarted, and while the hub is', async () => {
  await sleep(4_000)
  expect(await visit(8443)).toBeNull()
  await daemon.kill('SIGKILL')
  daemon = hub.startHomeward(['hub', 'run'])
  await daemon.waitForLine(/the hub is ready/, { timeoutMs: 120_000 })
  expect(await withheld()).toEqual([[8443, 'a program of the hub listens there since']])
  await serveEcho(hub, 'nginx', 8443)
  await comesTo(8443, 'nginx')
  expect(await visit(8444)).toBe('pi sees 198.18.0.20')
})

test('a program of a user without any right gets a published port too, which is said, and reaches homes as the hub does', async () => {
  const user = ['setpriv', '--reuid', '64321', '--regid', '64321', '--clear-groups', '--']
  const { camera, lan } = picture.home
  await serveEcho(camera, 'camera', 554)
  const from = daemon.lineCount
  await serveEcho(hub, 'theirs', 8444, user)
  await comesTo(8444, 'theirs')
  await daemon.waitForLine(/"port":8444,"program":"node \(process \d+\)"/, { after: from })
  expect(await withheld()).toContainEqual([8444, 'a program of the hub listens there since'])
  const ask = `require('node:net').connect(554, '${lan.camera}').once('data', (said) => { console.log(String(said)); process.exit() })`
  const { stdout } = await hub.run('setpriv', [...user.slice(1), process.execPath, '-e', ask])
  expect(stdout).toMatch(/^camera sees/)
})
