import { sleep } from '../../system/time/sleep.ts'
import { changeWanAddress } from '../../test/lab/faults/faults.ts'
import type { LabMikrotik } from '../../test/lab/places/mikrotik.ts'
import { type Fault, fromNow, NOTHING, notByTheHomeAlone } from './fault.ts'
import { atTheConsole, ROUTER_REBOOTED } from './router-faults.ts'
import type { World } from './world.ts'

/** What only a home meets whose tunnel ends on a MikroTik. */
export const MIKROTIK: readonly Fault[] = [
  atTheConsole('our interface deleted', '/interface/wireguard/remove [find where name=hw0]'),
  atTheConsole('our interface disabled', '/interface/wireguard/disable [find where name=hw0]'),
  atTheConsole('our address deleted', '/ip/address/remove [find where interface=hw0]'),
  atTheConsole('our peer removed', '/interface/wireguard/peers/remove [find where interface=hw0]'),
  atTheConsole('our peer disabled', '/interface/wireguard/peers/disable [find where interface=hw0]'),
  atTheConsole(
    "the network's way into nowhere deleted",
    '/ip/route/remove [find where comment~"^homeward hw0 "]',
    (text) => /comment="homeward hw0 [^"]+".* dst-address=10\.86\.0\.0\/16/.test(text),
  ),
  atTheConsole('our filter rules deleted', '/ip/firewall/filter/remove [find where comment~"^homeward hw0 "]', (text) =>
    ['forward-drop', 'input-icmp'].every((name) => text.includes(`comment="homeward hw0 ${name}"`)),
  ),
  atTheConsole(
    'our accepts moved behind the last drop',
    '/ip/firewall/filter/move [find where comment~"^homeward hw0 forward-"]',
    // What the home and the router themselves send passes by the owner's own rules meanwhile: the order alone tells.
    (text) => /homeward hw0 forward-known[^]*homeward hw0 forward-out[^]*defconf: fasttrack/.test(text),
  ),
  {
    ...atTheConsole(
      'our endpoint set to nonsense',
      '/interface/wireguard/peers/set [find where interface=hw0] endpoint-address=203.0.113.99 endpoint-port=5000',
    ),
    // The hub's own packets would show the router the way back: WireGuard answers to where it was last spoken to from.
    proof: 'home pings hub',
  },
  ROUTER_REBOOTED,
  notByTheHomeAlone('API sessions dropped, then the stale entry', 'flow-dead', 10, async (world) => {
    await routerOf(world).drop('rst')
    await changeWanAddress(world.picture.home, { staleSnat: true })
    return NOTHING
  }),
  notByTheHomeAlone('API away during the stale entry (from its return)', 'flow-dead', 15, async (world) => {
    const router = routerOf(world)
    await router.misbehave({ kind: 'refuse', how: 'rst' })
    await router.drop('rst')
    await changeWanAddress(world.picture.home, { staleSnat: true })
    await sleep(5_000)
    await router.misbehave(null)
    return fromNow()
  }),
]

function routerOf({ mikrotik }: World): LabMikrotik {
  if (mikrotik === null) throw new TypeError('this home has no MikroTik')
  return mikrotik
}
