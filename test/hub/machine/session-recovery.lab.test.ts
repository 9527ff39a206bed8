import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { sleep } from '../../../system/time/sleep.ts'
import { hubStatusOf, inviteHome, runHub, startAgent, startHub } from '../../agent/lab-home.ts'
import { forgetMapping, rebootHub } from '../../lab/faults/faults.ts'
import { stepClockBack } from '../../lab/faults/clock-fault.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'

interface Place {
  readonly address: string
  port: number
}

let lab: Lab
let picture: Picture
let daemon: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  daemon = await startHub(picture)
  await picture.home.pi.homeward(['join', await inviteHome(picture), '--yes'])
  const { pi } = picture.home
  const agent = await startAgent(pi)
  await vi.waitFor(async () => expect(await isRemembered()).toBe(true), { timeout: 60_000, interval: 200 })
  // From here on the hub is alone: whatever comes back is its doing, since the home does not speak by itself.
  await agent.stop()
  await pi.shell('wg set hw0 peer "$(wg show hw0 peers)" persistent-keepalive 0')
})
afterAll(() => lab.close())

const rememberedPath = (): string => join(picture.hub.disk.stateDir, 'whereabouts.json')

/** The hub has written down where the home is now. */
async function isRemembered(): Promise<boolean> {
  const { stdout } = await picture.hub.run('wg', ['show', 'hw0', 'endpoints'])
  const [key = '', endpoint] = stdout.trim().split('\t')
  const places = JSON.parse(await readFile(rememberedPath(), 'utf8')) as Record<string, Place>
  return endpoint === `${places[key]?.address}:${places[key]?.port}`
}

/**
 * Until the hub has shaken hands with the home, and the home answers a ping. Nothing is sent before: a ping would be a knock
 * itself.
 */
async function untilReached(): Promise<void> {
  const from = performance.now()
  for (;;) {
    const show = await picture.hub.run('wg', ['show', 'hw0', 'latest-handshakes'], { allowFailure: true })
    if (/\t[1-9]/.test(show.stdout)) break
    if (performance.now() - from > 60_000) throw new Error('nobody shook hands within a minute')
    await sleep(20)
  }
  await picture.hub.run('ping', ['-c', '1', '-w', '30', '10.86.0.2'])
}

test('a hub that was rebooted calls its homes back, through the mapping that the carrier still holds', async () => {
  await rebootHub(lab, picture)
  daemon = await runHub(picture)
  // WireGuard alone has no endpoint, and waits for the home.
  await untilReached()
  expect(daemon.stdout).toContain('calling it back')
})

test('a peer that somebody took out is back within seconds, and called', async () => {
  const { stdout } = await picture.home.pi.run('wg', ['show', 'hw0', 'public-key'])
  await picture.hub.run('wg', ['set', 'hw0', 'peer', stdout.trim(), 'remove'])
  await untilReached()
})

test('an interface that somebody deleted is made anew, and its homes are called', async () => {
  await picture.hub.run('ip', ['link', 'del', 'dev', 'hw0'])
  await untilReached()
})

test('a firewall table that somebody deleted is there again within seconds', async () => {
  await picture.hub.run('nft', ['delete', 'table', 'inet', 'homeward'])
  const until = performance.now() + 60_000
  for (;;) {
    const list = await picture.hub.run('nft', ['list', 'table', 'inet', 'homeward'], { allowFailure: true })
    if (list.exitCode === 0) break
    expect(performance.now()).toBeLessThan(until)
    await sleep(200)
  }
})

test('a home whose clock went back is let in again when it asks for a new beginning', async () => {
  const { pi } = picture.home
  const reaches = async (seconds: number): Promise<boolean> => {
    const ping = ['-c', '1', '-w', String(seconds), '10.86.0.1']
    return (await pi.run('ping', ping, { allowFailure: true, timeoutMs: (seconds + 30) * 1_000 })).exitCode === 0
  }
  await stepClockBack(pi, 'hw0')
  expect(await reaches(7)).toBe(false)
  const { stdout } = await pi.shell(`
umask 077
printf 'Authorization: Bearer cabin.%s' "$(cat ${join(pi.disk.configDir, 'home.secret')})" > /run/bearer
key=$(wg show hw0 public-key)
curl -sk -H @/run/bearer -H 'content-type: application/json' https://${picture.hubAddress}:51820/v1/register -d @- <<END
{"version":1,"publicKey":"$key","lan":[],"listenPort":null,"reason":"remedy","reset":true,"lastMapping":null}
END
rm /run/bearer`)
  expect(JSON.parse(stdout)).toMatchObject({ view: { peerKnown: true } })
  await daemon.waitForLine(/asked for a new beginning/)
  expect(await reaches(60)).toBe(true)
})

test('where a home was heard is not overwritten by where it is remembered to have been', async () => {
  const where = async () => (await picture.hub.run('wg', ['show', 'hw0', 'endpoints'])).stdout
  await daemon.stop()
  const seen = await where()
  const old = JSON.parse(await readFile(rememberedPath(), 'utf8')) as Record<string, Place>
  for (const place of Object.values(old)) place.port = 9
  await writeFile(rememberedPath(), JSON.stringify(old))
  daemon = await runHub(picture)
  // Something else of the peer is to be set, and its place is not.
  const [key] = Object.keys(old)
  await picture.hub.run('wg', ['set', 'hw0', 'peer', key ?? '', 'allowed-ips', '10.86.0.99/32'])
  await expect
    .poll(async () => (await picture.hub.run('wg', ['show', 'hw0', 'allowed-ips'])).stdout, { timeout: 60_000 })
    .toContain('10.86.0.2/32')
  expect(await where()).toBe(seen)
})

test('another mapping is noted with how the one before ended, and not forgotten over a restart', async () => {
  const mapping = async () => (await hubStatusOf(picture.hub)).homes[0]?.mapping
  const before = (await mapping())?.changes ?? 0
  await forgetMapping(picture.home)
  await picture.home.pi.run('ping', ['-c', '1', '-w', '60', '10.86.0.1'], { timeoutMs: 90_000 })
  await expect.poll(async () => (await mapping())?.changes, { timeout: 60_000, interval: 500 }).toBe(before + 1)
  const after = await mapping()
  expect(after?.recent.at(-1)).toMatchObject({ ended: 'port', to: after?.endpoint })
  await daemon.stop()
  daemon = await runHub(picture)
  await expect.poll(mapping).toEqual(after)
})
