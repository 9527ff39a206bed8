import type { TunnelSpec } from '../../adapters/spec.ts'
import type { Keys } from './specs.ts'
import { homeForwarding, hubForwarding } from '../adapters/forwarding.ts'

export interface Transition {
  readonly to: string
  readonly spec: TunnelSpec | null
  /** The interface and its sessions live through it. */
  readonly keepsSessions: boolean
}

/** From one wanted state to the next, beginning with an untouched machine. */
export function homeTransitions(home: TunnelSpec, keys: Keys, answersVisitors: boolean): readonly Transition[] {
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

export function lastTransitions(spec: TunnelSpec): readonly Transition[] {
  return [
    { to: 'another name', spec: { ...spec, interface: 'hwother' }, keepsSessions: false },
    { to: 'nothing', spec: null, keepsSessions: false },
  ]
}
