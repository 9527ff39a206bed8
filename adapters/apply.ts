import { Problem } from '../problems/problem.ts'
import type { Adapter, Observation, Plan, Step, TunnelSpec } from './adapter.ts'

/** What is wanted, or what to make of it once it is known what is there. */
export type Desired = TunnelSpec | null | ((observed: Observation) => TunnelSpec)

/**
 * Observes, plans and executes until the machine is as desired. Stops at the first failed step.
 * @returns the steps that were carried out; none when nothing differed.
 * @throws {Problem} the plan's refusal before anything was touched, or the failed step's own problem.
 */
export async function bringTo(
  adapter: Adapter,
  interfaceName: string,
  desired: Desired,
  signal: AbortSignal,
  onStep: (step: Step) => void = () => undefined,
): Promise<readonly Step[]> {
  const observed = await adapter.observe(interfaceName, signal)
  const plan = adapter.plan(observed, typeof desired === 'function' ? desired(observed) : desired)
  refuseUnlessSafe(plan)
  for (const step of plan.steps) {
    signal.throwIfAborted()
    onStep(step)
    await adapter.execute(step, signal)
  }
  return plan.steps
}

/** @throws {Problem} with the code of the first refusal. */
export function refuseUnlessSafe(plan: Plan): void {
  const [first] = plan.refusals
  if (first === undefined) return
  const why = plan.refusals.map((refusal) => refusal.why).join('; ')
  throw new Problem(first.code, { what: 'changing this machine', why })
}
