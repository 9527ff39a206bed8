import {
  CARRIER_UPLINK,
  type Carrier,
  carrierBootScript,
  createCarrier,
  newCarrierState,
  POOL,
} from './places/carrier.ts'
import { buildHome, type Home, type HomePlan } from './places/home.ts'
import {
  CARRIER_IPV6,
  type Family,
  HOMES_IPV6,
  hubIpv6,
  INTERNET_IPV6,
  ipv6Script,
  isIpv6,
  leafIpv6,
  only,
  without,
} from './places/ipv6.ts'
import type { Host } from './host/host.ts'
import type { Lab } from './lab.ts'
import type { Plug } from './host/wiring.ts'

/** The name under which devices and homes may know the hub. */
export const HUB_NAME = 'hub.example'

/** The beacons of a new agent.yaml answer here as they do outside. */
const INTERNET_BOOT = `echo 1 > /proc/sys/net/ipv4/ip_forward
ip addr add 1.1.1.1/32 dev lo
ip addr add 9.9.9.9/32 dev lo`
const INTERNET_BOOT_IPV6 = `
ip addr add 2606:4700:4700::1111/128 dev lo
ip addr add 2620:fe::fe/128 dev lo`

/**
 * The picture of the design: phone, visitor and hub on the internet, a carrier's NAT, and a home behind it.
 *
 *     phone 192.0.2.20 ─┐                                             ┌─ pi .2
 *                       ├─ internet ── carrier ── router ── switch ───┤   192.168.1.0/24
 *  visitor 198.18.0.20 ─┤             198.51.100.8/29   192.168.1.1   └─ camera .50
 *    hub 203.0.113.10 ──┘             100.64.1.1 ────── 100.64.1.2
 */
export interface Picture {
  readonly internet: Host
  readonly hub: Host
  readonly hubPlug: Plug
  readonly phone: Host
  readonly visitor: Host
  readonly carrier: Carrier
  /** The first home. */
  readonly home: Home
  readonly homes: readonly Home[]
  /** An address of the internet that is not the hub's and answers pings. */
  readonly beacon: string
  /** The hub's address of the moment: IPv4, where it has that. */
  readonly hubAddress: string
  /** Null where the hub has no IPv6. */
  readonly hubIpv6: string | null
  /** Another customer of the same carrier. `name` prefixes its hosts. */
  addHome(plan: HomePlan & { readonly name: string }): Promise<Home>
}

export interface PicturePlan extends HomePlan {
  /** Hub, phone, internet, carrier, routers and Pis speak IPv6 too; nothing translates it. */
  readonly ipv6?: boolean
  /** A family of addresses that the hub's line lacks, beside `ipv6`. */
  readonly hubLacks?: Family
}

/** A VPS and a home that have IPv6 and no IPv4; within the LAN there is IPv4, as homes' devices have it. */
export const IPV6_ONLY = { ipv6: true, hubLacks: 'ipv4', lacks: 'ipv4' } as const satisfies PicturePlan

export async function buildPicture(lab: Lab, plan: PicturePlan = {}): Promise<Picture> {
  const { ipv6 = false, hubLacks, ...firstHome } = plan
  const state = newCarrierState()
  const only6 = (texts: readonly string[]) => (ipv6 ? texts : [])
  const ipv6Of = (role: 'router' | 'host') => (ipv6 ? ipv6Script(role) : '')
  const [internet, hub, phone, visitor, carrierHost] = (await lab.addHosts([
    { name: 'internet', boot: () => `${INTERNET_BOOT}\n${ipv6Of('router')}${ipv6 ? INTERNET_BOOT_IPV6 : ''}` },
    { name: 'hub', boot: () => ipv6Of('host') },
    { name: 'phone', boot: () => ipv6Of('host') },
    { name: 'visitor', boot: () => ipv6Of('host') },
    { name: 'carrier', boot: () => `${carrierBootScript(state)}\n${ipv6Of('router')}` },
  ])) as [Host, Host, Host, Host, Host]
  const carrier = createCarrier(carrierHost, state)

  const onNet = (host: Host, network: string, last: number): Plug =>
    ipv6 ? both(host, network, last) : leaf(host, network, last)
  const hubPlug = without(onNet(hub, '203.0.113', 10), hubLacks)
  const hubNames = ['203.0.113.10', ...only6([hubIpv6('203.0.113.10')])].filter(only(hubLacks))
  const port = (name: string, ...addresses: readonly string[]): Plug => ({ host: internet, interface: name, addresses })
  const carrierPort: Plug = {
    ...port('carrier0', '198.19.0.1/30', ...only6([`${INTERNET_IPV6.carrier}/64`])),
    routes: [`${POOL} via 198.19.0.2`, ...only6([`${HOMES_IPV6} via ${CARRIER_IPV6}`])],
  }
  await Promise.all([
    lab.setNames({ [HUB_NAME]: hubNames }),
    lab.connect([
      [port('hub0', '203.0.113.1/24', ...only6([`${INTERNET_IPV6.hub}/64`])), hubPlug],
      [port('phone0', '192.0.2.1/24', ...only6([`${leafIpv6('192.0.2', 1)}/64`])), onNet(phone, '192.0.2', 20)],
      [port('visitor0', '198.18.0.1/24', ...only6([`${leafIpv6('198.18.0', 1)}/64`])), onNet(visitor, '198.18.0', 20)],
      [
        carrierPort,
        {
          host: carrierHost,
          interface: CARRIER_UPLINK,
          addresses: ['198.19.0.2/30', ...only6([`${CARRIER_IPV6}/64`])],
          routes: ['default via 198.19.0.1', ...only6([`default via ${INTERNET_IPV6.carrier}`])],
        },
      ],
    ]),
  ])

  const home = await buildHome(lab, carrier, 0, { ...firstHome, ipv6 })
  const homes = [home]
  return {
    internet,
    hub,
    hubPlug,
    phone,
    visitor,
    carrier,
    home,
    homes,
    beacon: '198.18.0.1',
    get hubAddress() {
      return lab.names.get(HUB_NAME)?.[0] ?? ''
    },
    get hubIpv6() {
      return lab.names.get(HUB_NAME)?.find(isIpv6) ?? null
    },
    async addHome(plan) {
      const added = await buildHome(lab, carrier, homes.length, { ...plan, ipv6 })
      homes.push(added)
      return added
    },
  }
}

/** A host with one interface; the internet's router is .1 of its network. */
function leaf(host: Host, network: string, last: number): Plug {
  return {
    host,
    interface: 'eth0',
    addresses: [`${network}.${last}/24`],
    routes: [`default via ${network}.1`],
  }
}

/** The same, with an IPv6 address that ends as the other one. */
function both(host: Host, network: string, last: number): Plug {
  const { addresses = [], routes = [], ...plug } = leaf(host, network, last)
  return {
    ...plug,
    addresses: [...addresses, `${leafIpv6(network, last)}/64`],
    routes: [...routes, `default via ${leafIpv6(network, 1)}`],
  }
}
