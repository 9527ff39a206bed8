import type { TunnelSpec } from '../../adapters/spec.ts'

/** A machine with this tunnel and no other; null: with none. */
export function only(spec: TunnelSpec | null): readonly TunnelSpec[] {
  return spec === null ? [] : [spec]
}
