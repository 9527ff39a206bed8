import { describeStep } from '../adapters/describe-step.ts'
import { refuseUnlessSafe } from '../adapters/apply.ts'
import { bringTunnel, planTunnel } from '../agent/bring-tunnel.ts'
import { makeRuntimeFolder, withChangeLock } from '../agent/change-lock.ts'
import { confirm } from './confirm.ts'
import type { Context } from './context.ts'
import { openHome, readWanted } from './open-home.ts'
import { printFacts, tell } from './output.ts'
import { planText } from './plan.ts'

const LONGEST_MS = 120_000

/** `homeward apply`: mends what differs from agent.yaml, after showing it. */
export async function apply(context: Context): Promise<void> {
  const home = await openHome(context)
  try {
    const signal = AbortSignal.timeout(LONGEST_MS)
    const plan = await planTunnel(home, signal)
    refuseUnlessSafe(plan)
    if (plan.steps.length === 0) return printFacts(context, { applied: [] }, () => 'nothing differs')
    tell(planText(plan))
    if (!(await confirm(context, 'Do this?', 'applying the plan'))) return tell('nothing was changed')
    await makeRuntimeFolder(context.runtimeDir)
    // Whatever the agent mended or changed in the meantime is so: the steps are planned anew under the lock.
    const { steps } = await withChangeLock(context.runtimeDir, signal, async () =>
      bringTunnel({ ...home, ...(await readWanted(context)) }, signal),
    )
    printFacts(context, { applied: steps.map(describeStep) }, () => `done: ${steps.length} steps`)
  } finally {
    await home.adapter.close()
  }
}
