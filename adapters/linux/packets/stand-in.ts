import * as v from 'valibot'
import { runCommand, tryCommand } from '../../../system/process/run-command.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { startNft } from './nft-child.ts'
import { passingTable, removePassing } from './passing-tables.ts'

/**
 * A stand-in for a visitor from the internet, on the machine itself: what a socket of ours sends to its address comes in
 * by the outer interface, from a stranger to the machine's own address, past every hook and table that a visitor's packets
 * pass; and the answers, on their way out by that interface, come back to the socket. So nothing leaves the machine, and
 * nobody has to help.
 *
 * A veth pair carries what is sent. Behind the last table both addresses are changed, without connection tracking; at the
 * other end of the pair tc's mirred puts the packet into the outer interface (tc-mirred(8), ingress redirect), where
 * the kernel takes it for one that came by it. Answers to the stranger are taken at that interface's egress.
 */
export interface StandIn {
  /** Sockets dial this address in place of the machine's own, from this one of theirs. */
  readonly address: string
  readonly from: string
  readonly close: () => Promise<void>
}

/** Of TEST-NET-1 (RFC 5737): nobody on the internet has it. */
export const VISITOR = '192.0.2.77'
/** Of the networks for benchmarks (RFC 2544): not forwarded, and not where clouds keep their services. */
const [OWN, PLACE, NEXT_HOP] = ['198.19.86.1', '198.19.86.2', '198.19.86.3']
const [NEAR, FAR] = ['hwprobe0', 'hwprobe1']
/** The preference of our one filter, by which it is found again. */
const PREFERENCE = '8686'
const MARK = 'homeward-probe'

/** @returns null where the machine cannot do it: no tc, no veth, no default route, an old kernel. Never throws else. */
export async function openStandIn(signal: AbortSignal): Promise<StandIn | null> {
  const outer = await outerSide(signal)
  if (outer === null) return null
  await removeLeftovers(outer.device, signal)
  const table = passingTable('inet', 'visitor')
  const nft = startNft(['-i'])
  let madeHook = false
  const close = async (): Promise<void> => {
    const late = AbortSignal.timeout(10_000)
    await removeFilter(outer.device, madeHook, late)
    await tryCommand('ip', ['link', 'delete', NEAR], { signal: late }).catch(() => null)
    await nft.end()
    await removePassing([table])
  }
  try {
    await runCommand('ip', ['link', 'add', NEAR, 'type', 'veth', 'peer', 'name', FAR], { signal })
    const shown = await runCommand('ip', ['-j', 'link', 'show', 'dev', FAR], { signal })
    const [{ address: hardware }] = v.parse(Links, JSON.parse(shown.stdout))
    await runCommand('ip', ['-batch', '-'], { input: linkCommands(hardware).join('\n'), signal })
    madeHook = (await tryCommand('tc', ['qdisc', 'add', 'dev', outer.device, 'clsact'], { signal })).exitCode === 0
    await runCommand('tc', ['-batch', '-'], { input: redirectCommands(outer.device).join('\n'), signal })
    nft.write(addressCommands(outer.address, table))
    if (!(await isTableThere(table, signal))) throw new TypeError('nft did not take the table')
  } catch {
    await close()
    signal.throwIfAborted()
    return null
  }
  return {
    address: PLACE,
    from: OWN,
    close,
  }
}

const Links = v.tuple([v.object({ address: v.string() })])
const Routes = v.array(v.object({ dev: v.string(), prefsrc: v.string() }))

/** The interface by which this machine is on the internet, and its address there. */
async function outerSide(signal: AbortSignal): Promise<{ readonly device: string; readonly address: string } | null> {
  const { exitCode, stdout } = await tryCommand('ip', ['-j', '-4', 'route', 'get', VISITOR], { signal })
  const routes = exitCode === 0 ? v.safeParse(Routes, JSON.parse(stdout)) : null
  const [route] = routes?.success === true ? routes.output : []
  return route === undefined || route.dev === 'lo' ? null : { device: route.dev, address: route.prefsrc }
}

/** Lines for `ip -batch`. */
function linkCommands(hardware: string): readonly string[] {
  return [
    // A mark of its own: what a killed process left behind goes with the next visit, or with uninstalling.
    ...[NEAR, FAR].flatMap((name) => [`link set dev ${name} alias ${MARK}`, `link set dev ${name} up`]),
    `address add ${OWN}/32 dev ${NEAR}`,
    `neighbour replace ${NEXT_HOP} lladdr ${hardware} dev ${NEAR} nud permanent`,
    // By a next hop, since the destination is another one when the neighbour is looked up.
    `route add ${PLACE}/32 via ${NEXT_HOP} dev ${NEAR} onlink src ${OWN}`,
    '',
  ]
}

/** Lines for `tc -batch`. */
function redirectCommands(device: string): readonly string[] {
  return [
    `qdisc add dev ${FAR} ingress`,
    `filter add dev ${FAR} parent ffff: protocol ip prio ${PREFERENCE} u32 match ip src ${VISITOR}/32 action mirred ingress redirect dev ${device}`,
    `filter add dev ${device} egress protocol ip prio ${PREFERENCE} u32 match ip dst ${VISITOR}/32 action mirred ingress redirect dev ${NEAR}`,
    '',
  ]
}

/** Lines for `nft -i`. The changes of address stand outside of all connection tracking: behind it, and before it. */
function addressCommands(own: string, table: string): readonly string[] {
  return [
    `add table ${table}`,
    `add chain ${table} out { type filter hook postrouting priority 1000; policy accept; }`,
    `add rule ${table} out oifname "${NEAR}" meta l4proto { tcp, udp } ip daddr ${PLACE} ip saddr set ${VISITOR} ip daddr set ${own} accept`,
    // What programs send into every new interface, such as multicast.
    `add rule ${table} out oifname "${NEAR}" drop`,
    `add chain ${table} back { type filter hook prerouting priority -2147483648; policy accept; }`,
    `add rule ${table} back iifname "${NEAR}" ip saddr ${own} ip daddr ${VISITOR} ip saddr set ${PLACE} ip daddr set ${OWN}`,
    `add counter ${table} ready`,
  ]
}

const READY_MS = 5_000

async function isTableThere(table: string, signal: AbortSignal): Promise<boolean> {
  const until = performance.now() + READY_MS
  while (performance.now() < until) {
    const { exitCode } = await tryCommand('nft', ['list', 'counter', ...table.split(' '), 'ready'], { signal })
    if (exitCode === 0) return true
    await sleep(30, signal)
  }
  return false
}

/** Removes what a process that was killed left behind; its table goes when another is made. */
async function removeLeftovers(device: string, signal: AbortSignal): Promise<void> {
  await removeFilter(device, false, signal)
  await tryCommand('ip', ['link', 'delete', NEAR], { signal })
}

/** Removes our filter; and the hook that was made for it, where nobody else has put a filter there meanwhile. */
async function removeFilter(device: string, isHookOurs: boolean, signal: AbortSignal): Promise<void> {
  const tc = (...args: readonly string[]) => tryCommand('tc', args, { signal }).catch(() => null)
  await tc('filter', 'delete', 'dev', device, 'egress', 'prio', PREFERENCE)
  if (!isHookOurs) return
  const left = await Promise.all(['ingress', 'egress'].map((side) => tc('filter', 'show', 'dev', device, side)))
  if (left.every((shown) => shown?.stdout.trim() === '')) await tc('qdisc', 'delete', 'dev', device, 'clsact')
}
