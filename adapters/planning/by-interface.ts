import type { TunnelSpec } from '../spec.ts'

/** The same tunnels always in the same order: rules of theirs that follow one another are then the same rules. */
export function byInterface<Spec extends TunnelSpec>(tunnels: readonly Spec[]): readonly Spec[] {
  return [...tunnels].sort((a, b) => (a.interface < b.interface ? -1 : 1))
}
