import { Problem, reasonOf } from '../../problems/problem.ts'
import type { Remedy } from '../adapter.ts'
import { wgSet } from './api.ts'

/** @throws {Problem} `step-failed`. */
export async function carryOutRemedy(remedy: Remedy, signal: AbortSignal): Promise<void> {
  try {
    switch (remedy.kind) {
      case 'new-source-port':
        return await newSourcePort(remedy, signal)
      default:
        return remedy.kind satisfies never
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
 * A new port alone sends nothing, so that nobody would learn of it before the next packet. Keepalive off and on sends an
 * empty packet at once (drivers/net/wireguard/netlink.c, set_peer): the hub follows in under 0.1 s.
 */
async function newSourcePort({ interface: name, peer, keepaliveSeconds }: Remedy, signal: AbortSignal): Promise<void> {
  // 0 is any free one (wg(8)); sockets are opened anew, keys and sessions stay.
  await wgSet(name, ['listen-port', '0'], signal)
  await wgSet(name, ['peer', peer, 'persistent-keepalive', '0'], signal)
  await wgSet(name, ['peer', peer, 'persistent-keepalive', String(keepaliveSeconds)], signal)
}
