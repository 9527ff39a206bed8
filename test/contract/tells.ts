import { describe, expect, test } from 'vitest'
import { applyDesired } from '../../adapters/apply.ts'
import { sleep } from '../../system/time/sleep.ts'
import { type Capabilities, givenMachine, type Machine, type OpenAdapter, signal } from './machine.ts'

/**
 * The part of the adapters' contract for machines that tell of changes: what is changed is told, and a look finds it.
 * @param tells names of drifts, as in `capabilities.drifts`.
 */
export function tellsContract(
  name: string,
  start: () => Promise<Machine>,
  capabilities: Capabilities,
  tells: readonly string[],
): void {
  describe(`${name} hears what the machine tells`, () => {
    const { machineOf, specOf, withAdapter, bring, expectNothingLeft } = givenMachine(start, capabilities)

    test('of each change, so that looks may be rare', async () => {
      const spec = specOf('home')
      await bring(spec)
      await withAdapter(async (adapter) => {
        expect(await adapter.hear()).toBeNull()
        for (const drift of tells) {
          await adapter.observe(signal())
          const before = await untilQuiet(adapter)
          await machineOf().drifts.home[drift]?.(spec)
          expect(await adapter.told(before), drift).toBeGreaterThan(before)
          expect(adapter.plan(await adapter.observe(signal(), 'calm'), [spec]).steps, drift).not.toEqual([])
          await applyDesired(adapter, [spec], signal())
          expect(adapter.plan(await adapter.observe(signal(), 'calm'), [spec]).steps, drift).toEqual([])
        }
      })
      await bring()
      await expectNothingLeft()
    })
  })
}

/** How long a machine may take to tell of what we did ourselves. */
const QUIET_MS = 2_500
/** How often it is waited so long: more than any change of ours takes. */
const MOST_WAITS = 12

/** @returns how often something was told until it told no more. */
async function untilQuiet(adapter: OpenAdapter): Promise<number> {
  for (let waits = 0; waits < MOST_WAITS; waits += 1) {
    const before = await adapter.told(-1)
    await sleep(QUIET_MS)
    if ((await adapter.told(-1)) === before) return before
  }
  throw new Error('it never became quiet')
}
