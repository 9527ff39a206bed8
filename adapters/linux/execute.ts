import type { ProblemCode } from '../../problems/catalogue.ts'
import { Problem, reasonOf } from '../../problems/problem.ts'
import type { Clock } from '../../system/time/clock.ts'
import type { PresharedKey, PublicKey } from '../../wireguard/keys.ts'
import { presharedKeyId } from '../../wireguard/preshared-id.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import type { Description } from '../adapter.ts'
import type { RouteSpec } from '../spec.ts'
import type { Step } from '../step.ts'
import { describeStep } from '../describe-step.ts'
import { executing } from '../executing.ts'
import { removeAddress } from './address.ts'
import {
  addPeers,
  ip,
  ipBatch,
  loosenReversePath,
  nft,
  readRoutes,
  readPublicKey,
  readRules,
  removePeers,
  restoreIptables,
  setForwarding,
  wgSet,
} from './api.ts'
import { peersText, routeArguments } from './convert.ts'
import { FAMILIES } from '../../net/address.ts'
import { networkOf, withoutLength } from '../../net/prefix.ts'
import { firewallTable } from './firewall/firewall.ts'
import { createInterface, removeInterface } from './interface.ts'
import { TABLE } from './firewall/mark.ts'
import { type NftTable, nftText, type NftTextOptions } from './firewall/nft-table.ts'
import { nativeTexts } from './others/native-firewall.ts'
import { refusalIn } from './others/native-probe.ts'
import { iptablesText, type OtherFirewallStep } from './others/other-firewall.ts'
import { changeTexts } from './firewall/published.ts'
import { exitCommands } from './routing/exit-routes.ts'
import { ownWayCommands } from './routing/own-ways.ts'
import { visitorCommands } from './routing/reply-routes.ts'
import { LINUX_STEPS, type LinuxStep } from './steps.ts'

export interface ExecuteContext {
  readonly privateKeyFile: (publicKey: PublicKey) => string
  readonly presharedKeys: (publicKey: PublicKey) => PresharedKey | undefined
  readonly dataPlane: (signal: AbortSignal) => Promise<Description['dataPlane']>
  readonly clock: Clock
}

/** Executes one step. @throws {Problem} `step-failed`, or a more telling code. */
export async function executeStep(step: Step, context: ExecuteContext, signal: AbortSignal): Promise<void> {
  try {
    await executing(LINUX_STEPS, (declared: LinuxStep) => executeDeclared(declared, context, signal))(step, signal)
  } catch (thrown) {
    throw stepFailed(step, thrown)
  }
}

async function executeDeclared(step: LinuxStep, context: ExecuteContext, signal: AbortSignal): Promise<void> {
  const { privateKeyFile, dataPlane, clock } = context
  switch (step.kind) {
    case 'create-interface':
      return createInterface(step.interface, { dataPlane: () => dataPlane(signal), clock, signal })
    case 'set-private-key':
      return setPrivateKey(step.interface, step.publicKey, privateKeyFile(step.publicKey), signal)
    case 'set-listen-port':
      return wgSet(step.interface, ['listen-port', String(step.port)], signal)
    case 'set-mtu':
      return void (await ip(['link', 'set', 'dev', step.interface, 'mtu', String(step.mtu)], signal))
    case 'add-address':
      return void (await ip(['address', 'add', step.address, 'dev', step.interface], signal))
    case 'remove-address':
      return removeAddress(step.interface, step.address, signal)
    case 'lead-network':
      return leadNetwork(step.interface, step.address, signal)
    case 'set-peers':
      return setPeers(step.interface, step.peers, context.presharedKeys, signal)
    case 'remove-peers':
      return removePeers(step.interface, step.publicKeys, signal)
    case 'bring-up':
      return void (await ip(['link', 'set', 'dev', step.interface, 'up'], signal))
    case 'add-route':
      return addRoute(step.interface, step, signal)
    case 'set-route-mtu':
      return void (await ip(['route', 'change', ...routeArguments(step.interface, step)], signal))
    case 'remove-route':
      return void (await ip(
        ['route', 'del', ...routeArguments(step.interface, { prefix: step.prefix, mtu: null })],
        signal,
      ))
    case 'enable-forwarding':
      return setForwarding('1')
    case 'disable-forwarding':
      return setForwarding('0')
    case 'set-firewall':
      return setFirewall(firewallTable(step.tunnels), step, signal)
    case 'remove-firewall':
      return nft(`delete table ${TABLE}\n`, signal)
    case 'set-other-firewall':
      return step.place === 'nftables'
        ? setNative(step, signal)
        : restoreIptables(step.place, iptablesText(step), signal)
    case 'lead-visitors':
      return setVisitors(step.slot, step.interface, signal)
    case 'unlead-visitors':
      return setVisitors(step.slot, null, signal)
    case 'lead-exits':
      return leadExits(step.interface, step.devices, signal)
    case 'loosen-reverse-path':
      return loosenReversePath(step.interface)
    case 'lead-own-ways':
      return leadOwnWays(step.selectors, signal)
    case 'change-published':
      return changePublished(step, signal)
    case 'remove-interface':
      return removeInterface(step.interface, clock, signal)
    default:
      return step satisfies never
  }
}

/** Sets the firewall. If unforeseen objects keep the table from changing around its published ports, remakes all. */
async function setFirewall(table: NftTable, options: NftTextOptions, signal: AbortSignal): Promise<void> {
  const { forwardingWasOff, replaces } = options
  try {
    await nft(nftText(table, options), signal)
  } catch (thrown) {
    if (replaces === null || signal.aborted) throw thrown
    await nft(nftText(table, { forwardingWasOff, replaces: null }), signal)
  }
}

async function changePublished(
  step: Extract<LinuxStep, { kind: 'change-published' }>,
  signal: AbortSignal,
): Promise<void> {
  for (const text of changeTexts(step)) await nft(text, signal)
}

async function setPrivateKey(name: string, publicKey: PublicKey, file: string, signal: AbortSignal): Promise<void> {
  await wgSet(name, ['private-key', file], signal)
  const found = await readPublicKey(name, signal)
  // Without this check the next plan would set the same key again, for ever.
  if (found !== publicKey) throw new TypeError(`the key in ${file} belongs to the public key ${found}`)
}

export async function setPeers(
  name: string,
  peers: readonly PeerSpec[],
  presharedKeys: ExecuteContext['presharedKeys'],
  signal: AbortSignal,
): Promise<void> {
  const text = peersText(peers, (peer) => {
    if (peer.presharedKeyId === null) return null
    const key = presharedKeys(peer.publicKey)
    if (key === undefined || presharedKeyId(key) !== peer.presharedKeyId)
      throw new TypeError(`the preshared key ${peer.presharedKeyId} of the peer ${peer.publicKey} is not at hand`)
    return key
  })
  await addPeers(name, text, signal)
}

/** Sets the rules of all tables that take them, then reports those that refuse. */
async function setNative(step: OtherFirewallStep, signal: AbortSignal): Promise<void> {
  const refused: string[] = []
  for (const [table, text] of nativeTexts(step)) {
    try {
      await nft(text, signal)
    } catch (thrown) {
      signal.throwIfAborted()
      refused.push(`${table}: ${refusalIn(reasonOf(thrown))}`)
    }
  }
  if (refused.length > 0) throw new TypeError(refused.join('; '))
}

/** Sets the reply routing of a slot. @param interfaceName null: none. */
async function setVisitors(slot: number, interfaceName: string | null, signal: AbortSignal): Promise<void> {
  const [rules, routes] = await Promise.all([readRules(signal), readRoutes(signal)])
  await ipBatch(visitorCommands(slot, interfaceName, rules, routes), signal)
}

async function leadExits(name: string, devices: readonly string[], signal: AbortSignal): Promise<void> {
  const [rules, routes] = await Promise.all([readRules(signal), readRoutes(signal)])
  await ipBatch(exitCommands(name, devices, rules, routes), signal)
}

async function leadOwnWays(selectors: readonly string[], signal: AbortSignal): Promise<void> {
  for (const family of FAMILIES) {
    const lines = ownWayCommands(selectors, family, await readRules(signal, family))
    if (lines.length > 0) await ipBatch(lines, signal, family)
  }
}

/** Makes a network's route as the kernel does with an address (fib_frontend.c, fib_add_ifaddr), to go with it. */
async function leadNetwork(name: string, address: string, signal: AbortSignal): Promise<void> {
  const source = withoutLength(address)
  await ip(['route', 'add', networkOf(address), 'dev', name, 'proto', 'kernel', 'scope', 'link', 'src', source], signal)
}

/** Adds a route. `add`, not `replace`, which would put ours in the place of somebody else's. */
async function addRoute(name: string, route: RouteSpec, signal: AbortSignal): Promise<void> {
  try {
    await ip(['route', 'add', ...routeArguments(name, route)], signal)
  } catch (thrown) {
    if (!reasonOf(thrown).includes('File exists')) throw thrown
    throw new TypeError(`a route to ${route.prefix} that homeward did not make is there already`, { cause: thrown })
  }
}

/** Codes that say more than that a step failed; for all others the reason does. */
const TELLING: ReadonlySet<ProblemCode> = new Set(['no-wireguard', 'tool-missing', 'no-root', 'interface-taken'])

function stepFailed(step: Step, cause: unknown): Problem {
  const what = describeStep(step)
  const why = cause instanceof Problem ? cause.why : reasonOf(cause)
  if (why.includes('Address already in use')) return new Problem('port-taken', { what, why, cause })
  if (!(cause instanceof Problem)) return new Problem('step-failed', { what, why, cause })
  if (TELLING.has(cause.code)) return new Problem(cause.code, { what, why, next: cause.next, cause })
  return new Problem('step-failed', { what, why, cause, ...(cause.code === 'step-failed' ? { next: cause.next } : {}) })
}
