import { sleep } from '../../system/time/sleep.ts'
import { stepClockBack } from '../../test/lab/faults/clock-fault.ts'
import {
  deleteAddress,
  deleteFirewall,
  deleteInterface,
  deleteRoutes,
  INTERFACE,
  misdirectEndpoint,
  removePeer,
} from '../../test/lab/faults/drifts.ts'
import {
  changeWanAddress,
  dropAllUdp,
  dropFamily,
  dropPort,
  dropReturnPath,
  dropThisFlow,
  forgetMapping,
  moveHub,
  outage,
  rebootHub,
  redialWan,
  shrinkCarrierMtu,
  type Undo,
  type WhichFlow,
} from '../../test/lab/faults/faults.ts'
import type { Home } from '../../test/lab/places/home.ts'
import { isIpv6 } from '../../test/lab/places/ipv6.ts'
import { HUB_NAME } from '../../test/lab/picture.ts'
import { tunnelFlow } from '../../test/lab/traffic/tunnel-flow.ts'
import { hostPort } from '../../wireguard/host-port.ts'
import { BARE, layBareHub } from '../bare-wireguard.ts'
import { type Broken, drift, type Fault, fromNow, NOTHING, notByTheHomeAlone, onTheLine } from './fault.ts'
import { MIKROTIK } from './mikrotik-faults.ts'
import { OPENWRT } from './openwrt-faults.ts'
import type { RouterKind, World } from './world.ts'

const EVERYWHERE: readonly Fault[] = [
  onTheLine('mapping forgotten, other public address', 'mapping-changed', 5, async ({ picture }) => {
    await forgetMapping(picture.home, { pool: 'other' })
    // Forgetting is the last thing it does; before that all was well.
    return fromNow()
  }),
  onTheLine('WAN address changed, router keeps the stale entry', 'flow-dead', 10, async ({ picture }) => {
    await changeWanAddress(picture.home, { staleSnat: true })
    return NOTHING
  }),
  onTheLine('WAN address changed, entry flushed', 'mapping-changed', 5, async ({ picture }) => {
    await changeWanAddress(picture.home, { staleSnat: false })
    return NOTHING
  }),
  onTheLine('this 5-tuple dropped', 'flow-dead', 10, (world, { withBare }) => onFlows(world, withBare, dropThisFlow)),
  onTheLine('only the return path of this flow dropped', 'return-dead', 10, (world, { withBare }) =>
    onFlows(world, withBare, dropReturnPath),
  ),
  onTheLine("the hub's UDP port dropped", 'port-blocked', 10, async ({ picture, end }) => {
    const { remotePort } = await tunnelFlow(end, INTERFACE)
    const undos = [await dropPort(picture.home, remotePort), await dropPort(picture.home, BARE.port)]
    return { undo: () => allOf(undos) }
  }),
  onTheLine('hub moved, its name follows', 'endpoint-moved', 10, async ({ lab, picture }) => {
    await moveHub(lab, picture)
    // The phone's own app is not what is measured.
    await picture.phone.shell(
      `wg set phone peer "$(wg show phone peers)" endpoint ${HUB_NAME}:$(wg show phone endpoints | sed 's/.*://')`,
    )
    return NOTHING
  }),
  notByTheHomeAlone('hub rebooted, peers kept (from its return)', null, 5, (world) => rebooted(world, 'kept')),
  notByTheHomeAlone('hub rebooted, peer lost (from its return)', null, 10, (world) => rebooted(world, 'lost')),
  notByTheHomeAlone(
    "line redials: 20 s down, new address, stale entry (from the line's return)",
    'flow-dead',
    10,
    async ({ picture }) => {
      await redialWan(picture.home, { downMs: 20_000, staleSnat: true })
      return fromNow()
    },
    20,
  ),
  {
    ...notByTheHomeAlone(
      'all UDP dropped',
      'udp-blocked',
      20,
      async ({ picture }) => ({ undo: await dropAllUdp(picture.home) }),
      60,
    ),
    afterwards: {
      name: 'back on UDP after it works again',
      reachSeconds: 60,
      isBack: async ({ end }) => {
        const { stdout } = await end.run('wg', ['show', INTERFACE, 'endpoints'], { allowFailure: true })
        return /\t\S+:\d+$/.test(stdout.trim()) && !/\t(?:127|192\.168)\./.test(stdout)
      },
    },
  },
  notByTheHomeAlone(
    "60 s outage of the home's line (from its end)",
    'home-offline',
    2,
    async ({ picture }) => {
      const restore = await outage(picture.home)
      await sleep(60_000)
      await restore()
      return fromNow()
    },
    60,
  ),
  notByTheHomeAlone(
    'handshake refused as too old (clock stepped back)',
    'handshake-refused',
    15,
    async ({ pi, end }, { withBare }) => {
      await stepClockBack(end, INTERFACE)
      if (withBare) await stepClockBack(pi, BARE.interface)
      return NOTHING
    },
  ),
  {
    ...notByTheHomeAlone(
      "the carrier's link shrinks to MTU 1280, no ICMP",
      'mtu-black-hole',
      30,
      async ({ picture }) => ({
        undo: await shrinkCarrierMtu(picture, picture.home, 1280),
      }),
    ),
    proof: 'large page',
    isLearned: true,
  },
  drift("the hub's interface deleted", 'hub', ({ picture }) => deleteInterface(picture.hub)),
  drift(
    "the hub's routes deleted",
    'hub',
    ({ picture }) => deleteRoutes(picture.hub),
    async ({ picture }) =>
      (await picture.hub.run('ip', ['route', 'show', picture.home.lan.prefix])).stdout.includes(INTERFACE),
  ),
]

/** On a Linux machine that ends the tunnel itself. */
const LINUX: readonly Fault[] = [
  drift('our interface deleted', 'home', ({ pi }) => deleteInterface(pi)),
  drift('our address deleted', 'home', ({ pi }) => deleteAddress(pi)),
  drift('our route deleted', 'home', ({ pi }) => deleteRoutes(pi)),
  drift(
    'our firewall table deleted',
    'home',
    ({ pi }) => deleteFirewall(pi),
    async ({ pi }) =>
      (await pi.run('nft', ['list', 'table', 'inet', 'homeward'], { allowFailure: true })).exitCode === 0,
  ),
  drift('our peer removed at home', 'home', ({ pi }) => removePeer(pi)),
  {
    ...onTheLine(
      'the family in use dies (IPv4 and IPv6 to choose from)',
      'port-blocked',
      10,
      async ({ picture, pi }, { withBare }) => {
        const { remoteAddress } = await tunnelFlow(pi, INTERFACE)
        // The same family for both: WireGuard sends to a new endpoint without shaking hands again, and the hub follows.
        if (withBare)
          await pi.shell(`
wg set ${BARE.interface} peer "$(wg show ${BARE.interface} peers)" endpoint ${hostPort(remoteAddress, BARE.port)}
ping -c 1 -W 5 ${BARE.hub}`)
        return { undo: await dropFamily(picture.home, isIpv6(remoteAddress) ? 'ipv6' : 'ipv4') }
      },
    ),
    ipv6: true,
  },
  // The hub's own packets would show the home the way back: WireGuard answers to where it was last spoken to from.
  {
    ...drift('our endpoint set to nonsense at home', 'home', ({ pi }) => misdirectEndpoint(pi)),
    proof: 'home pings hub',
  },
]

/** What a home meets whose tunnel ends there. */
export function faultsOf(router: RouterKind): readonly Fault[] {
  return [...EVERYWHERE, ...{ linux: LINUX, mikrotik: MIKROTIK, openwrt: OPENWRT }[router]]
}

async function onFlows(
  { picture, pi, end }: World,
  withBare: boolean,
  drop: (home: Home, which: WhichFlow) => Promise<Undo>,
): Promise<Broken> {
  const tunnels = [{ from: end, device: INTERFACE }, ...(withBare ? [{ from: pi, device: BARE.interface }] : [])]
  const undos = await Promise.all(
    tunnels.map(async ({ from, device }) => drop(picture.home, { from, flow: await tunnelFlow(from, device) })),
  )
  return { undo: () => allOf(undos) }
}

/** Two seconds off: shorter than any real start, so that the home has not yet missed much. */
async function rebooted(world: World, peers: 'kept' | 'lost'): Promise<Broken> {
  const { lab, picture, pi, end } = world
  const ourKey = (await end.run('wg', ['show', INTERFACE, 'public-key'])).stdout.trim()
  const bareKey = (await pi.run('wg', ['show', BARE.interface, 'public-key'])).stdout.trim()
  await rebootHub(lab, picture, { offMs: 2_000 })
  const returned = fromNow()
  await Promise.all([world.runHub(), layBareHub(picture.hub, peers === 'kept' ? bareKey : null)])
  if (peers === 'kept') return returned
  await removePeer(picture.hub, ourKey)
  return fromNow()
}

async function allOf(undos: readonly Undo[]): Promise<void> {
  for (const undo of undos) await undo()
}
