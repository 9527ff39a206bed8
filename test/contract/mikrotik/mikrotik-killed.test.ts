import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { type MikrotikMachine, startMikrotikMachine } from './mikrotik-machine.ts'
import { homeSpec } from '../specs.ts'
import { homeForwarding } from '../../adapters/forwarding.ts'
import { only } from '../../adapters/only.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 })

const ROLLBACK_SECONDS = 1

/** Each way that a router has to undo by itself. */
describe.each([
  ['safe mode', '7.18.2', false],
  ['a job', '7.16.2', false],
  ['the scheduler', '7.12.2', true],
] as const)('an agent killed at each step of an apply, the router having %s', (_way, version, refusesJobs) => {
  let machine: MikrotikMachine
  let spec: TunnelSpec
  beforeAll(async () => {
    machine = await startMikrotikMachine({ version }, ROLLBACK_SECONDS)
    machine.router.switches.refusesJobs = refusesJobs
    spec = { ...homeSpec(machine.keys), publicKey: null }
  })
  afterAll(() => machine?.close())

  /** Nobody helps: no other process is there. */
  async function reverts(from: string, wanted: TunnelSpec): Promise<void> {
    const before = machine.router.export()
    for (let done = 1; ; done += 1) {
      const adapter = await machine.open()
      const { steps } = adapter.plan(await adapter.observe(AbortSignal.timeout(30_000)), only(wanted))
      // All but the last, which keeps what was changed.
      if (done === steps.length) return await adapter.close()
      const began = performance.now()
      try {
        for (const step of steps.slice(0, done)) await adapter.execute(step, AbortSignal.timeout(30_000))
      } catch (thrown) {
        // On a busy machine the router's time may be over before all of them are carried out.
        if (performance.now() - began < ROLLBACK_SECONDS * 1_000) throw thrown
      }
      await adapter.kill()
      const until = { timeout: ROLLBACK_SECONDS * 1_000 + 30_000, interval: 50 }
      await vi.waitFor(() => {
        expect(machine.router.export(), `${from}, ${steps[done - 1]?.kind}`).toBe(before)
        expect(machine.router.jobs()).toBe(0)
      }, until)
    }
  }

  test('it is as before, from nothing and from a tunnel that stood', async () => {
    await reverts('from nothing', spec)
    const adapter = await machine.open()
    const { steps } = adapter.plan(await adapter.observe(AbortSignal.timeout(30_000)), only(spec))
    // This one is kept: a busy machine takes longer for it than the router would wait.
    for (const step of steps)
      await adapter.execute(step.kind === 'arm-rollback' ? { ...step, seconds: 60 } : step, AbortSignal.timeout(30_000))
    await adapter.close()
    const [peer] = spec.peers
    await reverts('from a tunnel', {
      ...spec,
      mtu: 1300,
      address: '10.86.0.9/16',
      peers: [{ ...peer!, keepaliveSeconds: 10 }],
      forwarding: homeForwarding({ lan: ['192.168.7.0/24'], mode: 'routed' }),
    })
  })
})
