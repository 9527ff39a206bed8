import { describeStep } from '../../adapters/describe-step.ts'
import type { Plan } from '../../adapters/step.ts'
import { planTunnel } from '../../agent/tunnel/plan/apply-tunnel.ts'
import { printableFacts } from '../../problems/printable.ts'
import type { Context } from '../context.ts'
import { openHome } from '../side/open-home.ts'
import { indented, printFacts } from '../output.ts'
import { stepFacts } from './step-facts.ts'

/** `homeward plan`: the differences from agent.yaml. Ends with 2 when there are any. */
export async function plan(context: Context): Promise<void> {
  const home = await openHome(context)
  try {
    const differences = await planTunnel(home, AbortSignal.timeout(30_000))
    printFacts(context, planFacts(differences), () => planText(printableFacts(differences)))
    process.exitCode = differences.steps.length + differences.refusals.length === 0 ? 0 : 2
  } finally {
    await home.adapter.close()
  }
}

function planFacts({ steps, refusals, warnings }: Plan): unknown {
  const texts = steps.map(describeStep)
  return { steps: stepFacts(steps).map((facts, index) => ({ ...facts, text: texts[index] })), refusals, warnings }
}

/** The steps as a list for people, and what prevents them. */
export function planText({ steps, refusals, warnings }: Plan): string {
  const noted = warningLines(warnings)
  if (steps.length + refusals.length === 0) return ['nothing differs', ...noted].join('\n')
  return [
    ...steps.map((step) => `  ${describeStep(step)}`),
    ...refusals.map((refusal) => `  refused: ${refusal.why} [${refusal.code}]`),
    ...noted,
  ].join('\n')
}

export function warningLines(warnings: readonly string[]): readonly string[] {
  return warnings.map((warning) => `  warning: ${indented(warning, '    ')}`)
}
