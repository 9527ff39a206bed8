import type { Observation } from '../../observation.ts'
import type { TunnelFirewall, TunnelSpec } from '../../spec.ts'
import { byInterface } from '../../planning/by-interface.ts'
import { networkOf, withoutLength } from '../../../net/prefix.ts'
import { noMarkLeft } from '../../marks.ts'
import { markCollision } from '../routing/foreign-marks.ts'
import { SLOTS, slotMark } from '../routing/slots.ts'
import { withoutPublished } from './plan-published.ts'

/**
 * The tunnels as the firewall shall know them. A tunnel whose visitors are already routed keeps its slot, so that
 * another tunnel that comes or goes leaves its connections alone; others get the first free slot. A slot whose mark is
 * somebody else's too is free for nobody, unless there is no other: answers would take their way, or their packets ours.
 * In the order of the tunnels' names, so that the same tunnels make the same table. Pure.
 */
export function tunnelFirewalls(
  { visitors, foreignMarks }: Pick<Observation, 'visitors' | 'foreignMarks'>,
  desired: readonly TunnelSpec[],
): readonly TunnelFirewall[] {
  const clear = SLOTS.filter((slot) => markCollision(slot, foreignMarks) === null)
  const slots = clear.length === 0 ? SLOTS : clear
  const kept = new Map<string, number>()
  for (const { slot, interface: name } of visitors)
    if (
      name !== null &&
      slots.includes(slot) &&
      !kept.has(name) &&
      desired.some((spec) => spec.interface === name && hasVisitors(spec))
    )
      kept.set(name, slot)
  const taken = new Set(kept.values())
  const nextFree = (): number => {
    const slot = slots.find((one) => !taken.has(one)) ?? 0
    taken.add(slot)
    return slot
  }
  return byInterface(desired).map((spec) => ({
    interface: spec.interface,
    listenPort: spec.listenPort,
    address: withoutLength(spec.address),
    network: networkOf(spec.address),
    forwarding: withoutPublished(spec.forwarding),
    visitorSlot: hasVisitors(spec) ? (kept.get(spec.interface) ?? nextFree()) : 0,
  }))
}

/** Warns where no mark is left. */
export function markWarnings(
  foreignMarks: Observation['foreignMarks'],
  tunnels: readonly TunnelFirewall[],
): readonly string[] {
  const slot = tunnels.find(hasVisitors)?.visitorSlot
  const collision = slot === undefined ? null : markCollision(slot, foreignMarks)
  return slot === undefined || collision === null ? [] : [noMarkLeft(slotMark(slot).mask, collision)]
}

export function hasVisitors({ forwarding }: Pick<TunnelFirewall, 'forwarding'>): boolean {
  return forwarding.role === 'home' && forwarding.visitors
}
