import type { Host } from '../host/host.ts'

/**
 * How the home router translates. `masquerade` forgets its entries when the WAN address goes (nf_nat_masquerade.c);
 * `snat` keeps them, with the old address, for as long as packets refresh them.
 */
export type HomeNat = 'masquerade' | 'snat'

/** Mutable: a redial changes it, a reboot renders it. */
export interface RouterState {
  readonly nat: HomeNat
  readonly wanGateway: string
  /** On the LAN. */
  readonly lanAddress: string
  wanAddress: string
}

/** What a home router runs when it is no plain Linux one. */
export interface RouterSystem {
  readonly boot: (state: RouterState) => string
  /** Started when the cables are in. */
  readonly service: (host: Host, state: RouterState) => Promise<void>
  /** The WAN address is another one: its translation follows. Flows that live keep what they have. */
  readonly readdress: (state: RouterState) => Promise<void>
}

export function routerBootScript(state: RouterState): string {
  return `
echo 1 > /proc/sys/net/ipv4/ip_forward
nft -f - <<'NFT'
table ip home {
  chain forward {
    type filter hook forward priority 0; policy drop;
    ct state established,related accept
    iifname "lan0" accept
  }
  chain input {
    type filter hook input priority 0; policy accept;
    iifname "wan0" ct state new ip protocol != icmp drop
  }
  chain postrouting { type nat hook postrouting priority srcnat; policy accept; }
}
${routerNatNft(state)}
NFT
`
}

/** The translation alone; the chain stays, so that entries made before keep the address they were made with. */
export function routerNatNft({ nat, wanAddress }: RouterState): string {
  const target = nat === 'masquerade' ? 'masquerade' : `snat to ${wanAddress}`
  return `flush chain ip home postrouting\nadd rule ip home postrouting oifname "wan0" ${target}\n`
}
