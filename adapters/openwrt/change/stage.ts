import type { HomeForwarding } from '../../spec.ts'
import type { HostStep, KeyStep, TunnelStep } from '../../step.ts'
import { answerSections, isAnswerSection } from '../include/answers.ts'
import { firewallSections } from '../include/firewall-sections.ts'
import { peerSection, routeName, routeSection } from '../uci/objects.ts'
import {
  interfaceSection,
  isInterface,
  keyOf,
  list,
  type Options,
  peerName,
  peerType,
  PRIVATE_KEY,
  sameSection,
  type Section,
  tunnelOf,
} from '../uci/sections.ts'

/** A step that changes the configuration. */
export type StagedStep =
  | TunnelStep<HomeForwarding>
  | KeyStep
  | Extract<HostStep, { kind: 'lead-visitors' | 'unlead-visitors' }>

/**
 * What a step makes of the configuration, on paper: all known sections go in, theirs and ours, and come out with ours
 * changed. A step that changes no configuration returns them unchanged.
 */
export function stage(sections: readonly Section[], step: StagedStep): readonly Section[] {
  switch (step.kind) {
    case 'create-interface':
      return put(sections, interfaceSection(step.interface))
    case 'set-private-key':
      return change(sections, step.interface, { [PRIVATE_KEY]: step.publicKey })
    case 'set-listen-port':
      return change(sections, step.interface, { listen_port: String(step.port) })
    case 'set-mtu':
      return change(sections, step.interface, { mtu: String(step.mtu) })
    case 'add-address':
      return addresses(sections, step.interface, (there) => [
        ...there.filter((one) => one !== step.address),
        step.address,
      ])
    case 'remove-address':
      return addresses(sections, step.interface, (there) => there.filter((one) => one !== step.address))
    case 'set-peers':
      return step.peers.reduce((now, peer) => put(now, peerSection(step.interface, peer)), sections)
    case 'remove-peers':
      return removePeers(sections, step)
    case 'bring-up':
      return change(sections, step.interface, {}, ['disabled', 'auto'])
    case 'add-route':
      return put(sections, routeSection(step.interface, step))
    case 'remove-route':
      return sections.filter(({ name }) => name !== routeName(step.interface, step.prefix))
    case 'set-firewall': {
      const foreign = sections.filter((section) => tunnelOf(section) === null)
      const wanted = step.tunnels.flatMap((tunnel) => firewallSections(tunnel, foreign))
      const names = new Set(wanted.map(({ name }) => name))
      const without = sections.filter(
        (section) => section.config !== 'firewall' || tunnelOf(section) === null || names.has(section.name),
      )
      return wanted.reduce(put, without)
    }
    case 'remove-firewall':
      return sections.filter((section) => section.config !== 'firewall' || tunnelOf(section) === null)
    case 'remove-interface':
      // Peers that somebody gave the interface go with it: nothing else could use them.
      return sections.filter(
        (section) =>
          section.config !== 'network' ||
          (tunnelOf(section) !== step.interface && section.type !== peerType(step.interface)),
      )
    case 'lead-visitors':
      return answerSections(step.interface, step.slot).reduce(put, sections)
    case 'unlead-visitors':
      return sections.filter((section) => !isAnswerSection(section, step.slot))
    case 'lead-network':
      return sections
    default:
      return step satisfies never
  }
}

/** Whether steps change the configuration, and not only what runs of it: a device that is gone, a flushed firewall. */
export function writes(sections: readonly Section[], steps: readonly StagedStep[]): boolean {
  const wanted = steps.reduce(stage, sections)
  const there = new Map(sections.map((section) => [keyOf(section), section]))
  return wanted.length !== sections.length || wanted.some((section) => !sameSection(there.get(keyOf(section)), section))
}

/** Puts a section in its place, or at the end; options that are not wanted go. */
function put(sections: readonly Section[], section: Section): readonly Section[] {
  const isIt = ({ config, name }: Section): boolean => config === section.config && name === section.name
  return sections.some(isIt) ? sections.map((one) => (isIt(one) ? section : one)) : [...sections, section]
}

function change(
  sections: readonly Section[],
  interfaceName: string,
  wanted: Options,
  without: readonly string[] = [],
): readonly Section[] {
  return sections.map((section) => {
    if (!isInterface(section) || section.name !== interfaceName) return section
    const kept = Object.entries(section.options).filter(([name]) => !without.includes(name))
    return { ...section, options: { ...Object.fromEntries(kept), ...wanted } }
  })
}

function addresses(
  sections: readonly Section[],
  interfaceName: string,
  act: (there: readonly string[]) => readonly string[],
): readonly Section[] {
  const section = sections.find((one) => isInterface(one) && one.name === interfaceName)
  if (section === undefined) return sections
  const wanted = act(list(section.options, 'addresses'))
  return wanted.length === 0
    ? change(sections, interfaceName, {}, ['addresses'])
    : change(sections, interfaceName, { addresses: wanted })
}

/** Removes peers by key, whatever their section's name: a peer that somebody added to our interface is ours too. */
function removePeers(
  sections: readonly Section[],
  { interface: name, publicKeys }: Extract<StagedStep, { kind: 'remove-peers' }>,
): readonly Section[] {
  const keys: readonly unknown[] = publicKeys
  const names = new Set(publicKeys.map((key) => peerName(name, key)))
  return sections.filter(
    (section) =>
      section.type !== peerType(name) || !(names.has(section.name) || keys.includes(section.options['public_key'])),
  )
}
