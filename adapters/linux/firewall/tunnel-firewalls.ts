import type { Observation } from '../../observation.ts'
import type { TunnelFirewall, TunnelSpec } from '../../spec.ts'
import { byInterface } from '../../planning/by-interface.ts'
import { networkOf } from '../../../net/prefix.ts'
import { withoutPublished } from './plan-published.ts'

/**
 * The tunnels as the firewall shall know them. A tunnel whose visitors are already routed keeps its slot, so that
 * another tunnel that comes or goes leaves its connections alone; others get the first free slot. In the order of their
 * names, so that the same tunnels make the same table. Pure.
 */
export function tunnelFirewalls(
  { visitors }: Pick<Observation, 'visitors'>,
  desired: readonly TunnelSpec[],
): readonly TunnelFirewall[] {
  const kept = new Map<string, number>()
  for (const { slot, interface: name } of visitors)
    if (name !== null && !kept.has(name) && desired.some((spec) => spec.interface === name && hasVisitors(spec)))
      kept.set(name, slot)
  const taken = new Set(kept.values())
  const nextFree = (): number => {
    let slot = 0
    while (taken.has(slot)) slot += 1
    taken.add(slot)
    return slot
  }
  return byInterface(desired).map((spec) => ({
    interface: spec.interface,
    listenPort: spec.listenPort,
    network: networkOf(spec.address),
    forwarding: withoutPublished(spec.forwarding),
    visitorSlot: hasVisitors(spec) ? (kept.get(spec.interface) ?? nextFree()) : 0,
  }))
}

export function hasVisitors({ forwarding }: Pick<TunnelFirewall, 'forwarding'>): boolean {
  return forwarding.role === 'home' && forwarding.visitors
}
