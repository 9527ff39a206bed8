import type { NamedTarget } from '../../protocol/publications.ts'
import { tryTcp } from '../../system/sockets/try-tcp.ts'
import type { AgentConfig } from '../settings/config.ts'
import { mappedAddress, ownAddress } from './mapped-lan.ts'

/** The network's answers: a name's IPv4 addresses, and whether a TCP port accepts. */
export interface TargetLooks {
  /** null: the name does not resolve now. */
  readonly resolve: (host: string) => Promise<readonly string[] | null>
  readonly accepts: (address: string, port: number) => Promise<boolean>
}

/**
 * Published services that were named by a host name which leads elsewhere by now, with the address that they should lead
 * to, as the hub knows it. What answers outranks a name: a TCP service that still accepts where it was stays there. Over
 * UDP nobody can be asked, and the name decides.
 */
export async function movedTargets(
  targets: readonly NamedTarget[],
  lan: AgentConfig['lan'],
  { resolve, accepts }: TargetLooks,
): Promise<readonly { readonly target: NamedTarget; readonly address: string }[]> {
  const looks = targets.map(async (target) => {
    const addresses = (await resolve(target.host))?.map((address) => mappedAddress(lan, address)) ?? []
    const [address] = addresses
    if (address === undefined || addresses.includes(target.address)) return []
    const isThere = target.protocol === 'tcp' && (await accepts(ownAddress(lan, target.address), target.targetPort))
    return isThere ? [] : [{ target, address }]
  })
  return (await Promise.all(looks)).flat()
}

const ACCEPT_MS = 2_000

/** Whether a TCP port accepts a connection. Never throws. */
export async function acceptsTcp(host: string, port: number): Promise<boolean> {
  return (await tryTcp({ host, port }, ACCEPT_MS)).kind === 'accepted'
}
