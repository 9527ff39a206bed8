import { tryCommand } from '../../../system/process/run-command.ts'

/** An interface as netifd has it in mind. */
export interface InterfaceState {
  readonly proto: string
  readonly device: string
  readonly isUp: boolean
  readonly autostart: boolean
  readonly since: number
  readonly error: string | null
}

/** What the kernel has, of all devices in one look: a process for each of them costs more than all else that is asked. */
export interface Seen {
  readonly addresses: readonly {
    readonly ifname: string
    readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number }[]
  }[]
  readonly routes: readonly { readonly dev: string; readonly gateway?: string }[]
}

/** What `ubus call network.interface dump` says of one. */
export function statusOf(one: InterfaceState, { addresses, routes }: Seen): object {
  const base = {
    up: one.isUp,
    pending: !one.isUp && one.autostart && one.proto === 'wireguard',
    available: true,
    autostart: one.autostart,
    dynamic: false,
    proto: one.proto,
  }
  if (!one.isUp)
    return {
      ...base,
      data: {},
      ...(one.error === null ? {} : { errors: [{ subsystem: 'interface', code: one.error }] }),
    }
  const found = addresses.filter(({ ifname }) => ifname === one.device).flatMap(({ addr_info: all = [] }) => all)
  return {
    ...base,
    uptime: Math.floor((Date.now() - one.since) / 1_000),
    l3_device: one.device,
    ...(one.proto === 'wireguard' ? {} : { device: one.device }),
    'ipv4-address': found.map(({ local, prefixlen }) => ({ address: local, mask: prefixlen })),
    route: routes
      .filter(({ dev }) => dev === one.device)
      .map(({ gateway }) => ({ target: '0.0.0.0', mask: 0, nexthop: gateway, source: '0.0.0.0/0' })),
    data: {},
  }
}

export async function lookAtDevices(): Promise<Seen> {
  const asked = async (...what: readonly string[]) =>
    JSON.parse((await tryCommand('ip', ['-j', '-4', ...what])).stdout || '[]')
  const [addresses, routes] = await Promise.all([asked('address', 'show'), asked('route', 'show', 'default')])
  return { addresses, routes }
}
