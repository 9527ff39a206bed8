import type { Step } from '../../adapters/step.ts'

/** Steps for scripts: also with the keys that they had when a machine had one tunnel. */
export function stepFacts(steps: readonly Step[]): readonly object[] {
  const armed = steps.find((step) => step.kind === 'arm-rollback')?.interfaces[0]
  return steps.map((step) => ({ ...formerly(step, armed), ...step }))
}

function formerly(step: Step, armed: string | undefined): object {
  switch (step.kind) {
    case 'arm-rollback':
    case 'activate-changes':
    case 'keep-changes':
      return { interface: armed }
    case 'set-firewall': {
      const [first] = step.tunnels
      if (first === undefined) return {}
      const { visitorSlot: _, ...facts } = first
      return facts
    }
    default:
      return {}
  }
}
