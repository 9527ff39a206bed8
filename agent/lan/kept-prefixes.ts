import { networkInterfaces } from 'node:os'
import { isIn } from '../../net/prefix.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { readLocalNetworks } from './local-networks.ts'
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
      const { connected, defaultInterface } = await readLocalNetworks(tunnel)
      // On a LAN without the default route this machine stands between LAN and internet, and is the LAN's gateway.
      const behind = connected.filter((one) => one.interface !== defaultInterface).map(({ prefix }) => prefix)
      const own = [config.hub.address, ...ownAddresses(tunnel)].map((address) => `${address}/32`)
      return [
        ...own.filter((address) => isReached(address, config)),
        ...lan.prefixes.filter((one) => behind.includes(one)),
      ]
    }
    // Where hosts have another gateway, the home masquerades (docs/mikrotik.md).
    case 'mikrotik':
      return lan.mode === 'routed' ? lan.prefixes : []
    case 'openwrt':
      return []
    default:
      return router satisfies never
  }
}

/** Only prefixes that the tunnel leads to: other addresses of this machine are nobody's business. */
function isReached(own: string, config: TunnelConfig): boolean {
  const [address = ''] = own.split('/')
  return address === config.hub.address || isIn(address, config.lan.prefixes)
}

function ownAddresses(except: string): readonly string[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    name === except ? [] : addresses.filter((one) => one.family === 'IPv4' && !one.internal).map((one) => one.address),
  )
}
