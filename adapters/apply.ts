import { asProblem, Problem } from '../problems/problem.ts'
import type { Adapter } from './adapter.ts'
import type { Observation } from './observation.ts'
import type { TunnelSpec } from './spec.ts'
import type { Plan, Step } from './step.ts'
import { describeRefused, type RefusableStep } from './describe-step.ts'

/** The tunnels that are wanted, or a function that derives them from what is there, and may ask the tunnel itself. */
export type Desired = readonly TunnelSpec[] | ((observed: Observation) => Promise<readonly TunnelSpec[]>)

export interface ApplyHooks {
  /** Called before each step, or after one that may fail. */
  readonly onStep?: (step: Step) => void
  /** Awaited before each step, so that somebody else knows first. Throws when the step must not be executed. */
  readonly beforeStep?: (step: Step, signal: AbortSignal) => Promise<void>
  /** Awaited before a machine that would undo its changes is told to keep them. Throws when they are not good. */
  readonly prove?: (signal: AbortSignal) => Promise<void>
  /** Called once at the end with the plan's warnings, and a sentence for each step that was refused. */
  readonly onWarnings?: (warnings: readonly string[]) => void
}

/** How long undoing may take: a time limit of its own, since what ended the apply must not end the undoing. */
const REVERT_MS = 30_000

/**
 * Observes, plans and executes until the machine is as desired. Stops at the first failed step that may not fail, and
 * tells a machine with a rollback armed to undo at once. Published ports are filled in all the same.
 * @returns the steps that were executed; none when nothing differed.
 * @throws {Problem} the plan's refusal before anything was touched, or the failed step's own problem, or the proof's.
 */
export async function applyDesired(
  adapter: Adapter,
  desired: Desired,
  signal: AbortSignal,
  { onStep = () => undefined, beforeStep, prove, onWarnings }: ApplyHooks = {},
): Promise<readonly Step[]> {
  const observed = await adapter.observe(signal)
  const plan = adapter.plan(observed, typeof desired === 'function' ? await desired(observed) : desired)
  refuseUnlessSafe(plan)
  const done: Step[] = []
  const warnings = [...plan.warnings]
  let isArmed = false
  let left = plan.steps
  try {
    for (const step of plan.steps) {
      left = left.slice(1)
      signal.throwIfAborted()
      if (!mayFail(step)) onStep(step)
      await beforeStep?.(step, signal)
      if (step.kind === 'keep-changes') await prove?.(signal)
      const refused = await attempt(adapter, step, signal)
      if (refused !== null) warnings.push(refused)
      else {
        // A refused step is tried again at each look, so it is reported only when it succeeds.
        if (mayFail(step)) onStep(step)
        done.push(step)
      }
      if (step.kind === 'arm-rollback') isArmed = true
    }
  } catch (thrown) {
    // Changes that can't be undone now, the machine undoes by itself.
    const undoing = isArmed ? await revert(adapter).catch((why: unknown) => why) : null
    await fillPublished(adapter, plan.steps, left, signal, onStep)
    throw alsoSaying(thrown, undoing)
  }
  onWarnings?.(warnings)
  return done
}

/** @returns why a step that may fail did; null when it was executed. */
async function attempt(adapter: Adapter, step: Step, signal: AbortSignal): Promise<string | null> {
  try {
    await adapter.execute(step, signal)
    return null
  } catch (thrown) {
    if (!mayFail(step) || signal.aborted) throw thrown
    return describeRefused(step, asProblem(thrown, 'changing another firewall').why)
  }
}

/** Whether a step may fail: a firewall of somebody else's may refuse us, and the tunnel is better with all the rest. */
function mayFail(step: Step): step is RefusableStep {
  return step.kind === 'set-other-firewall' || step.kind === 'loosen-reverse-path'
}

/** Fills in published ports, which need only the firewall's table, after a failure. @param left behind what failed. */
async function fillPublished(
  adapter: Adapter,
  all: readonly Step[],
  left: readonly Step[],
  signal: AbortSignal,
  onStep: (step: Step) => void,
): Promise<void> {
  const firewall = all.findIndex((step) => step.kind === 'set-firewall')
  if (firewall >= all.length - left.length - 1) return
  for (const step of left) {
    if (step.kind !== 'change-published' || signal.aborted) continue
    onStep(step)
    // The next look finds again what hinders the step.
    await adapter.execute(step, signal).catch(() => undefined)
  }
}

function revert(adapter: Adapter): Promise<void> {
  return adapter.execute({ kind: 'revert-changes' }, AbortSignal.timeout(REVERT_MS))
}

/** The failure, together with what could not be restored on the router. */
function alsoSaying(thrown: unknown, undoing: unknown): unknown {
  if (!(undoing instanceof Problem) || undoing.code !== 'router-not-restored' || !(thrown instanceof Problem))
    return thrown
  const { code, what, why, next } = thrown
  return new Problem(code, { what, why, next: `${next}. On the router ${undoing.why}`, cause: thrown })
}

/** @throws {Problem} with the code of the first refusal. */
export function refuseUnlessSafe(plan: Pick<Plan, 'refusals'>): void {
  const [first] = plan.refusals
  if (first === undefined) return
  const why = plan.refusals.map((refusal) => refusal.why).join('; ')
  const where = plan.refusals.some(({ code }) => code.startsWith('router-')) ? 'the router' : 'this machine'
  const waits = plan.refusals.map(({ retryAfterSeconds }) => retryAfterSeconds ?? Infinity)
  const longest = Math.max(...waits)
  const retryAfterSeconds = Number.isFinite(longest) ? longest : undefined
  throw new Problem(first.code, { what: `changing ${where}`, why, retryAfterSeconds })
}
