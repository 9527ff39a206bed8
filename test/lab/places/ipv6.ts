import type { Plug } from '../host/wiring.ts'

/** The picture's IPv6, of 2001:db8::/32 (RFC 3849): routed from the hub to the Pi, translated nowhere. */

export type Family = 'ipv4' | 'ipv6'

/** The internet's end of its cables. */
export const INTERNET_IPV6 = { hub: '2001:db8:203::1', carrier: '2001:db8:198::1' } as const
export const CARRIER_IPV6 = '2001:db8:198::2'
/** All homes' prefixes. */
export const HOMES_IPV6 = '2001:db8:1::/48'

interface HomeIpv6 {
  /** The carrier's and the router's end of the line. */
  readonly carrier: string
  readonly wan: string
  /** What the home was given. */
  readonly prefix: string
  readonly router: string
  readonly pi: string
}

/** @param index counts the carrier's homes from 0. */
export function homeIpv6(index: number): HomeIpv6 {
  const [line, lan] = [`2001:db8:100:${index + 1}::`, `2001:db8:1:${index + 1}::`]
  return { carrier: `${line}1`, wan: `${line}2`, prefix: `${lan}/64`, router: `${lan}1`, pi: `${lan}2` }
}

/** The hub's second address ends as its first one does, and moves with it. */
export function hubIpv6(ipv4: string): string {
  return `2001:db8:203::${ipv4.slice(ipv4.lastIndexOf('.') + 1)}`
}

/** The networks of hub, phone and visitor. */
const LEAVES: Readonly<Record<string, string>> = { '203.0.113': '203', '192.0.2': '192', '198.18.0': '18' }

/** The second address of a host in one of these networks. */
export function leafIpv6(network: string, last: number): string {
  return `2001:db8:${LEAVES[network] ?? ''}::${last}`
}

/** Tells addresses and routes that a line has from those of the family that it lacks. */
export function only(lacks: Family | undefined): (text: string) => boolean {
  return (text) => lacks === undefined || isIpv6(text) !== (lacks === 'ipv6')
}

/** A plug without the addresses and routes of a family. */
export function without(plug: Plug, lacks: Family | undefined): Plug {
  const { addresses = [], routes = [] } = plug
  return { ...plug, addresses: addresses.filter(only(lacks)), routes: routes.filter(only(lacks)) }
}

export function isIpv6(address: string): boolean {
  return address.includes(':')
}

/** For a host's boot, before its cables are plugged in. Addresses are usable at once: nobody else could have them. */
export function ipv6Script(role: 'router' | 'host'): string {
  return `
cd /proc/sys/net/ipv6/conf
for scope in all default; do echo 0 > $scope/disable_ipv6; echo 0 > $scope/accept_dad; echo 0 > $scope/accept_ra; done
echo ${role === 'router' ? 1 : 0} > all/forwarding
cd /
`
}

/** What a home router lets in without translating: answers only (RFC 6092, REC-11 and after). */
export const routerIpv6Nft = `
nft -f - <<'NFT'
table ip6 home {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan0" accept
  }
}
NFT
`
