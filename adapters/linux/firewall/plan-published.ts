import type { Observation } from '../../observation.ts'
import type { FirewallForwarding, ForwardingSpec, PublishedPort, TunnelSpec } from '../../spec.ts'
import type { HostStep, Step } from '../../step.ts'

/**
 * The step that fills in published ports, once the table stands; none where nothing differs. Pure.
 * @param firewall the steps for the table, which come before it.
 */
export function publishedSteps(
  { published }: Observation,
  desired: readonly TunnelSpec[],
  firewall: readonly Step[],
): readonly HostStep[] {
  const { name, wanted } = wantedPorts(desired)
  const isAnew = firewall.some((step) => step.kind === 'set-firewall' && step.replaces === null)
  const there = isAnew ? [] : published
  // They stay as they are until it can be told what they are.
  if (there === null) return []
  const [add, remove] = [without(wanted, there), without(there, wanted)]
  return add.length + remove.length === 0 ? [] : [{ kind: 'change-published', interface: name, add, remove }]
}

/** They are those of the one hub that a machine may be; without it whatever there is goes. */
function wantedPorts(desired: readonly TunnelSpec[]): {
  readonly name: string
  readonly wanted: readonly PublishedPort[]
} {
  for (const { interface: name, forwarding } of desired)
    if (forwarding.role === 'hub') return { name, wanted: forwarding.published }
  return { name: desired[0]?.interface ?? '', wanted: [] }
}

/** What the table is made from: that one of twelve thousand ports is another is no reason to make it again. */
export function withoutPublished(forwarding: ForwardingSpec): FirewallForwarding {
  if (forwarding.role === 'home') return forwarding
  const { published: _, ...core } = forwarding
  return core
}

/** Where ports are published, the table changes around them: whoever is connected notices nothing. */
export function keptPublished(
  { firewall, published, replaceable }: Observation,
  desired: readonly TunnelSpec[],
): readonly string[] | null {
  const isFilled = published !== null && published.length > 0
  const isHub = desired.some(({ forwarding }) => forwarding.role === 'hub')
  return isHub && firewall !== null && isFilled ? replaceable : null
}

function without(ports: readonly PublishedPort[], others: readonly PublishedPort[]): readonly PublishedPort[] {
  const known = new Set(others.map(textOf))
  return ports.filter((port) => !known.has(textOf(port)))
}

function textOf({ protocol, port, address, targetPort, hidden }: PublishedPort): string {
  return `${protocol} ${port} ${address} ${targetPort} ${hidden}`
}
