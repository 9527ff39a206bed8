import type { DrillWay } from '../../protocol/drill.ts'
import { LONGEST_DRILL_SECONDS } from '../../protocol/drill.ts'

/** One way in which a drill breaks the tunnel: what it does, for how long, and what must be made of it. */
interface Way {
  /** What is done, for people. */
  readonly does: string
  /** What should come of it, for people. */
  readonly expects: string
  /** How long it stays broken at most, beside the wait for the next heartbeat. */
  readonly seconds: number
  /** Whether a remedy may be tried. Where none is due, trying one is a fault. */
  readonly mayRepair: boolean
}

export const WAYS: Readonly<Record<DrillWay, Way>> = {
  mapping: {
    does: 'the tunnel sends from another port, so that the carrier’s mapping leads nowhere',
    expects: 'the next heartbeat makes another mapping, and the change is named',
    seconds: 8,
    mayRepair: false,
  },
  heartbeats: {
    does: 'this home holds its heartbeats back',
    expects: 'the silence is noticed, and the tunnel is proven to carry, or its connection made again',
    seconds: 10,
    mayRepair: true,
  },
  port: {
    does: 'the hub drops what this home sends to WireGuard’s port',
    expects: 'the tunnel goes by another port of the hub or over TLS, and comes back afterwards',
    seconds: 20,
    mayRepair: true,
  },
  daemon: {
    does: 'homeward on the hub answers this home nothing: no heartbeat, no echo, no registration',
    expects: 'the silence is noticed, the tunnel is proven to carry, and nothing is repaired',
    seconds: 10,
    mayRepair: false,
  },
}

/** For how many seconds a way is broken, where a heartbeat is sent so often. */
export function secondsOf(way: DrillWay, heartbeatMs: number): number {
  return Math.min(LONGEST_DRILL_SECONDS, WAYS[way].seconds + Math.ceil(heartbeatMs / 1_000))
}

/** The causes that are right for a way. @param hasOtherPorts the hub has ports beside the one that is blocked. */
export function rightCauses(way: DrillWay, hasOtherPorts: boolean): readonly string[] {
  switch (way) {
    case 'mapping':
      return ['mapping-changed']
    case 'heartbeats':
      // The hub hears nothing, as of a flow that died: whichever is proven first, that or that the tunnel carries.
      return ['hub-daemon-silent', 'flow-dead']
    case 'daemon':
      return ['hub-daemon-silent']
    case 'port':
      // Where the line lets nothing out by the other ports, that is as true.
      return hasOtherPorts ? ['port-blocked', 'udp-blocked'] : ['udp-blocked']
    default:
      return way satisfies never
  }
}
