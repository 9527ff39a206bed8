import { networkInterfaces } from 'node:os'
import { isOnInternet } from '../../net/on-internet.ts'
import { OUTSIDE } from '../../protocol/no-route.ts'
import { routeEnds } from '../../system/sockets/route-ends.ts'
import { askStun } from './ask-stun.ts'
import { judgeAddress, type OutsideAddress } from './judge-address.ts'
import type { StunServer } from './stun-servers.ts'

/**
 * Finds out how this machine is reached from the internet: by the address that its packets leave with where that is one of
 * the internet, else by what STUN servers see. IPv4 first, since every phone network reaches that.
 */
export async function findOutsideAddress(servers: readonly StunServer[]): Promise<OutsideAddress> {
  let unfit: OutsideAddress | null = null
  for (const [family, beyond] of [
    [4, OUTSIDE.IPv4],
    [6, OUTSIDE.IPv6],
  ] as const) {
    const local = (await routeEnds(beyond))?.own ?? null
    if (local === null) continue
    if (isOnInternet(local)) return { kind: 'own', address: local }
    const judged = judgeAddress(local, ownAddresses(), await askStun(servers, family))
    if (judged.kind === 'own' || judged.kind === 'mapped') return judged
    unfit ??= judged
  }
  return unfit ?? { kind: 'unknown', local: null, why: 'this machine has no route to the internet' }
}

/** All addresses of this machine's interfaces. */
export function ownAddresses(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))
}
