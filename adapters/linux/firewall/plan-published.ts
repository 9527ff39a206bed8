import type { Observation } from '../../observation.ts'
import type { FirewallForwarding, ForwardingSpec, PublishedPort, TunnelSpec } from '../../spec.ts'
import type { HostStep, Step } from '../../step.ts'

/**
 * The step that fills in published ports, once the table stands; none where nothing differs. Pure.
 * @param firewall the steps for the table, which come before.
 */
export function publishedSteps(
  { published }: Observation,
  desired: readonly TunnelSpec[],
  firewall: readonly Step[],
): readonly HostStep[] {
  const { name, wanted } = wantedPorts(desired)
  const isAnew = firewall.some((step) => step.kind === 'set-firewall' && step.replaces === null)
  const there = isAnew ? [] : published
  // Published ports stay as they are while it cannot be told what they are.
  if (there === null) return []
  const [add, remove] = [without(wanted, there), without(there, wanted)]
  return add.length + remove.length === 0 ? [] : [{ kind: 'change-published', interface: name, add, remove }]
}

/** The ports of the one hub that a machine may be; without a hub, whatever ports there are go. */
function wantedPorts(desired: readonly TunnelSpec[]): {
  readonly name: string
  readonly wanted: readonly PublishedPort[]
} {
  for (const { interface: name, forwarding } of desired)
    if (forwarding.role === 'hub') return { name, wanted: forwarding.published }
  return { name: desired[0]?.interface ?? '', wanted: [] }
}

/** A forwarding without published ports: one changed port of twelve thousand is no reason to make the table again. */
export function withoutPublished(forwarding: ForwardingSpec): FirewallForwarding {
  if (forwarding.role === 'home') return forwarding
  const { published: _, ...core } = forwarding
  return core
}

/** The table's steps where ports are published: it changes around them, so that nobody who is connected notices. */
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

function textOf({ protocol, port, lastPort = port, address, targetPort, hidden, outgoing }: PublishedPort): string {
  return `${protocol} ${port} ${lastPort} ${address} ${targetPort} ${hidden} ${outgoing === true}`
}
