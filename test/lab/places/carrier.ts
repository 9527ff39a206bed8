import type { Host } from '../host/host.ts'

/** A home line, as the carrier's NAT knows it. */
export interface Customer {
  /** The carrier's interface towards the home. */
  readonly interface: string
  /** What the carrier gave the home's router (RFC 6598). */
  wanAddress: string
  /** The public address this customer is translated to. */
  poolAddress: string
}

/** The carrier's NAT: state the boot script renders, and that faults change while it runs. */
export interface Carrier {
  readonly host: Host
  addCustomer(customer: Customer): Promise<void>
  /** Makes the kernel follow what was changed in a customer. */
  applyCustomers(): Promise<void>
  /** Forgets every mapping of a home's WAN address. */
  forgetMappings(wanAddress: string): Promise<void>
  /** How long a silent mapping lives: before it carried both directions for two seconds, and after. */
  setMappingLife(life: MappingLife): Promise<void>
  /** Adds filter rules (nft syntax, for both families) to everything forwarded; returns what takes them away again. */
  addFault(rules: readonly string[]): Promise<() => Promise<void>>
}

interface MappingLife {
  readonly firstSeconds: number
  readonly streamSeconds: number
}

/** Mutable while the carrier runs; rendered at boot. */
export interface CarrierState {
  readonly customers: Customer[]
  readonly faults: Map<number, readonly string[]>
  life: MappingLife
}

/** Linux's own defaults (Documentation/networking/nf_conntrack-sysctl.rst). */
export function newCarrierState(): CarrierState {
  return { customers: [], faults: new Map(), life: { firstSeconds: 30, streamSeconds: 120 } }
}

/** The interface towards the internet. */
export const CARRIER_UPLINK = 'net0'

/** 198.51.100.9 … .14: what the customers share. */
export const POOL = '198.51.100.8/29'
export const POOL_ADDRESSES: readonly string[] = [11, 12, 13, 14, 9, 10].map((last) => `198.51.100.${last}`)

export function carrierBootScript(state: CarrierState): string {
  // Fully random: a new mapping has another port each time, as behind a port-dependent carrier NAT (RFC 4787, 4.2.2).
  return `
echo 1 > /proc/sys/net/ipv4/ip_forward
ip route add blackhole ${POOL}
nft -f - <<'NFT'
table ip carrier {
  set customers { type ifname . ipv4_addr; }
  map pool { type ipv4_addr : ipv4_addr; }
  chain forward {
    type filter hook forward priority 0; policy accept;
    iifname "${CARRIER_UPLINK}" ct state new,invalid drop
    iifname != "${CARRIER_UPLINK}" iifname . ip saddr != @customers drop comment "no address but the one given"
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${CARRIER_UPLINK}" snat to ip saddr map @pool fully-random
  }
}
table inet faults {
  chain forward { type filter hook forward priority -10; policy accept; }
}
${customersNft(state)}
${faultsNft(state)}
NFT
${lifeScript(state.life)}
`
}

export function createCarrier(host: Host, state: CarrierState): Carrier {
  let nextFault = 1
  const nft = (input: string) => host.run('nft', ['-f', '-'], { input }).then(() => undefined)
  // Rendered at its turn, so that two changes at once end in the state of both.
  let turn: Promise<void> = Promise.resolve()
  const inTurn = (render: () => string) => {
    const mine = turn.then(() => nft(render()))
    turn = mine.catch(() => undefined)
    return mine
  }
  return {
    host,
    addCustomer(customer) {
      state.customers.push(customer)
      return inTurn(() => customersNft(state))
    },
    applyCustomers: () => inTurn(() => customersNft(state)),
    async forgetMappings(wanAddress) {
      // conntrack ends with 1 when there was nothing to delete.
      await host.run('conntrack', ['-D', '-s', wanAddress], { allowFailure: true })
    },
    async setMappingLife(life) {
      state.life = life
      await host.shell(lifeScript(life))
    },
    async addFault(rules) {
      const id = nextFault++
      state.faults.set(id, rules)
      await inTurn(() => faultsNft(state))
      return async () => {
        state.faults.delete(id)
        await inTurn(() => faultsNft(state))
      }
    },
  }
}

function customersNft({ customers }: CarrierState): string {
  const known = customers.map((customer) => `"${customer.interface}" . ${customer.wanAddress}`)
  const translated = customers.map((customer) => `${customer.wanAddress} : ${customer.poolAddress}`)
  return [
    'flush set ip carrier customers',
    'flush map ip carrier pool',
    ...(known.length === 0 ? [] : [`add element ip carrier customers { ${known.join(', ')} }`]),
    ...(translated.length === 0 ? [] : [`add element ip carrier pool { ${translated.join(', ')} }`]),
    '',
  ].join('\n')
}

function faultsNft({ faults }: CarrierState): string {
  const rules = [...faults.values()].flat().map((rule) => `add rule inet faults forward ${rule}`)
  return ['flush chain inet faults forward', ...rules, ''].join('\n')
}

function lifeScript({ firstSeconds, streamSeconds }: MappingLife): string {
  return `
echo ${firstSeconds} > /proc/sys/net/netfilter/nf_conntrack_udp_timeout
echo ${streamSeconds} > /proc/sys/net/netfilter/nf_conntrack_udp_timeout_stream
`
}
