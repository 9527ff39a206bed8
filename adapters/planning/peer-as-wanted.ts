import { canonicalAddress } from '../../net/address.ts'
import type { PeerState } from '../../wireguard/dump.ts'
import type { Endpoint, PeerSpec } from '../../wireguard/spec.ts'
import { sameList } from './same-list.ts'

/** Whether a running peer is as wanted, except its preshared key. Without a wanted endpoint any endpoint is right. */
export function isPeerAsWanted(
  observed: PeerState | undefined,
  wanted: Pick<PeerSpec, 'endpoint' | 'allowedIps' | 'keepaliveSeconds'>,
): observed is PeerState {
  return (
    observed !== undefined &&
    observed.keepaliveSeconds === wanted.keepaliveSeconds &&
    sameList([...observed.allowedIps].sort(), [...wanted.allowedIps].sort()) &&
    (wanted.endpoint === null || samePlace(observed.endpoint, wanted.endpoint))
  )
}

/** Whether two endpoints are one, in any spelling: wg prints IPv6 as RFC 5952 says, and so does RouterOS. */
export function samePlace(a: Endpoint | null, b: Endpoint): boolean {
  return a !== null && a.port === b.port && canonicalAddress(a.address) === canonicalAddress(b.address)
}
