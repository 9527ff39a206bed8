import type { OutgoingFlow, PublishedPort, TunnelSpec } from '../../adapters/spec.ts'
import type { Capabilities } from './machine.ts'
import type { Keys } from './specs.ts'
import { homeForwarding, hubForwarding } from '../adapters/forwarding.ts'

export interface Transition {
  readonly to: string
  readonly spec: TunnelSpec | null
  /** The interface and its sessions live through it. */
  readonly keepsSessions: boolean
}

const OUTGOING: readonly OutgoingFlow[] = [
  { protocol: 'tcp', from: null, seenAs: '10.86.0.2', port: 25, lastPort: 25, ownPort: 25 },
  { protocol: 'udp', from: '192.168.1.20', seenAs: '10.168.1.20', port: 27_016, lastPort: 27_016, ownPort: 27_015 },
  { protocol: 'udp', from: '192.168.1.21', seenAs: '192.168.1.21', port: 8_000, lastPort: 8_010, ownPort: 8_000 },
]

/** From one wanted state to the next, beginning with an untouched machine. */
export function homeTransitions(
  home: TunnelSpec,
  keys: Keys,
  { answersVisitors, leadsOutgoing }: Pick<Capabilities, 'answersVisitors' | 'leadsOutgoing'>,
): readonly Transition[] {
  const [hubPeer] = home.peers
  const masked: TunnelSpec = { ...home, forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'routed' }) }
  return [
    { to: 'a home', spec: home, keepsSessions: false },
    {
      to: 'another keepalive',
      spec: { ...home, peers: [{ ...hubPeer!, keepaliveSeconds: 10 }] },
      keepsSessions: true,
    },
    {
      to: 'another LAN',
      spec: { ...home, forwarding: homeForwarding({ lan: ['192.168.7.0/24', '192.168.8.0/23'], mode: 'masquerade' }) },
      keepsSessions: true,
    },
    ...(answersVisitors
      ? [
          {
            to: 'visitors of published ports, and a LAN that is known by other numbers',
            spec: {
              ...home,
              peers: [{ ...hubPeer!, allowedIps: ['0.0.0.0/0'] }],
              forwarding: homeForwarding({
                lan: ['192.168.1.0/24'],
                mode: 'masquerade',
                visitors: true,
                seenAs: [{ prefix: '192.168.1.0/24', seen: '10.168.1.0/24' }],
              }),
            },
            keepsSessions: true,
          },
        ]
      : []),
    ...(leadsOutgoing
      ? [
          {
            to: 'what hosts and this machine send by the hub',
            spec: {
              ...home,
              peers: [{ ...hubPeer!, allowedIps: ['0.0.0.0/0'] }],
              forwarding: homeForwarding({
                lan: ['192.168.1.0/24'],
                mode: 'masquerade',
                visitors: true,
                outgoing: { flows: OUTGOING, except: ['1.1.1.1', '203.0.113.10'] },
              }),
            },
            keepsSessions: true,
          },
        ]
      : []),
    {
      to: 'devices that go to the internet from here',
      spec: {
        ...home,
        forwarding: homeForwarding({ lan: ['192.168.1.0/24', '192.168.7.0/24'], mode: 'masquerade', exit: true }),
      },
      keepsSessions: true,
    },
    { to: 'a LAN that has a route back', spec: masked, keepsSessions: true },
    {
      to: 'no LAN',
      spec: { ...home, forwarding: homeForwarding({ lan: [], mode: 'masquerade' }) },
      keepsSessions: true,
    },
    {
      to: 'another endpoint of the hub',
      spec: { ...home, peers: [{ ...hubPeer!, endpoint: { address: '2001:db8:0:0:0:0:0:10', port: 443 } }] },
      keepsSessions: true,
    },
    { to: 'another hub', spec: { ...home, peers: [{ ...hubPeer!, publicKey: keys.peers[3]! }] }, keepsSessions: true },
    { to: 'another address and MTU', spec: { ...home, address: '10.86.0.9/16', mtu: 1280 }, keepsSessions: true },
  ]
}

/** Beginning with a home. */
export function hubTransitions(hub: TunnelSpec): readonly Transition[] {
  const { forwarding } = hub
  if (forwarding.role !== 'hub') throw new TypeError('not a hub')
  const [first, second, homePeer] = hub.peers
  return [
    { to: 'a hub', spec: hub, keepsSessions: true },
    {
      to: 'prefixes that moved to another peer',
      spec: {
        ...hub,
        peers: [
          { ...first!, allowedIps: [...first!.allowedIps, '192.168.2.0/24'] },
          { ...second!, presharedKeyId: null },
          { ...homePeer!, allowedIps: ['10.86.0.2/32', '192.168.1.0/24'] },
        ],
      },
      keepsSessions: true,
    },
    {
      to: 'a home that bears less',
      spec: {
        ...hub,
        routes: ['10.86.0.2/32', '192.168.1.0/24', '192.168.2.0/24'].map((prefix) => ({ prefix, mtu: 1280 })),
      },
      keepsSessions: true,
    },
    {
      to: 'services that send by it, and others that do no longer',
      spec: {
        ...hub,
        forwarding: { ...forwarding, published: forwarding.published.map(sendingOther) },
      },
      keepsSessions: true,
    },
    {
      to: 'one of its networks that bears more again',
      spec: {
        ...hub,
        routes: [
          { prefix: '192.168.1.0/24', mtu: 1300 },
          { prefix: '192.168.2.0/24', mtu: null },
        ],
      },
      keepsSessions: true,
    },
    {
      to: 'fewer peers',
      spec: {
        ...hub,
        peers: [homePeer!],
        routes: [{ prefix: '192.168.2.0/24', mtu: null }],
        forwarding: hubForwarding(),
      },
      keepsSessions: true,
    },
  ]
}

/** The other ports' services send by the hub, and visitors of the others are hidden. */
function sendingOther({ outgoing, ...port }: PublishedPort): PublishedPort {
  return { ...port, hidden: !port.hidden, ...(outgoing === true ? {} : { outgoing: true }) }
}

export function lastTransitions(spec: TunnelSpec): readonly Transition[] {
  return [
    { to: 'another name', spec: { ...spec, interface: 'hwother' }, keepsSessions: false },
    { to: 'nothing', spec: null, keepsSessions: false },
  ]
}
