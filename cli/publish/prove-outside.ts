import { isIPv6 } from 'node:net'
import type { ProofLink } from '../../protocol/publications.ts'
import { isNoWay } from '../../protocol/no-route.ts'
import { tryTcp } from '../../system/sockets/try-tcp.ts'
import { hostPort } from '../../wireguard/host-port.ts'

const OUTSIDE_MS = 5_000

/** `no-way`: this line cannot dial it, which says nothing of the hub. */
type Dialled = 'answered' | 'silent' | 'no-way'

/**
 * Dials the hub's public address over this home's own line, as visitors do: past a firewall of the hub's provider. Over
 * IPv4, as they come: at its IPv6 address another program of the VPS may listen.
 */
export async function proveOutside(hub: readonly string[], port: number): Promise<ProofLink> {
  const address = hub.find((one) => !isIPv6(one))
  if (address === undefined)
    return untried('this home knows the hub by IPv6 addresses only, and visitors come over IPv4')
  const place = hostPort(address, port)
  const dialled = await dial(address, port)
  switch (dialled) {
    case 'answered':
      return { link: 'outside', works: true, said: `${place} answers on the internet` }
    case 'no-way':
      return untried(`this home’s line cannot reach ${place} over IPv4, the way visitors come`)
    case 'silent':
      return {
        link: 'outside',
        works: false,
        said: `${place} does not answer this line, though all behind it works: check whether the firewall of the VPS’s provider lets TCP port ${port} in, and try it from another line, since some block such ports on the way out`,
      }
    default:
      return dialled satisfies never
  }
}

function untried(why: string): ProofLink {
  return { link: 'outside', works: null, said: `${why}: try it from a network that has IPv4` }
}

async function dial(host: string, port: number): Promise<Dialled> {
  const tried = await tryTcp({ host, port, family: 4 }, OUTSIDE_MS)
  if (tried.kind !== 'failed') return tried.kind === 'accepted' ? 'answered' : 'silent'
  // ENOTFOUND: the name has no IPv4 address (getaddrinfo(3), EAI_NODATA).
  return isNoWay(tried.error) || tried.error.code === 'ENOTFOUND' ? 'no-way' : 'silent'
}
