import { type Carrier, type Customer, POOL_ADDRESSES } from './carrier.ts'
import { serveCameraPage } from './camera.ts'
import { type HomeNat, type RouterState, type RouterSystem, routerBootScript } from './home-router.ts'
import type { Host } from '../host/host.ts'
import { type Family, homeIpv6, ipv6Script, only, routerIpv6Nft, without } from './ipv6.ts'
import type { Lab } from '../lab.ts'
import type { Plug } from '../host/wiring.ts'

export interface HomePlan {
  /** Prefixes its hosts' names (`lodge-pi`); the first home of a picture has none, its Pi is `pi`. */
  readonly name?: string
  /** The first three numbers of its LAN, a /24. */
  readonly lan?: string
  readonly nat?: HomeNat
  /** A plain Linux router unless said otherwise. */
  readonly system?: RouterSystem
  /** A family of addresses that its line lacks, beside `ipv6`: the LAN has it, and nothing leads out. */
  readonly lacks?: Family
}

/** A home behind the carrier. */
export interface Home {
  readonly router: Host
  /** Its LAN (bridge `lan`) and its line to the carrier (bridge `line`): never rebooted, as real cables are. */
  readonly switch: Host
  readonly pi: Host
  readonly camera: Host
  readonly carrier: Carrier
  /** The carrier's view: interface, current WAN address and public address. */
  readonly customer: Customer
  readonly routerState: RouterState
  /** null: a plain Linux router. */
  readonly routerSystem: RouterSystem | null
  readonly wanPlug: Plug
  readonly wanGateway: string
  readonly lan: {
    readonly prefix: string
    readonly router: string
    readonly pi: string
    /** Null without IPv6. */
    readonly piIpv6: string | null
    readonly camera: string
  }
}

/** Adds a home to the carrier: router, switch, Pi and camera. `index` counts the carrier's homes from 0. */
export async function buildHome(
  lab: Lab,
  carrier: Carrier,
  index: number,
  plan: HomePlan & { readonly ipv6: boolean },
): Promise<Home> {
  const { name, lan = `192.168.${index + 1}`, nat = 'snat', system = null, ipv6, lacks } = plan
  const six = homeIpv6(index)
  const only6 = (texts: readonly string[]) => (ipv6 ? texts : [])
  const named = (host: string) => (name === undefined ? host : `${name}-${host}`)
  const access = `100.64.${index + 1}`
  const customer: Customer = {
    interface: `home${index + 1}`,
    wanAddress: `${access}.2`,
    poolAddress: POOL_ADDRESSES[index % POOL_ADDRESSES.length] ?? '',
  }
  const routerState: RouterState = {
    nat,
    wanAddress: customer.wanAddress,
    wanGateway: `${access}.1`,
    lanAddress: `${lan}.1`,
  }
  const bootRouter = system?.boot ?? routerBootScript
  const [router, lanSwitch, pi, camera] = (await lab.addHosts([
    {
      name: named('router'),
      ...(system === null ? {} : { service: (host) => system.service(host, routerState) }),
      boot: () => `${bootRouter(routerState)}\n${ipv6 ? `${ipv6Script('router')}\n${routerIpv6Nft}` : ''}`,
    },
    { name: named('switch'), boot: () => 'ip link add name lan up type bridge\nip link add name line up type bridge' },
    { name: named('pi'), boot: () => (ipv6 ? ipv6Script('host') : '') },
    { name: named('camera'), service: serveCameraPage },
  ])) as [Host, Host, Host, Host]

  const wanPlug = without(
    {
      host: router,
      interface: 'wan0',
      addresses: [`${customer.wanAddress}/24`, ...only6([`${six.wan}/64`])],
      routes: [`default via ${access}.1`, ...only6([`default via ${six.carrier}`])],
    },
    lacks,
  )
  const onLan = (host: Host, last: number): Plug => ({
    host,
    interface: 'eth0',
    addresses: [`${lan}.${last}/24`],
    routes: [`default via ${lan}.1`],
  })
  const piPlug = onLan(pi, 2)
  if (ipv6) {
    piPlug.addresses = [...(piPlug.addresses ?? []), `${six.pi}/64`]
    piPlug.routes = [...(piPlug.routes ?? []), `default via ${six.router}`].filter(only(lacks))
  }
  const port = (of: string, bridge: string): Plug => ({ host: lanSwitch, interface: of, bridge })
  await Promise.all([
    carrier.addCustomer(customer),
    lab.connect([
      [
        {
          host: carrier.host,
          interface: customer.interface,
          addresses: [`${access}.1/24`, ...only6([`${six.carrier}/64`])],
          routes: only6([`${six.prefix} via ${six.wan}`]),
        },
        port('carrier', 'line'),
      ],
      [wanPlug, port('wan', 'line')],
      [
        { host: router, interface: 'lan0', addresses: [`${lan}.1/24`, ...only6([`${six.router}/64`])] },
        port('router', 'lan'),
      ],
      [piPlug, port('pi', 'lan')],
      [onLan(camera, 50), port('camera', 'lan')],
    ]),
  ])
  return {
    router,
    switch: lanSwitch,
    pi,
    camera,
    carrier,
    customer,
    routerState,
    routerSystem: system,
    wanPlug,
    wanGateway: `${access}.1`,
    lan: {
      prefix: `${lan}.0/24`,
      router: `${lan}.1`,
      pi: `${lan}.2`,
      piIpv6: ipv6 ? six.pi : null,
      camera: `${lan}.50`,
    },
  }
}
