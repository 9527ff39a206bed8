import { Problem, reasonOf } from '../../problems/problem.ts'
import { sleep } from '../../system/time/sleep.ts'
import type { TunnelRepair } from '../adapter.ts'
import { removePeers, wgSet } from './api.ts'
import { type ExecuteContext, setPeers } from './execute.ts'
import { removeInterface } from './interface.ts'

/** Executes a remedy. @throws {Problem} `step-failed`. */
export async function executeRepair(remedy: TunnelRepair, context: ExecuteContext, signal: AbortSignal): Promise<void> {
  try {
    switch (remedy.kind) {
      case 'new-source-port':
        return await newSourcePort(remedy, signal)
      case 'new-session':
        return await newSession(remedy, context, signal)
      case 'rebuild':
        // The plan makes the interface again as wanted.
        return await removeInterface(remedy.interface, context.clock, signal)
      case 'forget-flow':
        throw new TypeError('the flow of this machine passes no NAT of its own')
      default:
        return remedy satisfies never
    }
  } catch (thrown) {
    throw new Problem('step-failed', {
      what: `trying ${remedy.kind} on ${remedy.interface}`,
      why: thrown instanceof Problem ? thrown.why : reasonOf(thrown),
      cause: thrown,
    })
  }
}

/**
 * Moves the interface to a new source port. A new port by itself sends nothing, so nobody would learn of it before the
 * next packet. Keepalive off and on sends an empty packet at once (drivers/net/wireguard/netlink.c, set_peer): the hub
 * follows in under 0.1 s.
 */
async function newSourcePort(
  { interface: name, peer, keepaliveSeconds }: Extract<TunnelRepair, { kind: 'new-source-port' }>,
  signal: AbortSignal,
): Promise<void> {
  // Port 0 is any free one (wg(8)); sockets are opened again, keys and sessions stay.
  await wgSet(name, ['listen-port', '0'], signal)
  await wgSet(name, ['peer', peer, 'persistent-keepalive', '0'], signal)
  await wgSet(name, ['peer', peer, 'persistent-keepalive', String(keepaliveSeconds)], signal)
}

/** Makes a new session. If this is cut off, the next look puts the peer back: it is part of the plan. */
async function newSession(
  { interface: name, peer, silentSeconds }: Extract<TunnelRepair, { kind: 'new-session' }>,
  { presharedKeys }: ExecuteContext,
  signal: AbortSignal,
): Promise<void> {
  await removePeers(name, [peer.publicKey], signal)
  if (silentSeconds > 0) await sleep(silentSeconds * 1_000, signal)
  await setPeers(name, [peer], presharedKeys, signal)
}
