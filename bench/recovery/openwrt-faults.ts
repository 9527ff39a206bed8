import { sleep } from '../../system/time/sleep.ts'
import { changeWanAddress } from '../../test/lab/faults/faults.ts'
import type { LabOpenwrt } from '../../test/lab/places/openwrt.ts'
import { type Fault, fromNow, NOTHING, notByTheHomeAlone } from './fault.ts'
import { atTheConsole, ROUTER_REBOOTED } from './router-faults.ts'
import type { World } from './world.ts'

/** What only a home meets whose tunnel ends on an OpenWrt router. */
export const OPENWRT: readonly Fault[] = [
  atTheConsole('our interface deleted', 'uci delete network.hw0; uci commit network; ubus call network reload'),
  atTheConsole('our interface taken down', 'ifdown hw0'),
  atTheConsole('our address deleted', 'ip addr del 10.86.0.2/16 dev hw0'),
  atTheConsole('our peer removed', 'wg set hw0 peer "$(wg show hw0 peers)" remove'),
  atTheConsole(
    'our firewall sections deleted',
    'for s in zone icmp in out0; do uci delete firewall.homeward_hw0_$s; done; uci commit firewall; fw4 reload',
    (text) => ['zone', 'icmp', 'in', 'out0'].every((name) => text.includes(`'homeward_hw0_${name}'`)),
  ),
  {
    ...atTheConsole(
      'our endpoint set to nonsense',
      'wg set hw0 peer "$(wg show hw0 peers)" endpoint 203.0.113.99:5000',
    ),
    // The hub's own packets would show the router the way back: WireGuard answers to where it was last spoken to from.
    proof: 'home pings hub',
  },
  ROUTER_REBOOTED,
  notByTheHomeAlone('SSH sessions cut, then the stale entry', 'flow-dead', 10, async (world) => {
    await routerOf(world).cut()
    await changeWanAddress(world.picture.home, { staleSnat: true })
    return NOTHING
  }),
  notByTheHomeAlone('SSH away during the stale entry (from its return)', 'flow-dead', 15, async (world) => {
    const router = routerOf(world)
    await router.misbehave('fail')
    await changeWanAddress(world.picture.home, { staleSnat: true })
    await sleep(5_000)
    await router.misbehave(null)
    return fromNow()
  }),
]

function routerOf({ openwrt }: World): LabOpenwrt {
  if (openwrt === null) throw new TypeError('this home has no OpenWrt router')
  return openwrt
}
