import type { Endpoint } from '../../wireguard/spec.ts'

export type Cgnat = 'yes' | 'no' | 'unknown'

/** Whether something between this machine and the hub translates addresses. */
export function cgnat(ownAddress: string | null, mapping: Endpoint | null): Cgnat {
  if (ownAddress === null || mapping === null) return 'unknown'
  return ownAddress === mapping.address ? 'no' : 'yes'
}
