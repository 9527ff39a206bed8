import type { Observation, ObservedInterface } from './observation.ts'

/**
 * Finds a tunnel in an observation.
 * @param observed null: the machine could not be looked at.
 * @returns null when there is no tunnel of ours of that name.
 */
export function tunnelIn(observed: Pick<Observation, 'interfaces'> | null, name: string): ObservedInterface | null {
  return observed?.interfaces.find((own) => own.name === name) ?? null
}
