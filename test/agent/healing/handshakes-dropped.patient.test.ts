import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readUplink } from '../../../agent/memory/uplink-memory.ts'
import { dropHandshakes, type Undo } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { isLong } from '../../long.ts'
import { eventsOf, inviteHome, startAgent, startHub, waitForStatus } from '../lab-home.ts'

/** WireGuard's own two and three minutes cannot be shortened: the whole story takes eight, so it is of the long run. */
describe.skipIf(!isLong)('a line that drops handshakes and lets data pass', () => {
  let lab: Lab
  let picture: Picture
  let pi: Host
  let passAgain: Undo

  beforeAll(async () => {
    lab = await createLab()
    picture = await buildPicture(lab)
    pi = picture.home.pi
    await startHub(picture)
    await pi.homeward(['join', await inviteHome(picture), '--yes'])
    await startAgent(pi)
    passAgain = await dropHandshakes(picture.home)
  })
  afterAll(() => lab.close())

  const told = async () =>
    (await eventsOf(pi)).flatMap((event) =>
      event.kind === 'remedy' ? [`${event.remedy} ${event.cause} ${event.helped}`] : [],
    )
  const outages = async () => (await eventsOf(pi)).filter((event) => event.kind === 'tunnel' && event.to !== 'up')

  test('goes over TLS before its key ends', async () => {
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('tcp-carrier'), 240_000)
    await expect.poll(told).toEqual(['carrier handshake-blocked true'])
    expect(await outages()).toEqual([])
  })

  test('goes back on trial, and over TLS again in time, without a dark second; that is remembered', async () => {
    await waitForStatus(pi, ({ tunnel }) => tunnel.endpoint?.startsWith('203.0.113.') === true, 60_000)
    await waitForStatus(pi, ({ tunnel }) => tunnel.notes.includes('tcp-carrier'), 240_000)
    await expect.poll(told).toContain('way-back handshake-blocked false')
    expect(await outages()).toEqual([])
    await expect.poll(async () => (await readUplink(pi.disk.stateDir)).failbackFailures).toBe(1)
  })

  test('stays on UDP when handshakes pass again', async () => {
    await passAgain()
    await expect.poll(told, { timeout: 280_000 }).toContain('way-back handshake-blocked true')
    expect(await outages()).toEqual([])
    expect((await readUplink(pi.disk.stateDir)).failbackFailures).toBe(0)
  })
})
