import { overlaps } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import type { JoinToken } from '../../protocol/token.ts'
import { networkInTheWay, otherTunnelNetwork } from '../lan/lan.ts'
import type { LocalNetworks } from '../lan/local-networks.ts'
import type { HomeSecrets } from '../secrets/secrets.ts'
import { previewLan } from './join-request.ts'

/**
 * Gives a hub's refusal of the LAN the advice that holds here. The hub proposes other numbers for it, which is right
 * unless the tunnel's network is in use at home: then no numbers help, and the tunnel needs another network. What that
 * is the hub says to a join that names no LAN.
 */
export async function explainOverlap(
  thrown: unknown,
  token: JoinToken,
  secrets: HomeSecrets,
  lan: readonly string[],
  local: LocalNetworks,
  signal: AbortSignal,
): Promise<unknown> {
  if (!(thrown instanceof Problem) || thrown.code !== 'lan-overlaps') return thrown
  const network = await previewLan(token, secrets, [], signal).then(
    ({ answer }) => answer.network,
    () => null,
  )
  if (network === null) return thrown
  if (networkInTheWay(network, local) === null && !lan.some((prefix) => overlaps(prefix, network))) return thrown
  const { code, what, why } = thrown
  return new Problem(code, { what, why, next: otherTunnelNetwork(network, lan, local), cause: thrown })
}
