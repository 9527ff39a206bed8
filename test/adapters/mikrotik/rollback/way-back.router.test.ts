import { access, rm } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { applyDesired } from '../../../../adapters/apply.ts'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { Problem } from '../../../../problems/problem.ts'
import { sleep } from '../../../../system/time/sleep.ts'
import { logIn } from '../../../fake/routeros/router-session.ts'
import { homeForwarding } from '../../forwarding.ts'
import { type CutOffRouter, cutOffRouter, HOME, OTHER_HOME, signal } from '../cut-off-router.ts'

vi.setConfig({ testTimeout: 120_000 })

const UNDO_SECONDS = 2

/** More than a hundred actions. */
const MANY: TunnelSpec = {
  ...HOME,
  forwarding: homeForwarding({
    lan: Array.from({ length: 32 }, (_, index) => `192.168.${index + 1}.0/24`),
    mode: 'masquerade',
  }),
}

/** The agent is killed when the router has taken its script, and before it heard that. */
async function killedWhileArming(of: CutOffRouter): Promise<void> {
  const adapter = of.open()
  const { steps } = adapter.plan(await adapter.observe(signal()), [HOME])
  const [arm] = steps
  if (arm?.kind !== 'arm-rollback') throw new TypeError('the first step arms')
  const arming = adapter.execute(arm, signal()).catch(() => undefined)
  await expect.poll(() => of.router.jobs(), { interval: 0 }).toBe(1)
  of.router.misbehave({ kind: 'refuse', how: 'rst' })
  of.router.dropSessions('rst')
  await arming
  await adapter.close()
  of.router.misbehave(null)
}

describe('a script that the router took from an agent which was killed that moment', () => {
  test.each([
    ['stands in the journal', async () => undefined],
    ['stands nowhere, since the journal is lost', (of: CutOffRouter) => rm(of.journal, { force: true })],
  ])('%s: a tunnel that is made next stays', async (_, meanwhile) => {
    const of = await cutOffRouter({ version: '7.12.2' }, UNDO_SECONDS)
    // Whatever an answer takes longer than a kill.
    of.router.misbehave({ kind: 'delay', ms: 20 })
    await killedWhileArming(of)
    await meanwhile(of)
    await of.bring(HOME)
    const standing = of.router.export()
    await expect.poll(() => of.router.jobs(), { timeout: 30_000 }).toBe(0)
    await sleep(100)
    expect(of.router.export()).toBe(standing)
    await expect(access(of.journal)).rejects.toThrow('ENOENT')
  })

  test('others’ scripts run on, the same user’s too', async () => {
    const of = await cutOffRouter({ version: '7.12.2' })
    for (const [user, password] of [[], ['homeward', 'word']] as const) {
      const session = await logIn(of.router, user, password)
      await session.exec({ command: '/execute', attributes: { script: ':delay 600s' } }, signal())
      session.close()
    }
    await of.bring(HOME)
    await of.cutOff(OTHER_HOME)
    await of.bring(null)
    expect(of.router.jobs()).toBe(2)
  })
})

describe('while another session holds safe mode', () => {
  test('a new tunnel is refused, nothing is changed, and it works when that session has ended', async () => {
    const of = await cutOffRouter({ version: '7.18.2' })
    const before = of.router.export()
    const owner = await logIn(of.router)
    await owner.exec({ command: '/safe-mode/take' }, signal())
    await expect(of.bring(HOME)).rejects.toMatchObject({
      code: 'router-busy',
      why: expect.stringContaining('another session holds safe mode'),
      next: expect.stringContaining('Ctrl+X'),
    })
    expect(of.router.export()).toBe(before)
    await expect(access(of.journal)).rejects.toThrow('ENOENT')
    owner.close()
    // The router hears of the end of a session a moment later.
    await expect.poll(() => of.bring(HOME).then(() => of.ours().length > 0, String)).toBe(true)
  })

  test('that ends a moment later, as a killed command’s does, a new tunnel comes all the same', async () => {
    const of = await cutOffRouter({ version: '7.18.2' })
    const owner = await logIn(of.router)
    await owner.exec({ command: '/safe-mode/take' }, signal())
    const bringing = of.bring(HOME)
    await sleep(1_000)
    owner.close()
    await bringing
    expect(of.ours()).not.toEqual([])
  })

  test('a tunnel that stands is repaired, it is said, and repaired again when that session undid it', async () => {
    const of = await cutOffRouter({ version: '7.18.2' })
    await of.bring(HOME)
    const standing = of.router.export()
    await of.router.console('/ip/address/remove [find where comment="homeward hw0"]')
    const owner = await logIn(of.router)
    await owner.exec({ command: '/safe-mode/take' }, signal())
    const adapter = of.open()
    await applyDesired(adapter, [HOME], signal())
    expect((await adapter.observe(signal())).warnings.join()).toContain('another session held safe mode')
    owner.close()
    await expect.poll(() => of.ours().filter((line) => line.includes('address=10.86.0.2'))).toEqual([])
    await applyDesired(adapter, [HOME], signal())
    expect((await adapter.observe(signal())).warnings).toEqual([])
    expect([...of.ours()].sort()).toEqual(
      standing
        .split('\n')
        .filter((line) => line.includes('comment="homeward hw0'))
        .sort(),
    )
  })
})

describe('a change of more actions than safe mode covers', () => {
  test('is kept when it is proven', async () => {
    const of = await cutOffRouter({ version: '7.18.2' })
    await of.bring(MANY)
    const adapter = of.open()
    expect(adapter.plan(await adapter.observe(signal()), [MANY]).steps).toEqual([])
    expect(of.router.jobs()).toBe(0)
  })

  test('is undone by the router when the agent dies at its end', async () => {
    const of = await cutOffRouter({ version: '7.18.2' }, UNDO_SECONDS)
    const before = of.router.export()
    await of.cutOff(MANY)
    await expect.poll(() => of.router.export(), { timeout: 30_000 }).toBe(before)
  })

  test('is taken back when it is not proven', async () => {
    const of = await cutOffRouter({ version: '7.18.2' })
    const before = of.router.export()
    await expect(applyDesired(of.open(), [MANY], signal(), { prove: unproven })).rejects.toThrow('no heartbeat')
    expect(of.router.export()).toBe(before)
    expect(of.router.jobs()).toBe(0)
  })

  test('is refused its rest where no script can take over, and taken back', async () => {
    const of = await cutOffRouter({ version: '7.18.2', deviceMode: 'home' })
    of.router.switches.refusesJobs = true
    const before = of.router.export()
    await expect(of.bring(MANY)).rejects.toMatchObject({ code: 'router-rollback-unavailable' })
    expect(of.router.export()).toBe(before)
  })
})

test.each(['7.12.2', '7.18.2'])(
  'what the owner changes while a tunnel is proven stays, though that fails: %s',
  async (version) => {
    const of = await cutOffRouter({ version })
    await of.bring(HOME)
    const prove = async (): Promise<void> => {
      await of.router.console('/ip/firewall/filter/add chain=input action=accept protocol=icmp comment="the owner’s"')
      await unproven()
    }
    const ours = of.ours()
    await expect(applyDesired(of.open(), [OTHER_HOME], signal(), { prove })).rejects.toThrow('no heartbeat')
    expect(of.ours()).toEqual(ours)
    expect(of.others()).toContain('the owner')
  },
)

async function unproven(): Promise<void> {
  throw new Problem('tunnel-unproven', { what: 'changing the tunnel', why: 'no heartbeat' })
}
