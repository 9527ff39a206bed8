import { BEFORE_CONNTRACK, forgedRules } from '../../planning/forged-rules.ts'
import { braced, withoutContained } from './braced.ts'
import type { NftChain } from './nft-table.ts'

/** Before anybody's translation of destinations: what is asked for is still what the packet says. */
const MANGLE = -150

/** Drops what is forged: see forgedRules. Pure. */
export function forgedChain(tunnel: string, address: string, network: string): NftChain {
  return {
    name: 'forged',
    type: 'filter',
    hook: 'prerouting',
    priority: BEFORE_CONNTRACK,
    rules: forgedRules(tunnel, address, network),
  }
}

/**
 * What a hub takes out of the tunnel: packets of its peers, by the addresses that they own, and of strangers only what
 * goes to devices whose internet is at a home. WireGuard lets that home send with any address. Pure.
 * @param lans networks of homes as the hub knows them.
 */
export function sourcesChain(tunnel: string, network: string, lans: readonly string[]): NftChain {
  return {
    name: 'sources',
    type: 'filter',
    hook: 'prerouting',
    priority: MANGLE,
    rules: [
      `iifname ${tunnel} ip saddr ${braced(withoutContained([network, ...lans]))} accept`,
      `iifname ${tunnel} ip daddr @exit_devices accept`,
      // IPv6 too, of which there is none inside the tunnel.
      `iifname ${tunnel} drop`,
    ],
  }
}
