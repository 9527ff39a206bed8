import { describeStep } from '../../adapters/describe-step.ts'
import { type ApplyHooks, refuseUnlessSafe } from '../../adapters/apply.ts'
import { waitOut } from '../../agent/tunnel/plan/wait-out.ts'
import { makeCarries } from '../../agent/tunnel/plan/carries.ts'
import { makeBeforeConfirm } from '../../agent/tunnel/plan/before-confirm.ts'
import { type AppliedTunnel, applyTunnel, type HomeTunnel, planTunnel } from '../../agent/tunnel/plan/apply-tunnel.ts'
import { makeRuntimeFolder, withChangeLock } from '../../agent/settings/change-lock.ts'
import { readAgentConfig, type TunnelConfig } from '../../agent/settings/config.ts'
import { isAnswered } from '../../agent/probes/first-answer.ts'
import { followRouterKey } from '../../agent/rotation/router-key.ts'
import { printableFacts } from '../../problems/printable.ts'
import { systemClock } from '../../system/time/clock.ts'
import { confirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { openHome, readWanted } from '../side/open-home.ts'
import { printFacts, tell } from '../output.ts'
import { planText, warningLines } from './plan.ts'

const LONGEST_MS = 120_000

/** `homeward apply`: repairs what differs from agent.yaml, after showing it. */
export async function apply(context: Context): Promise<void> {
  const home = await openHome(context)
  try {
    const plan = await waited(async () => {
      const found = await planTunnel(home, AbortSignal.timeout(LONGEST_MS))
      refuseUnlessSafe(found)
      return found
    })
    if (plan.steps.length === 0)
      return printFacts(context, { applied: [], warnings: plan.warnings }, () => planText(printableFacts(plan)))
    tell(planText(printableFacts(plan)))
    if (!(await confirm(context, 'Do this?', 'applying the plan'))) return tell('nothing was changed')
    await makeRuntimeFolder(context.runtimeDir)
    // The agent may have changed the machine in the meantime: the steps are planned again under the lock.
    const { steps, warnings } = await waited(() => applyOnce(context, home))
    printFacts(context, { applied: steps.map(describeStep), warnings }, () =>
      [`done: ${steps.length} steps`, ...warningLines(warnings)].join('\n'),
    )
  } finally {
    await home.adapter.close()
  }
}

/** The owner of a router may be at work on it. */
function waited<Result>(act: () => Promise<Result>): Promise<Result> {
  return waitOut(act, { tell, clock: systemClock, signal: NEVER })
}

const NEVER = new AbortController().signal

function applyOnce(context: Context, home: HomeTunnel): Promise<AppliedTunnel> {
  const signal = AbortSignal.timeout(LONGEST_MS)
  return withChangeLock(context.runtimeDir, signal, async () => {
    const wanted = await readWanted(context)
    const beforeConfirm = await beforeConfirmOf(context, home, wanted.config, signal)
    return await applyTunnel({ ...home, ...wanted }, signal, beforeConfirm)
  })
}

/** Hooks that prove by heartbeats of their own: the agent may not be running. */
async function beforeConfirmOf(
  { configDir, stateDir }: Context,
  { adapter }: HomeTunnel,
  config: TunnelConfig,
  signal: AbortSignal,
): Promise<ApplyHooks> {
  if (config.router.kind === 'linux') return {}
  const carries = makeCarries(adapter, () => config)
  const wasUp = await isAnswered(config, { everyMs: 250, atMostMs: 1_500 }, signal, carries)
  const { publicKey: joined } = await readAgentConfig(configDir)
  const registering = { folders: { configDir, stateDir }, config, listenPort: null, lastMapping: null, hubLiterals: [] }
  return makeBeforeConfirm({
    adapter,
    config: () => config,
    wasUp: () => wasUp,
    carries,
    followKey: async (publicKey, cut) =>
      void (await followRouterKey(publicKey, { stateDir, joined, registering }, cut)),
  })
}
