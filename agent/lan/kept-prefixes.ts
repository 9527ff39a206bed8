import { networkInterfaces } from 'node:os'
import { isIn, overlaps } from '../../net/prefix.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { type OwnNetworks, readOwnNetworks } from './local-networks.ts'
import { mappedPrefix } from './mapped-lan.ts'

/**
 * Prefixes in which services of this home see visitors' own addresses: hosts there send their answers to the machine
 * that the tunnel ends on, which routes them back into it. Canonical prefixes, as the hub knows them.
 */
export async function keptPrefixes(config: TunnelConfig): Promise<readonly string[]> {
  return (await ownKept(config)).map((prefix) => mappedPrefix(config.lan, prefix))
}

async function ownKept(config: TunnelConfig): Promise<readonly string[]> {
  const { router, lan, interface: tunnel } = config
  switch (router.kind) {
    case 'linux': {
      const behind = networksBehind(await readOwnNetworks(tunnel))
      const own = [config.hub.address, ...ownAddresses(tunnel)].map((address) => `${address}/32`)
      return [
        ...own.filter((address) => isReached(address, config)),
        ...lan.prefixes.filter((one) => behind.includes(one)),
      ]
    }
    // Where hosts have another gateway, the home masquerades (docs/mikrotik.md).
    case 'mikrotik':
    case 'openwrt':
      return lan.mode === 'routed' ? lan.prefixes : []
    default:
      return router satisfies never
  }
}

/**
 * Networks of which this machine may be the gateway: those without the default route, since there it may stand between
 * LAN and internet. A network that it is in a second time, by cable and by radio, has its gateway elsewhere. More cannot
 * be told from here: the hub measures it.
 */
export function networksBehind({ connected, defaultInterface }: OwnNetworks): readonly string[] {
  const outside = connected.filter((one) => one.interface === defaultInterface).map(({ prefix }) => prefix)
  return connected
    .filter((one) => one.interface !== defaultInterface && !outside.some((prefix) => overlaps(prefix, one.prefix)))
    .map(({ prefix }) => prefix)
}

/** Only prefixes that the tunnel leads to: other addresses of this machine are nobody's business. */
function isReached(own: string, config: TunnelConfig): boolean {
  const [address = ''] = own.split('/')
  return address === config.hub.address || isIn(address, config.lan.prefixes)
}

/** This machine's IPv4 addresses. @param except an interface that does not count. */
export function ownAddresses(except: string): readonly string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    name === except ? [] : addresses.filter((one) => one.family === 'IPv4' && !one.internal).map((one) => one.address),
  )
}
