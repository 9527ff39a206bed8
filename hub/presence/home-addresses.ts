import type { PublicKey } from '../../wireguard/keys.ts'
import type { LastEndpoints } from './kept/last-endpoints.ts'
import type { PeerMonitor } from './peer-monitor.ts'

const LATELY_SECONDS = 24 * 3_600

/**
 * Where homes are: one address each, at which WireGuard heard them within a day. After a restart of this machine
 * WireGuard knows nobody; then it is where each was last.
 */
export function homeAddresses(
  homes: readonly { readonly publicKey: PublicKey }[],
  { statsOf }: Pick<PeerMonitor, 'statsOf'>,
  lastEndpoints: Pick<LastEndpoints, 'of'>,
): readonly string[] {
  return homes.flatMap(({ publicKey }) => {
    const stats = statsOf(publicKey)
    const age = stats?.lastHandshakeSeconds ?? null
    if (age !== null && age > LATELY_SECONDS) return []
    return (stats?.endpoint ?? lastEndpoints.of(publicKey))?.address ?? []
  })
}
