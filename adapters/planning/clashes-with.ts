import type { Observation, Refusal } from '../observation.ts'

/** What keeps tunnels of these names from being on the machine. */
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
