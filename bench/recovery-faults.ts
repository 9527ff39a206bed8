import type { Cause } from '../agent/core/cause.ts'
import { sleep } from '../system/sleep.ts'
import { stepClockBack } from '../test/lab/clock-fault.ts'
import {
  deleteAddress,
  deleteFirewall,
  deleteInterface,
  deleteRoutes,
  INTERFACE,
  misdirectEndpoint,
  removePeer,
} from '../test/lab/drifts.ts'
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
} from '../test/lab/faults.ts'
import type { Home } from '../test/lab/home.ts'
import { isIpv6 } from '../test/lab/ipv6.ts'
import { HUB_NAME } from '../test/lab/picture.ts'
import { tunnelFlow } from '../test/lab/tunnel-flow.ts'
import { BARE, layBareHub } from './bare-wireguard.ts'
import { monotonicSeconds } from './pinger.ts'
import type { World } from './recovery-world.ts'

/** One row of the table. */
export interface Fault {
  readonly name: string
  /** What the agent has to call it; null where it may be over before anybody at home has doubted. */
  readonly cause: Cause | null
  readonly reachSeconds: number
  /** In use, for what the home alone can cure. */
  readonly inUseReachSeconds?: number
  /** What has to work again: a ping of the home by the hub, of the hub by the home, or a page of many packets. */
  readonly proof: 'hub pings home' | 'home pings hub' | 'large page'
  /** Whether plain WireGuard suffers the same; else nothing of it was broken. */
  readonly breaksBare: boolean
  /** How long breaking and undoing take, for the order of the rows. */
  readonly takesSeconds: number
  /** Whether the home and the hub speak IPv6 too. */
  readonly ipv6?: boolean
  /** Whether the home learns of it for good, so that a second run would find it prepared. */
  readonly isLearned?: boolean
  /** Breaks both, plain WireGuard only `withBare`. */
  break(world: World, options: { readonly withBare: boolean }): Promise<Broken>
  /** What should come once the fault has ended, within `reachSeconds` of that. */
  readonly afterwards?: {
    readonly name: string
    readonly reachSeconds: number
    isBack(world: World): Promise<boolean>
  }
}

export interface Broken {
  readonly undo: Undo
  /** From when recovery counts, monotonic seconds; from the beginning of the fault unless said. */
  readonly since?: number
  /** What must hold beside the proof. */
  readonly isBack?: () => Promise<boolean>
}

const NOTHING: Broken = { undo: async () => undefined }
const IN_USE_SECONDS = 3

export const FAULTS: readonly Fault[] = [
  onTheLine('mapping forgotten, other public address', 'mapping-changed', 5, async ({ picture }) => {
    await forgetMapping(picture.home, { pool: 'other' })
    return NOTHING
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
  onTheLine("the hub's UDP port dropped", 'port-blocked', 10, async ({ picture, pi }) => {
    const { remotePort } = await tunnelFlow(pi, INTERFACE)
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
      isBack: async ({ pi }) => {
        const { stdout } = await pi.run('wg', ['show', INTERFACE, 'endpoints'], { allowFailure: true })
        return /\t\S+:\d+$/.test(stdout.trim()) && !stdout.includes('\t127.')
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
    async ({ pi }, { withBare }) => {
      for (const device of [INTERFACE, ...(withBare ? [BARE.interface] : [])]) await stepClockBack(pi, device)
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
  drift("the hub's interface deleted", 'hub', ({ picture }) => deleteInterface(picture.hub)),
  drift(
    "the hub's routes deleted",
    'hub',
    ({ picture }) => deleteRoutes(picture.hub),
    async ({ picture }) =>
      (await picture.hub.run('ip', ['route', 'show', picture.home.lan.prefix])).stdout.includes(INTERFACE),
  ),
  {
    ...onTheLine(
      'the family in use dies (IPv4 and IPv6 to choose from)',
      'port-blocked',
      10,
      async ({ picture, pi }, { withBare }) => {
        const { remoteAddress } = await tunnelFlow(pi, INTERFACE)
        const address = isIpv6(remoteAddress) ? `[${remoteAddress}]` : remoteAddress
        // The same family for both: WireGuard sends to a new endpoint without shaking hands again, and the hub follows.
        if (withBare)
          await pi.shell(`
wg set ${BARE.interface} peer "$(wg show ${BARE.interface} peers)" endpoint ${address}:${BARE.port}
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

type Break = Fault['break']

function onTheLine(name: string, cause: Cause | null, reachSeconds: number, break_: Break): Fault {
  return { ...notByTheHomeAlone(name, cause, reachSeconds, break_), inUseReachSeconds: IN_USE_SECONDS }
}

function notByTheHomeAlone(
  name: string,
  cause: Cause | null,
  reachSeconds: number,
  break_: Break,
  takesSeconds = 0,
): Fault {
  return { name, cause, reachSeconds, proof: 'hub pings home', breaksBare: true, takesSeconds, break: break_ }
}

function fromNow(): Broken {
  return { ...NOTHING, since: monotonicSeconds() }
}

function drift(
  name: string,
  side: 'home' | 'hub',
  act: (world: World) => Promise<void>,
  isBack?: (world: World) => Promise<boolean>,
): Fault {
  return {
    name,
    cause: side === 'home' ? 'drift' : null,
    reachSeconds: 10,
    ...(side === 'home' ? { inUseReachSeconds: IN_USE_SECONDS } : {}),
    proof: 'hub pings home',
    breaksBare: false,
    takesSeconds: 0,
    break: async (world) => {
      await act(world)
      return { ...NOTHING, ...(isBack === undefined ? {} : { isBack: () => isBack(world) }) }
    },
  }
}

async function onFlows(
  { picture, pi }: World,
  withBare: boolean,
  drop: (home: Home, which: WhichFlow) => Promise<Undo>,
): Promise<Broken> {
  const interfaces = [INTERFACE, ...(withBare ? [BARE.interface] : [])]
  const flows = await Promise.all(interfaces.map((device) => tunnelFlow(pi, device)))
  const undos = await Promise.all(flows.map((flow) => drop(picture.home, { flow })))
  return { undo: () => allOf(undos) }
}

/** Two seconds off: shorter than any real start, so that the home has not yet missed much. */
async function rebooted(world: World, peers: 'kept' | 'lost'): Promise<Broken> {
  const { lab, picture, pi } = world
  const ourKey = (await pi.run('wg', ['show', INTERFACE, 'public-key'])).stdout.trim()
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
