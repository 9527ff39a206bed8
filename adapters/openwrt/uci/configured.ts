import { hostPort } from '../../../wireguard/host-port.ts'
import { isKeyText, parsePublicKey, type PublicKey } from '../../../wireguard/keys.ts'
import type { PeerState } from '../../../wireguard/dump.ts'
import { parseEndpoint } from '../../../wireguard/spec.ts'
import type { ObservedInterface } from '../../observation.ts'
import type { RouteSpec } from '../../spec.ts'
import { isInterface, list, peerType, PRIVATE_KEY, type Section, text, tunnelOf } from './sections.ts'

/** A tunnel as its sections configure it, whether it runs or not. Pure. */

/** An interface as uci has it: not up, and nothing is known but what was wanted. */
export function configuredInterface(name: string, sections: readonly Section[]): ObservedInterface {
  const own = sections.find((section) => isInterface(section) && section.name === name)
  const options = own?.options ?? {}
  return {
    name,
    publicKey: keyIn(text(options, PRIVATE_KEY) ?? ''),
    listenPort: Number(text(options, 'listen_port') ?? 0),
    fwmark: 0,
    up: false,
    mtu: Number(text(options, 'mtu') ?? 0),
    peers: configuredPeers(name, sections),
    addresses: list(options, 'addresses'),
    cutOff: [],
    routes: configuredRoutes(name, sections),
  }
}

/** Peers of the interface, in any section. A section without a key is no peer: the handlers ignore it. */
export function configuredPeers(name: string, sections: readonly Section[]): readonly PeerState[] {
  return sections
    .filter(({ config, type }) => config === 'network' && type === peerType(name))
    .flatMap(({ options }) => {
      const publicKey = keyIn(text(options, 'public_key') ?? '')
      if (publicKey === null) return []
      const host = text(options, 'endpoint_host') ?? ''
      const port = text(options, 'endpoint_port') ?? '51820'
      return [
        {
          publicKey,
          presharedKeyId: null,
          endpoint: parseEndpoint(hostPort(host, Number(port))),
          allowedIps: text(options, 'disabled') === '1' ? [] : list(options, 'allowed_ips'),
          lastHandshakeAt: null,
          rxBytes: 0,
          txBytes: 0,
          keepaliveSeconds: Number(text(options, 'persistent_keepalive') ?? 0),
        },
      ]
    })
}

export function configuredRoutes(name: string, sections: readonly Section[]): readonly RouteSpec[] {
  return sections
    .filter(
      (section) => section.type === 'route' && section.options['table'] === undefined && tunnelOf(section) === name,
    )
    .map(({ options }) => ({ prefix: text(options, 'target') ?? '', mtu: null }))
}

/** @returns null where there is no key. */
export function keyIn(word: string): PublicKey | null {
  return isKeyText(word) ? parsePublicKey(word) : null
}
