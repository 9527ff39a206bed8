import { sleep } from '../../../system/time/sleep.ts'
import { type Customer, POOL_ADDRESSES } from '../places/carrier.ts'
import type { Home } from '../places/home.ts'
import { routerNatNft } from '../places/home-router.ts'
import type { Host } from '../host/host.ts'
import type { Lab, RebootOptions } from '../lab.ts'
import { hubIpv6, isIpv6 } from '../places/ipv6.ts'
import { LINE_RELAY, type LineQuality } from './line-relay.ts'
import { HUB_NAME, type Picture } from '../picture.ts'
import { atCarrier, type LocalFlow, tunnelFlow } from '../traffic/tunnel-flow.ts'

/** Ends a fault that lasts. */
export type Undo = () => Promise<void>

export type KeptOrOther = 'same' | 'other'

/** Which flow: the WireGuard tunnel of the Pi unless said otherwise. */
export interface WhichFlow {
  /** The host the flow starts at: the home's Pi, or its router. */
  readonly from?: Host
  readonly flow?: LocalFlow
}

/** The carrier forgets the home's mappings; the next packet gets a new port, on the same or on another public address. */
export async function forgetMapping(home: Home, { pool = 'same' }: { pool?: KeptOrOther } = {}): Promise<void> {
  if (pool === 'other') await movePool(home)
  await home.carrier.forgetMappings(home.customer.wanAddress)
}

/** New flows of the home get another public address; those that live keep theirs. Returns the new one. */
export async function changePoolAddress(home: Home): Promise<string> {
  await movePool(home)
  return home.customer.poolAddress
}

/**
 * The carrier gives the home's router another WAN address (and public address); the old one is dead.
 * With `staleSnat` the router's table keeps translating the old flows to the old address; without, it is emptied.
 */
export async function changeWanAddress(
  home: Home,
  { staleSnat, pool = 'other' }: { readonly staleSnat: boolean; readonly pool?: KeptOrOther },
): Promise<void> {
  const { router, routerState, routerSystem, wanPlug, customer, carrier, wanGateway } = home
  if (staleSnat && routerState.nat === 'masquerade')
    throw new Error('a masquerading router keeps no stale entry: build this home with nat: snat')
  const old = customer.wanAddress
  const next = `${old.slice(0, old.lastIndexOf('.'))}.${(Number(old.split('.')[3]) % 250) + 1}`
  customer.wanAddress = next
  routerState.wanAddress = next
  wanPlug.addresses = [`${next}/24`, ...(wanPlug.addresses ?? []).filter(isIpv6)]
  if (pool === 'other') await movePool(home)
  else await carrier.applyCustomers()
  await router.shell(`
ip addr del ${old}/24 dev wan0
ip addr add ${next}/24 dev wan0
ip route replace default via ${wanGateway} dev wan0
${routerSystem === null ? `nft -f - <<'NFT'\n${routerNatNft(routerState)}\nNFT` : ''}
`)
  await routerSystem?.readdress(routerState)
  if (!staleSnat) await router.run('conntrack', ['-F'])
  await carrier.forgetMappings(old)
}

/** The line is down for a while and comes back with another address: a nightly redial. */
export async function redialWan(
  home: Home,
  { downMs, staleSnat }: { readonly downMs: number; readonly staleSnat: boolean },
): Promise<void> {
  const restore = await outage(home)
  await sleep(downMs)
  await changeWanAddress(home, { staleSnat })
  await restore()
}

/** Drops the flow's 5-tuple of this moment, both ways. Any other source port passes. */
export async function dropThisFlow(home: Home, which: WhichFlow = {}): Promise<Undo> {
  const { out, back } = await flowRules(home, which)
  return home.carrier.addFault([`${out} drop`, `${back} drop`])
}

/** Drops only what the far end answers on the flow's 5-tuple of this moment. */
export async function dropReturnPath(home: Home, which: WhichFlow = {}): Promise<Undo> {
  const { back } = await flowRules(home, which)
  return home.carrier.addFault([`${back} drop`])
}

/** No UDP between the home and this far port. */
export async function dropPort(home: Home, port: number): Promise<Undo> {
  return home.carrier.addFault([
    `iifname ${home.customer.interface} udp dport ${port} drop`,
    `oifname ${home.customer.interface} udp sport ${port} drop`,
  ])
}

/** No UDP at all for this home. */
export async function dropAllUdp(home: Home): Promise<Undo> {
  return home.carrier.addFault([
    `iifname ${home.customer.interface} meta l4proto udp drop`,
    `oifname ${home.customer.interface} meta l4proto udp drop`,
  ])
}

/**
 * Deep packet inspection drops WireGuard's initiations of this home, and lets all else pass: 148 bytes of payload that
 * begin with 1, 0, 0, 0 (WireGuard's paper, 5.4.2).
 */
export async function dropHandshakes(home: Home): Promise<Undo> {
  const initiation = 'udp length 156 @th,64,32 0x01000000 drop'
  return home.carrier.addFault([
    `iifname ${home.customer.interface} ${initiation}`,
    `oifname ${home.customer.interface} ${initiation}`,
  ])
}

/** One family of addresses no longer passes for this home, as when a carrier's IPv6 breaks; the other one does. */
export async function dropFamily(home: Home, family: 'ipv4' | 'ipv6'): Promise<Undo> {
  return home.carrier.addFault([
    `iifname ${home.customer.interface} meta nfproto ${family} drop`,
    `oifname ${home.customer.interface} meta nfproto ${family} drop`,
  ])
}

/** The home's line is dead: nothing passes, the router's own interface stays up. */
export async function outage(home: Home): Promise<Undo> {
  await home.switch.run('ip', ['link', 'set', 'dev', 'carrier', 'nomaster'])
  return async () => {
    await home.switch.run('ip', ['link', 'set', 'dev', 'carrier', 'master', 'line'])
  }
}

/** Packets over `mtu` vanish on the home's line without a word, in whole or in fragments. */
export async function shrinkCarrierMtu(picture: Picture, home: Home, mtu = 1280): Promise<Undo> {
  // The rule must see packets as the wire does, not the kernel's bundles of TCP segments (ip-link(8), gso_max_segs).
  const senders = [
    { host: home.router, device: 'wan0' },
    { host: picture.internet, device: 'carrier0' },
  ]
  const bundles = (segments: number) =>
    Promise.all(
      senders.map(({ host, device }) =>
        host.run('ip', ['link', 'set', 'dev', device, 'gso_max_segs', String(segments)]),
      ),
    )
  await bundles(1)
  const restore = await home.carrier.addFault([
    `iifname ${home.customer.interface} meta length > ${mtu} drop`,
    `oifname ${home.customer.interface} meta length > ${mtu} drop`,
  ])
  return async () => {
    await restore()
    await bundles(65_535)
  }
}

/** A bad line between the home's router and the carrier, in both directions. */
export async function lossAndJitter(home: Home, quality: LineQuality): Promise<Undo> {
  const { lossPercent = 0, delayMs = 0, jitterMs = 0 } = quality
  const settings = [lossPercent, delayMs, jitterMs].map(String)
  const relay = home.switch.start('perl', ['-e', LINE_RELAY, ...settings, 'bad0', 'bad1'])
  await relay.waitForLine(/^ready$/)
  await home.switch.shell(`
ip link add name far up type bridge
ip link set dev bad0 master line up
ip link set dev bad1 master far up
ip link set dev carrier master far
`)
  return async () => {
    await home.switch.run('ip', ['link', 'set', 'dev', 'carrier', 'master', 'line'])
    await relay.kill()
    await relay.exited
    await home.switch.run('ip', ['link', 'del', 'dev', 'far'])
  }
}

/** The hub gets another address and its name follows; the old address is silent. Returns the new address. */
export async function moveHub(lab: Lab, picture: Picture): Promise<string> {
  const { hub, hubPlug, internet } = picture
  const old = picture.hubAddress
  const next = `203.0.113.${(Number(old.split('.')[3]) % 250) + 10}`
  const six = picture.hubIpv6 === null ? null : { old: picture.hubIpv6, next: hubIpv6(next) }
  hubPlug.addresses = [`${next}/24`, ...(six === null ? [] : [`${six.next}/64`])]
  await hub.shell(`
ip addr del ${old}/24 dev eth0
ip addr add ${next}/24 dev eth0
ip route replace default via 203.0.113.1 dev eth0
${six === null ? '' : `ip addr del ${six.old}/64 dev eth0\nip addr add ${six.next}/64 dev eth0`}
`)
  await internet.shell(`ip route replace blackhole ${old}\nip route del blackhole ${next} 2>/dev/null || true`)
  await lab.setNames({ [HUB_NAME]: [next, ...(six === null ? [] : [six.next])] })
  return next
}

/** The hub's line is dead: nothing reaches it, though the outside is well. */
export async function hubAway({ internet, hubAddress }: Picture): Promise<Undo> {
  await internet.run('ip', ['route', 'add', 'blackhole', hubAddress])
  return async () => {
    await internet.run('ip', ['route', 'del', 'blackhole', hubAddress])
  }
}

/** The hub's heartbeats are not answered any more, by whichever way they come; everything else works. */
export async function muteHub({ hub }: Picture): Promise<Undo> {
  await hub.run('nft', ['-f', '-'], {
    input: `table inet mute { chain output { type filter hook output priority raw; udp sport 8686 drop; }; }\n`,
  })
  return async () => {
    await hub.run('nft', ['delete', 'table', 'inet', 'mute'])
  }
}

/** The hub's machine restarts; whatever ran on it is for the caller to start again, as systemd would. */
export async function rebootHub(lab: Lab, picture: Picture, options: RebootOptions = {}): Promise<void> {
  await lab.reboot(picture.hub, options)
}

/** The home's router restarts with an empty table; its address stays. */
export async function rebootRouter(lab: Lab, home: Home, options: RebootOptions = {}): Promise<void> {
  await lab.reboot(home.router, options)
}

async function movePool({ carrier, customer }: Home): Promise<void> {
  customer.poolAddress = nextPoolAddress(customer)
  await carrier.applyCustomers()
}

function nextPoolAddress({ poolAddress }: Customer): string {
  const place = POOL_ADDRESSES.indexOf(poolAddress)
  return POOL_ADDRESSES[(place + 1) % POOL_ADDRESSES.length] ?? poolAddress
}

async function flowRules(home: Home, { from = home.pi, flow }: WhichFlow): Promise<{ out: string; back: string }> {
  const { sourceAddress, sourcePort, remoteAddress, remotePort } = await atCarrier(
    home,
    from,
    flow ?? (await tunnelFlow(from)),
  )
  const ip = isIpv6(remoteAddress) ? 'ip6' : 'ip'
  return {
    out: `${ip} saddr ${sourceAddress} udp sport ${sourcePort} ${ip} daddr ${remoteAddress} udp dport ${remotePort}`,
    back: `${ip} saddr ${remoteAddress} udp sport ${remotePort} ${ip} daddr ${sourceAddress} udp dport ${sourcePort}`,
  }
}
