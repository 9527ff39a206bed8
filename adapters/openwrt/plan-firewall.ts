import { homeFirewall } from '../planning/home-firewall.ts'
import type { OpenwrtObservation } from './observe/observation.ts'
import type { StagedStep } from './change/stage.ts'
import { firewallSections, type HomeSpec } from './uci/objects.ts'
import { keyOf, sameSection, type Section, tunnelOf } from './uci/sections.ts'

/** One step for all tunnels: each tunnel's sections have its name, and those of unwanted tunnels go. Pure. */
export function firewallSteps(observed: OpenwrtObservation, desired: readonly HomeSpec[]): readonly StagedStep[] {
  const count = desired.flatMap((spec) => wantedFirewall(observed, spec)).length
  if ((observed.firewall ?? []).length === count && isFirewallAsWanted(observed, desired)) return []
  return [{ kind: 'set-firewall', tunnels: desired.map(homeFirewall), forwardingWasOff: false, replaces: null }]
}

/** Whether our sections for these tunnels are configured, and loaded. More than that may be there. */
export function isFirewallAsWanted(observed: OpenwrtObservation, desired: readonly HomeSpec[]): boolean {
  const there = new Map(observed.sections.map((section) => [keyOf(section), section]))
  return desired.every(
    (spec) =>
      observed.firewalled.includes(spec.interface) &&
      wantedFirewall(observed, spec).every((section) => sameSection(there.get(keyOf(section)), section)),
  )
}

/** Whether all that is configured for our tunnels is loaded. */
export function isFirewallWhole({ interfaces, firewalled }: OpenwrtObservation): boolean {
  return interfaces.every(({ name }) => firewalled.includes(name))
}

function wantedFirewall({ sections }: OpenwrtObservation, spec: HomeSpec): readonly Section[] {
  const foreign = sections.filter((section) => tunnelOf(section) === null)
  return firewallSections(homeFirewall(spec), foreign)
}
