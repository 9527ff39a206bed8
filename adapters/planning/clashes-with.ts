import type { Observation, Refusal } from '../observation.ts'

/** Why tunnels of these names cannot be on the machine. */
export function clashesWith(
  { clashes, foreignInterfaces }: Pick<Observation, 'clashes' | 'foreignInterfaces'>,
  names: readonly string[],
): readonly Refusal[] {
  const taken = names.filter((name) => foreignInterfaces.includes(name))
  return [
    ...taken.map((name) => ({
      code: 'interface-taken' as const,
      why: `an interface ${name} that homeward did not make is there already`,
    })),
    ...clashes,
  ]
}
