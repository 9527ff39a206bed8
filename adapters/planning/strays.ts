import type { Observation } from '../observation.ts'
import type { TunnelSpec } from '../spec.ts'

/** Names of ours that shall go: tunnels that nobody wants, and remains of others. */
export function strays({ interfaces, remains }: Observation, desired: readonly TunnelSpec[]): readonly string[] {
  const wanted = new Set(desired.map((spec) => spec.interface))
  return [...remains, ...interfaces.map(({ name }) => name).filter((name) => !wanted.has(name))]
}
