import { parsePublicKey } from '../../../wireguard/keys.ts'
import type { ObservedInterface } from '../../observation.ts'
import { isAnswerSection } from '../include/answers.ts'
import { configuredPeers, configuredRoutes } from '../uci/configured.ts'
import type { OpenwrtObservation } from './observation.ts'
import { tunnelIn } from '../../tunnel-in.ts'
import { isPeerAsWanted } from '../../planning/peer-as-wanted.ts'
import { isInterface, list, PRIVATE_KEY, type Section, text, tunnelOf } from '../uci/sections.ts'

/** A part in which what runs differs from what is configured. Pure. */
export type Difference = 'interface' | 'peers' | 'firewall' | 'answers'

/**
 * Compares what runs with what is configured. netifd says `up` as soon as there is a device, and ignores changes of
 * peers; only WireGuard and the kernel know.
 * @param sections as they should be.
 * @param placed keys of the peers that must send to their configured endpoint; others may have been moved elsewhere.
 */
export function differences(
  interfaceName: string,
  sections: readonly Section[],
  observed: OpenwrtObservation,
  placed: ReadonlySet<string>,
): readonly Difference[] {
  const own = sections.find(
    (section) => isInterface(section) && section.name === interfaceName && tunnelOf(section) !== null,
  )
  const hasFirewall = sections.some((section) => section.config === 'firewall' && tunnelOf(section) === interfaceName)
  const hasAnswers = sections.some((section) => tunnelOf(section) === interfaceName && isAnswerSection(section))
  const isLed = observed.visitors.some(({ interface: to, isWhole }) => to === interfaceName && isWhole)
  const live = observed.live.includes(interfaceName) ? tunnelIn(observed, interfaceName) : null
  if (own === undefined) return observed.devices.includes(interfaceName) ? ['interface'] : []
  return [
    ...(live === null || !isRunning(own, sections, live) ? ['interface' as const] : []),
    ...(live !== null && !arePeersRunning(interfaceName, sections, live, placed) ? ['peers' as const] : []),
    ...(hasFirewall && !observed.firewalled.includes(interfaceName) ? ['firewall' as const] : []),
    ...(hasAnswers && !isLed ? ['answers' as const] : []),
  ]
}

function isRunning({ name, options }: Section, sections: readonly Section[], live: ObservedInterface): boolean {
  const wanted = list(options, 'addresses')
  const key = text(options, PRIVATE_KEY)
  const listenPort = text(options, 'listen_port')
  return (
    live.up &&
    (key === null || key === '' || live.publicKey === parsePublicKey(key)) &&
    String(live.mtu) === (text(options, 'mtu') ?? String(live.mtu)) &&
    (listenPort === null || String(live.listenPort) === listenPort) &&
    wanted.length === live.addresses.length &&
    wanted.every((address) => live.addresses.includes(address)) &&
    live.cutOff.length === 0 &&
    configuredRoutes(name, sections).every(({ prefix }) => live.routes.some((route) => route.prefix === prefix))
  )
}

function arePeersRunning(
  name: string,
  sections: readonly Section[],
  live: ObservedInterface,
  placed: ReadonlySet<string>,
): boolean {
  const wanted = configuredPeers(name, sections)
  return (
    wanted.length === live.peers.length &&
    wanted.every((peer) =>
      isPeerAsWanted(
        live.peers.find(({ publicKey }) => publicKey === peer.publicKey),
        placed.has(peer.publicKey) ? peer : { ...peer, endpoint: null },
      ),
    )
  )
}
