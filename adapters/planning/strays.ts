import type { Observation } from '../observation.ts'
import type { TunnelSpec } from '../spec.ts'

/** Names of what is ours and is to go: tunnels that nobody wants, and what is left of others. */
export function strays({ interfaces, remains }: Observation, desired: readonly TunnelSpec[]): readonly string[] {
  const wanted = new Set(desired.map((spec) => spec.interface))
  return [...remains, ...interfaces.map(({ name }) => name).filter((name) => !wanted.has(name))]
}
