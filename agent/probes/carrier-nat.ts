import type { Endpoint } from '../../wireguard/spec.ts'

export type CarrierNat = 'yes' | 'no' | 'unknown'

/** Whether something between this machine and the hub translates addresses. */
export function carrierNat(ownAddress: string | null, mapping: Endpoint | null): CarrierNat {
  if (ownAddress === null || mapping === null) return 'unknown'
  return ownAddress === mapping.address ? 'no' : 'yes'
}
