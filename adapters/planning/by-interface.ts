import type { TunnelSpec } from '../spec.ts'

/** Sorts tunnels by interface: the same tunnels in the same order give the same rules. */
export function byInterface<Spec extends TunnelSpec>(tunnels: readonly Spec[]): readonly Spec[] {
  return [...tunnels].sort((a, b) => (a.interface < b.interface ? -1 : 1))
}
