import { homeFirewall } from '../planning/home-firewall.ts'
import type { TunnelFirewall, HomeForwarding } from '../spec.ts'
import { noMarkLeft } from '../marks.ts'
import { tunnelIn } from '../tunnel-in.ts'
import type { OpenwrtObservation } from './observe/observation.ts'
import type { StagedStep } from './change/stage.ts'
import { digest, FOLDER, tunnelInclude } from './include/include.ts'
import { chooseSlots, markCollision, slotOf } from './include/marks.ts'
import { firewallSections } from './include/firewall-sections.ts'
import type { HomeSpec } from './uci/objects.ts'
import { keyOf, sameSection, type Section, tunnelOf } from './uci/sections.ts'

/** The tunnels as the firewall shall know them: those with visitors have a slot of their own, and keep it. Pure. */
export function tunnelFirewalls(
  { visitors, foreignMarks }: Pick<OpenwrtObservation, 'visitors' | 'foreignMarks'>,
  desired: readonly HomeSpec[],
): readonly TunnelFirewall<HomeForwarding>[] {
  const held = new Map(visitors.flatMap(({ interface: name, slot }) => (name === null ? [] : [[name, slot] as const])))
  const names = desired.filter(({ forwarding }) => forwarding.visitors).map((spec) => spec.interface)
  const slots = chooseSlots(names, held, foreignMarks)
  return desired.map((spec) => ({ ...homeFirewall(spec), visitorSlot: slots.get(spec.interface) ?? 0 }))
}

/** Warns where no mark is left. */
export function markWarnings(
  foreignMarks: OpenwrtObservation['foreignMarks'],
  tunnels: readonly TunnelFirewall<HomeForwarding>[],
): readonly string[] {
  const slot = tunnels.find(({ forwarding }) => forwarding.visitors)?.visitorSlot
  const collision = slot === undefined ? null : markCollision(slot, foreignMarks)
  return slot === undefined || collision === null ? [] : [noMarkLeft(slotOf(slot).mask, collision)]
}

/** One step for all tunnels: each tunnel's sections have its name, and those of unwanted tunnels go. Pure. */
export function firewallSteps(
  observed: OpenwrtObservation,
  tunnels: readonly TunnelFirewall<HomeForwarding>[],
): readonly StagedStep[] {
  const count = tunnels.flatMap((tunnel) => wantedFirewall(observed, tunnel)).length
  const isRight =
    (observed.firewall ?? []).length === count && tunnels.every((tunnel) => isFirewallAsWanted(observed, tunnel))
  if (isRight) return []
  const files = tunnels.map((tunnel) => `${FOLDER}/${tunnelInclude(tunnel).name}`)
  return [{ kind: 'set-firewall', tunnels, forwardingWasOff: false, replaces: null, files }]
}

/** Whether our sections for this tunnel are configured and loaded, and its file is whole. More than that may be there. */
export function isFirewallAsWanted(observed: OpenwrtObservation, tunnel: TunnelFirewall<HomeForwarding>): boolean {
  const there = new Map(observed.sections.map((section) => [keyOf(section), section]))
  const { name, text } = tunnelInclude(tunnel)
  return (
    observed.firewalled.includes(tunnel.interface) &&
    observed.includes.some(({ path, sha256 }) => path === `${FOLDER}/${name}` && sha256 === digest(text)) &&
    wantedFirewall(observed, tunnel).every((section) => sameSection(there.get(keyOf(section)), section))
  )
}

/** Whether all that is configured for our tunnels is loaded. */
export function isFirewallWhole({ interfaces, firewalled }: OpenwrtObservation): boolean {
  return interfaces.every(({ name }) => firewalled.includes(name))
}

/** Steps of the ways by which answers to visitors find back into their tunnel. */
export function visitorSteps(
  observed: OpenwrtObservation,
  tunnels: readonly TunnelFirewall<HomeForwarding>[],
): readonly StagedStep[] {
  const wanted = tunnels.filter(({ forwarding }) => forwarding.visitors)
  const slots = wanted.map(({ visitorSlot }) => visitorSlot)
  const isLed = ({ interface: name, visitorSlot }: TunnelFirewall): boolean =>
    tunnelIn(observed, name) !== null &&
    observed.visitors.some(({ interface: to, slot, isWhole }) => isWhole && to === name && slot === visitorSlot)
  return [
    ...observed.visitors
      .filter(({ slot }) => !slots.includes(slot))
      .map(({ slot }) => ({ kind: 'unlead-visitors', slot }) as const),
    ...wanted
      .filter((tunnel) => !isLed(tunnel))
      .map(({ interface: name, visitorSlot: slot }) => {
        const because = whyThere(observed, slot)
        return { kind: 'lead-visitors', interface: name, slot, ...(because === null ? {} : { because }) } as const
      }),
  ]
}

/** Who is the reason why another mark than the usual one is used; null: nobody. */
function whyThere({ foreignMarks }: OpenwrtObservation, slot: number): string | null {
  const usual = markCollision(0, foreignMarks)
  return slot === 0 || usual === null ? null : `${usual.by} uses the marks that homeward usually does`
}

function wantedFirewall({ sections }: OpenwrtObservation, tunnel: TunnelFirewall<HomeForwarding>): readonly Section[] {
  const foreign = sections.filter((section) => tunnelOf(section) === null)
  return firewallSections(tunnel, foreign)
}
