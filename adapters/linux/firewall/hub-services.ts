import { braced } from './braced.ts'
import type { JudgedHub } from './hub-input.ts'
import { type NftChain, type NftTable, SERVICE } from './nft-table.ts'

const FILTER = 0

const OWNER_DEVICES = 'owner_devices'

/** What was asked for and is closed: hub/machine/ports/closed-ports.ts reads it. */
const CLOSED = 'closed_asked'
const CLOSED_KEPT_SECONDS = 86_400
/** Bounds what somebody who asks for every port can fill. */
const MOST_CLOSED = 1024

/**
 * What peers reach of the hub's machine itself. Its programs that listen on every address are kept from the internet by
 * the provider's firewall, which does not see into the tunnel: so nothing is reached but homeward's own, ssh from the
 * owner's devices, and what its owner opened. `forward` goes before what keeps homes from the internet. Pure.
 */
export function hubServicesTable(
  { tunnel, address, listenPort }: HubEnd,
  { heartbeatPort, ownServices: { open, sshPorts, ownerDevices } }: JudgedHub,
): Pick<NftTable, 'sets' | 'recentSets'> & { readonly chain: NftChain; readonly forward: readonly string[] } {
  const opened = PROTOCOLS.flatMap((protocol) => {
    const ports = [...new Set(open.filter((one) => one.protocol === protocol).map(({ port }) => `${port}`))]
    return ports.length === 0 ? [] : [{ protocol, ports: braced(ports) }]
  })
  const accepted = [
    'ct state established,related',
    'icmp type echo-request',
    ...(heartbeatPort === null ? [] : [`ip daddr ${address} udp dport ${heartbeatPort}`]),
    // WireGuard, and the registrar.
    ...(listenPort === null ? [] : [`meta l4proto { tcp, udp } th dport ${listenPort}`]),
    ...(sshPorts.length === 0 ? [] : [`ip saddr @${OWNER_DEVICES} tcp dport ${braced(sshPorts.map(String))}`]),
    ...opened.map(({ protocol, ports }) => `${protocol} dport ${ports}`),
  ]
  return {
    sets: [{ name: OWNER_DEVICES, type: 'ipv4_addr', elements: [...new Set(ownerDevices)] }],
    recentSets: [{ name: CLOSED, type: SERVICE, keptSeconds: CLOSED_KEPT_SECONDS, size: MOST_CLOSED }],
    chain: {
      name: 'services',
      type: 'filter',
      hook: 'input',
      priority: FILTER,
      rules: [
        ...accepted.map((packets) => `iifname ${tunnel} ${packets} accept`),
        `iifname ${tunnel} ct state new meta l4proto { tcp, udp } update @${CLOSED} { meta l4proto . th dport }`,
        `iifname ${tunnel} drop`,
      ],
    },
    // What this machine forwards itself, such as to a container, is a service of it all the same.
    forward: opened.map(
      ({ protocol, ports }) =>
        `iifname ${tunnel} oifname != ${tunnel} ct status dnat ct direction original ct original ip daddr ${address} meta l4proto ${protocol} ct original proto-dst ${ports} accept`,
    ),
  }
}

interface HubEnd {
  /** The interface's name, in quotes. */
  readonly tunnel: string
  readonly address: string
  readonly listenPort: number | null
}

const PROTOCOLS = ['tcp', 'udp'] as const
