import type { Adapter } from '../../../adapters/adapter.ts'
import { refuseUnlessSafe } from '../../../adapters/apply.ts'
import type { Observation } from '../../../adapters/observation.ts'
import { clashesWith } from '../../../adapters/planning/clashes-with.ts'
import { waitOut, type WaitOptions } from './wait-out.ts'

/** Looks before the hub is asked, and waits for what is in the way and ends by itself. @throws {Problem} what else is. */
export function lookFirst(adapter: Adapter, interfaceName: string, options: WaitOptions): Promise<Observation> {
  return waitOut(async () => {
    const observed = await adapter.observe(options.signal)
    refuseUnlessSafe({ refusals: clashesWith(observed, [interfaceName]) })
    return observed
  }, options)
}
