import { braced, withoutContained } from './braced.ts'
import type { NftChain } from './nft-table.ts'

/** Before connection tracking's -200, so that what is forged makes no flow. */
const BEFORE_CONNTRACK = -290
/** Before anybody's translation of destinations: what is asked for is still what the packet says. */
const MANGLE = -150

/**
 * Drops what says that it is of the tunnel and came another way: whoever shares a link with this machine could else
 * answer heartbeats of a tunnel that is dead, or send into flows of it. Pure.
 * @param tunnel the interface's name, in quotes. @param address this end's own in the tunnel.
 */
export function forgedChain(tunnel: string, address: string, network: string): NftChain {
  const byAnother = `iifname != { "lo", ${tunnel} }`
  return {
    name: 'forged',
    type: 'filter',
    hook: 'prerouting',
    priority: BEFORE_CONNTRACK,
    rules: [
      `${byAnother} ip daddr ${address} drop`,
      // A network of this machine may overlap the tunnel's: its hosts are reached by the interface that they come by.
      `${byAnother} ip saddr ${network} fib saddr . iif oif missing drop`,
      // What this end sends from there goes by the tunnel alone, and so do errors that it causes (RFC 5927, 4.3): sockets
      // take them from any interface and sender.
      `${byAnother} icmp type { destination-unreachable, time-exceeded, parameter-problem } ${quotedSource(address)} drop`,
    ],
  }
}

/** The source of the packet that an ICMP error quotes: behind eight bytes of ICMP, twelve into an IPv4 header. */
function quotedSource(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  return `@th,160,32 0x${bytes.join('')}`
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
