/** The picture's IPv6, of 2001:db8::/32 (RFC 3849): routed from the hub to the Pi, translated nowhere. */

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
