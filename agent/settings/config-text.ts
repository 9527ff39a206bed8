import { Document, isMap, parseDocument } from 'yaml'
import type { AgentConfig } from './config.ts'

const HEAD = ` What homeward keeps at this home. Written by homeward join; yours to edit.
 A running agent takes changes within seconds. A mistake is said in its log, and what was here before stays in force.
 The secrets are not here: private.key, home.secret, router.password and router.key beside this file are for nobody else.`

/** Comments above the keys, for whoever opens the file. */
const ABOVE: Partial<Record<keyof AgentConfig, string>> = {
  home: ' The name the hub knows this home by. Only the hub gives names: leave and join again to change it.',
  publicKey: ` The public half of private.key; the hub knows this tunnel by it, until rotateKeys makes another.
 On a MikroTik: of the key that the router made when it joined.`,
  router: ` What the tunnel ends on. linux: this machine. mikrotik: a router with RouterOS 7, by its API as this user; its
 password stands in router.password. certificate: the only one that is trusted (SHA-256); null: without encryption.
 openwrt: a router with OpenWrt 22.03 or later, by SSH as this user, with the key in router.key. hostKey: the only one
 that is trusted.
 A running agent takes changes here when it is started again.`,
  interface: ' The WireGuard interface.',
  mtu: ' Bytes. 1420 fits most lines; lower it where large packets get lost.',
  keepaliveSeconds:
    ' WireGuard’s own keepalive. It holds the carrier’s mapping open while the agent is not running (wg(8): 25).',
  heartbeatSeconds: ' Between two heartbeats when all is well. 5 costs 3.7 MB a day, 25 a fifth of that.',
  economy: ' For metered lines: a heartbeat each 25 s, each 5 s while the tunnel is used; trouble is noticed later.',
  beacons: ` Addresses and TCP ports on the internet, asked only while the hub is silent: whether the line is away, or the hub.
 Those of a family of addresses that the hub has count: for a hub with IPv6 only, [2620:fe::fe]:443 and the like.`,
  rotateKeys:
    ' When the tunnel gets a new key, as a cron expression: "0 4 1 * *" is 4:00 on the first of each month. null: never, as on a MikroTik.',
  drill:
    ' When the tunnel is broken on purpose for some seconds, to see that it heals, as a cron expression: homeward drill --monthly.',
  metricsPort: ' Prometheus metrics at /metrics on this port of loopback.',
  lan: ` The networks here that the tunnel may reach; nothing else can be reached through it.
 masquerade: hosts on the LAN see what the tunnel ends on, and need no route.
 routed: they see who is calling, and need a route back, which they have where it ends on their router.
 exit: true lets devices that were added with --exit go to the internet through this home, and be seen there as it.
 auto: true, or lan: auto in all, follows the network that this machine is in.
 seenAs: what the hub and devices know a network by instead, one to one; 192.168.1.0/24: 10.168.1.0/24.`,
  hubs: ' The hub, how it is reached from outside, and what it gave this home in its network.',
}

/** agent.yaml after another join, with its new parts in the owner's order and comments. */
export function rejoinedConfigText(before: string, { home, publicKey, mtu, hubs }: AgentConfig): string {
  const document = parseDocument(before)
  document.set('home', home)
  document.set('publicKey', publicKey)
  if (document.get('mtu') !== mtu) document.set('mtu', mtu)
  document.setIn(['hubs', 0], document.createNode(hubs[0]))
  return document.toString({ lineWidth: 0 })
}

/** agent.yaml with another LAN: followed, or these prefixes; the mode and the rest stay. */
export function withLan(text: string, lan: { readonly auto: true } | { readonly prefixes: readonly string[] }): string {
  const document = parseDocument(text)
  if (document.get('lan') === 'auto') document.set('lan', document.createNode({}))
  if ('auto' in lan) {
    document.setIn(['lan', 'auto'], true)
    document.deleteIn(['lan', 'prefixes'])
  } else {
    document.deleteIn(['lan', 'auto'])
    document.setIn(['lan', 'prefixes'], document.createNode([...lan.prefixes]))
  }
  return document.toString({ lineWidth: 0 })
}

/** agent.yaml with the moments of drills, a cron expression, or without any: null. */
export function withDrill(text: string, drill: string | null): string {
  const document = parseDocument(text)
  if (drill === null) document.delete('drill')
  else document.set('drill', drill)
  return document.toString({ lineWidth: 0 })
}

/** agent.yaml with comments for people. */
export function agentConfigText(config: AgentConfig): string {
  const document = new Document(config)
  document.commentBefore = HEAD
  const { contents } = document
  if (isMap(contents)) {
    for (const pair of contents.items) {
      const key = pair.key as { value: keyof AgentConfig; commentBefore?: string; spaceBefore?: boolean }
      const above = ABOVE[key.value]
      if (above !== undefined) key.commentBefore = above
      key.spaceBefore = pair !== contents.items[0]
    }
  }
  return document.toString({ lineWidth: 0 })
}
