import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keepLastWay } from '../../../agent/memory/last-way.ts'
import { uplinkPath, UNKNOWN_UPLINK } from '../../../agent/memory/uplink-memory.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { stepClockBack } from '../../lab/faults/clock-fault.ts'
import { dropAllUdp, dropPort, dropThisFlow, type Undo } from '../../lab/faults/faults.ts'
import type { Host } from '../../lab/host/host.ts'
import { createLab, type Lab } from '../../lab/lab.ts'
import { buildPicture, type Picture } from '../../lab/picture.ts'
import type { LabProcess } from '../../lab/host/process.ts'
import { someOf } from '../../long.ts'
import { inviteHome, plannedSteps, startAgent, startHub, waitForStatus } from '../lab-home.ts'

let lab: Lab
let picture: Picture
let pi: Host
let agent: LabProcess

beforeAll(async () => {
  lab = await createLab()
  picture = await buildPicture(lab)
  pi = picture.home.pi
  await startHub(picture)
  await pi.homeward(['join', await inviteHome(picture), '--yes'])
  agent = await startAgent(pi)
})
afterAll(() => lab.close())

const nothing: Undo = async () => undefined

async function kill(): Promise<void> {
  await agent.kill('SIGKILL')
  await agent.exited
}

/** The next agent brings the tunnel up, whatever the last one left, and nothing is left to do. */
async function expectRecovery(): Promise<void> {
  agent = await startAgent(pi, 90_000)
  await picture.hub.run('ping', ['-c', '1', '-w', '60', '10.86.0.2'], { timeoutMs: 90_000 })
  await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 60_000)
  await expect.poll(() => plannedSteps(pi)).toEqual([])
}

describe('an agent killed with SIGKILL amid a remedy: the next one ends in a working tunnel and an empty plan', () => {
  const cases: readonly (readonly [string, () => Promise<Undo>])[] = [
    ['new-source-port', () => dropThisFlow(picture.home)],
    ['set-endpoint', () => dropPort(picture.home, 51_820)],
    ['reset', async () => (await stepClockBack(pi, 'hw0'), nothing)],
    ['carrier', () => dropAllUdp(picture.home)],
  ]
  const momentsOf = (kind: string): readonly number[] => someOf([15, 0, 60], kind === 'new-source-port' ? 2 : 1)
  test.each(cases.flatMap(([kind, fault]) => momentsOf(kind).map((ms) => [kind, ms, fault] as const)))(
    '%s, %i ms after its begin',
    async (kind, ms, fault) => {
      await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up' && tunnel.notes.length === 0, 90_000)
      await sleep(2_500)
      // This agent may have tried one against the fault before.
      const after = agent.lineCount
      const undo = await fault()
      await agent.waitForLine(new RegExp(`"kind":"${kind}".*tries a remedy`), { after, timeoutMs: 120_000 })
      await sleep(ms)
      await kill()
      await expectRecovery()
      await undo()
      // The fallback of this fault must not be that of the next, whether it was remembered before the kill or not.
      if (kind === 'set-endpoint') {
        await kill()
        await keepLastWay(pi.disk.stateDir, null)
        await pi.run('wg', ['set', 'hw0', 'peer', await hubKey(), 'endpoint', '203.0.113.10:51820'])
        agent = await startAgent(pi)
      }
    },
  )

  test.each<readonly [string, () => Promise<unknown>]>([
    [
      'new-session, reset, silence: the peer is out',
      async () => pi.run('wg', ['set', 'hw0', 'peer', await hubKey(), 'remove']),
    ],
    ['rebuild: the interface is gone', () => pi.run('ip', ['link', 'del', 'dev', 'hw0'])],
    [
      'set-mtu: remembered, and not set yet',
      () => pi.shell(`echo '${JSON.stringify({ ...UNKNOWN_UPLINK, mtu: 1_280 })}' > ${uplinkPath(pi.disk.stateDir)}`),
    ],
  ])('what a kill leaves of %s', async (_what, leave) => {
    await waitForStatus(pi, ({ tunnel }) => tunnel.state === 'up', 60_000)
    await kill()
    await leave()
    await expectRecovery()
  })
})

async function hubKey(): Promise<string> {
  return (await pi.run('wg', ['show', 'hw0', 'peers'])).stdout.trim()
}
