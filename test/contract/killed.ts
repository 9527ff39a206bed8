import { describe, expect, test } from 'vitest'
import { applyDesired } from '../../adapters/apply.ts'
import { someOf } from '../long.ts'
import { type Capabilities, givenMachine, type Machine, signal } from './machine.ts'
import { secondTunnelKilled } from './second-tunnel.ts'

/** Many in the first hundredths: there the interface is made. */
const KILLED_AFTER_MS = [2, 5, 10, 15, 20, 25, 30, 35, 40, 50, 60, 80, 100, 130]

/**
 * The part of the adapters' contract that kills: a file of its own, since it takes as long as all the rest. Its test file
 * gives a machine under `start` and has nothing else in it.
 */
export function killedContract(name: string, start: () => Promise<Machine>, capabilities: Capabilities): void {
  const { roles, killedAfterMs = KILLED_AFTER_MS, kills = 'each' } = capabilities
  describe(`${name} keeps the adapters’ contract when it is killed`, () => {
    const given = givenMachine(start, capabilities)
    const { machineOf, specOf, pending, bring, expectDone, expectNothingLeft } = given
    /** The role that has more to it. */
    const fullest = roles.at(-1) ?? 'home'

    test.each(roles)('killed after any step of making or undoing a %s, it ends right', async (role) => {
      const spec = specOf(role)
      for (const [from, to] of [
        [[], [spec]],
        [[spec], []],
      ]) {
        const count = (await pending(...to!)).steps.length
        const numbers = Array.from({ length: count }, (_, index) => index + 1)
        for (const done of kills === 'each' ? numbers : someOf(numbers, 3)) {
          const adapter = await machineOf().open()
          const { steps } = adapter.plan(await adapter.observe(signal()), to!)
          for (const step of steps.slice(0, done)) await adapter.execute(step, signal())
          await adapter.kill()
          await bring(...to!)
          await expectDone(...to!)
          if (done < count) await bring(...from!)
        }
      }
      await expectNothingLeft()
    })

    test('killed in the midst of a step, it ends right', async () => {
      const before = await machineOf().foreign('hw0')
      const spec = specOf(fullest)
      for (const afterMs of someOf(killedAfterMs, kills === 'each' ? 5 : 3)) {
        const adapter = await machineOf().open()
        const apply = applyDesired(adapter, [spec], signal()).catch(() => undefined)
        await new Promise((resolve) => setTimeout(resolve, afterMs))
        await adapter.kill()
        await apply
        await bring(spec)
        await expectDone(spec)
        expect(await machineOf().foreign('hw0'), `after ${afterMs} ms`).toBe(before)
        await bring()
        await expectNothingLeft()
      }
    })

    secondTunnelKilled(given, capabilities)
  })
}
