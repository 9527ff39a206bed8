import { CARRIER_UPLINK, type Carrier, carrierBootScript, createCarrier, newCarrierState, POOL } from './carrier.ts'
import { buildHome, type Home, type HomePlan } from './home.ts'
import type { Host } from './host.ts'
import type { Lab } from './lab.ts'
import type { Plug } from './wiring.ts'

/** The name under which devices and homes may know the hub. */
export const HUB_NAME = 'hub.example'

/** The beacons of a new agent.yaml answer here as they do outside. */
const INTERNET_BOOT = `echo 1 > /proc/sys/net/ipv4/ip_forward
ip addr add 1.1.1.1/32 dev lo
ip addr add 9.9.9.9/32 dev lo`

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
  /** The hub's address of the moment. */
  readonly hubAddress: string
  /** Another customer of the same carrier. `name` prefixes its hosts. */
  addHome(plan: HomePlan & { readonly name: string }): Promise<Home>
}

export async function buildPicture(lab: Lab, firstHome: HomePlan = {}): Promise<Picture> {
  const state = newCarrierState()
  const [internet, hub, phone, visitor, carrierHost] = (await lab.addHosts([
    { name: 'internet', boot: () => INTERNET_BOOT },
    { name: 'hub' },
    { name: 'phone' },
    { name: 'visitor' },
    { name: 'carrier', boot: () => carrierBootScript(state) },
  ])) as [Host, Host, Host, Host, Host]
  const carrier = createCarrier(carrierHost, state)

  const hubPlug = leaf(hub, '203.0.113', 10)
  const port = (name: string, address: string): Plug => ({ host: internet, interface: name, addresses: [address] })
  const carrierPort: Plug = { ...port('carrier0', '198.19.0.1/30'), routes: [`${POOL} via 198.19.0.2`] }
  await Promise.all([
    lab.setNames({ [HUB_NAME]: '203.0.113.10' }),
    lab.connect([
      [port('hub0', '203.0.113.1/24'), hubPlug],
      [port('phone0', '192.0.2.1/24'), leaf(phone, '192.0.2', 20)],
      [port('visitor0', '198.18.0.1/24'), leaf(visitor, '198.18.0', 20)],
      [
        carrierPort,
        {
          host: carrierHost,
          interface: CARRIER_UPLINK,
          addresses: ['198.19.0.2/30'],
          routes: ['default via 198.19.0.1'],
        },
      ],
    ]),
  ])

  const home = await buildHome(lab, carrier, 0, firstHome)
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
      return lab.names.get(HUB_NAME) ?? ''
    },
    async addHome(plan) {
      const added = await buildHome(lab, carrier, homes.length, plan)
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
