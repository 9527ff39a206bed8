import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { dropAllUdp, dropHandshakes, dropPort, type Undo } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import { eventsOf, inviteHome, machineState, startAgent, startHub, waitForStatus } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let before: string
let restore: Undo | null = null

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  await startHub(picture)
  before = await machineState(pi)
})
afterAll(() => lab?.close())
afterEach(async () => {
  await restore?.()
  await pi.homeward(['leave', '--yes'])
  expect(await machineState(pi)).toBe(before)
})

interface JoinedFacts {
  readonly transport: string
  readonly endpoint: string | null
  readonly line: readonly { readonly endpoint: string; readonly result: string }[]
}

/** How long it takes is the unit test's matter: here it depends on what else the machine does. */
async function join(): Promise<{ readonly facts: JoinedFacts; readonly told: string }> {
  const { stdout, stderr } = await pi.homeward(['join', await inviteHome(picture), '--yes', '--json'])
  return { facts: JSON.parse(stdout) as JoinedFacts, told: stderr }
}

/** What an agent does that must find the way itself; a busy machine lets it doubt for other reasons. */
async function troubles(): Promise<readonly unknown[]> {
  return (await eventsOf(pi)).filter(
    (event) =>
      (event.kind === 'cause' && ['port-blocked', 'udp-blocked'].includes(event.cause)) ||
      (event.kind === 'remedy' && ['set-endpoint', 'carrier'].includes(event.remedy)),
  )
}

async function hubReachesPi(): Promise<void> {
  await picture.hub.run('ping', ['-c', '1', '-w', '60', '10.86.0.2'], { timeoutMs: 90_000 })
}

const resultsOf = ({ line }: JoinedFacts): readonly string[] => line.map(({ result }) => result)

test('the hub’s UDP port is blocked: by another one', async () => {
  restore = await dropPort(picture.home, 51_820)
  const { facts } = await join()
  expect(facts).toMatchObject({ transport: 'udp', endpoint: '203.0.113.10:4500' })
  expect(resultsOf(facts)).toEqual(['nothing-back', 'passes', 'passes', 'passes', 'passes'])
  // As after a reboot, when nothing but the files says where the tunnel goes.
  await pi.run('ip', ['link', 'del', 'dev', 'hw0'])
  const agent = await startAgent(pi)
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.notes.includes('other-way'))
  expect(await troubles()).toEqual([])
  await agent.stop()
})

test('all UDP is blocked: over TLS', async () => {
  restore = await dropAllUdp(picture.home)
  const { facts, told } = await join()
  expect(facts).toMatchObject({ transport: 'tls', endpoint: null })
  expect(resultsOf(facts)).toEqual(['nothing-back', 'nothing-back', 'nothing-back', 'nothing-back', 'passes'])
  expect(told).toContain('UDP 443: nothing comes back. Trying TLS …')
  const agent = await startAgent(pi)
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.endpoint?.startsWith('127.0.0.1:') === true)
  await hubReachesPi()
  expect(await troubles()).toEqual([])
  // It remembers the way for the next agent too.
  await agent.stop()
  await startAgent(pi)
  await hubReachesPi()
  expect(await troubles()).toEqual([])
})

test('only handshakes are dropped: over TLS', async () => {
  restore = await dropHandshakes(picture.home)
  const { facts } = await join()
  expect(facts).toMatchObject({ transport: 'tls', endpoint: null })
  expect(resultsOf(facts)).toEqual(['no-handshake', 'no-handshake', 'no-handshake', 'no-handshake', 'passes'])
})
