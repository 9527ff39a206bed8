import { isKeyText, parsePublicKey } from '../../wireguard/keys.ts'
import type { PeerState } from '../../wireguard/dump.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import type { ObservedInterface } from '../observation.ts'
import type { RouteSpec } from '../spec.ts'
import { fasttrackWarnings } from './objects/fasttrack.ts'
import { isTrue } from './api/flag.ts'
import { RULE_MENUS, type Tables } from './objects/menus.ts'
import { canonicalAddress } from '../../net/address.ts'
import { networkOf } from '../../net/prefix.ts'
import {
  belongsTo,
  findOwn,
  findRenamed,
  isBlackhole,
  isMarkedFor,
  isOwnRule,
  markedName,
  ownerOf,
} from './objects/ours.ts'
import { AS_EVERY_ROUTER } from '../router/as-every-router.ts'
import type { Blackhole, ForeignNetwork, ForeignPeer, RouterObservation } from './observation.ts'
import { parseMark, peerNameOf } from './objects/mark.ts'
import { byChain, ownRules } from './objects/rule-row.ts'
import type { RawTable } from './objects/raw.ts'
import type { Row } from './api/session.ts'
import { secondsIn } from './api/values.ts'

/** The output of RouterOS as an observation. Pure. */

export interface Found extends Tables {
  /** All interfaces, of any kind. */
  readonly links: readonly Row[]
  readonly raw: RawTable
  /** The row of `/ip/settings`. */
  readonly settings: Row
}

/** Converts how many seconds ago a peer shook hands, by the router, to seconds since 1970. */
export type HandshakeAt = (publicKey: string, ageSeconds: number | null) => number | null

/** @throws {SyntaxError} on unforeseen output of the router, which must not be taken for an empty router. */
export function toObservation(found: Found, handshakeAt: HandshakeAt): RouterObservation {
  const { own, lost, remains } = namesIn(found)
  const known = [...own.keys(), ...lost, ...remains]
  const foreign = foreignNetworks(known, found)
  const firewall = RULE_MENUS.flatMap((menu) => byChain(ownRules(menu, found[menu])))
  return {
    ...AS_EVERY_ROUTER,
    interfaces: [...own].map(([name, row]) => toInterface(name, row, found, handshakeAt)),
    remains,
    foreignInterfaces: [...found.links, ...found.interface]
      .map((row) => row['name'] ?? '')
      .filter((name) => !own.has(name)),
    lostNames: lost,
    firewall: firewall.length === 0 ? null : firewall.map(({ fingerprint }) => fingerprint),
    clashes: [],
    warnings: fasttrackWarnings(found.filter),
    blackholes: blackholes(found),
    foreignNetworks: foreign,
    networks: [...connectedNetworks(known, found), ...foreign.map(({ prefix }) => ({ interface: null, prefix }))],
    foreignPeers: foreignPeers(known, found),
    raw: found.raw,
    hasStrictReversePath: found.settings['rp-filter'] === 'strict',
  }
}

interface Names {
  /** Interfaces of ours under their own names. */
  readonly own: ReadonlyMap<string, Row>
  /** Names that interfaces had before somebody renamed them. */
  readonly lost: readonly string[]
  /** Names of interfaces that are gone, of which something is left. */
  readonly remains: readonly string[]
}

function namesIn(found: Found): Names {
  const marked = [...new Set(found.interface.flatMap((row) => markedName(row) ?? []))].sort()
  const own = new Map(
    marked.flatMap((name) => {
      const row = findOwn(name, found.interface)
      return row === undefined ? [] : [[name, row] as const]
    }),
  )
  const told = new Set(toldNames(found))
  const lost = marked.filter(
    (name) => (GIVEN_NAME.test(name) || told.has(name)) && findRenamed(name, found.interface) !== undefined,
  )
  const owners = new Set([...found.peer, ...found.address, ...found.route].flatMap((row) => ownerOf(row) ?? []))
  return { own, lost, remains: [...owners].filter((name) => !own.has(name) && !lost.includes(name)).sort() }
}

/** The names that homeward gives interfaces by default. */
const GIVEN_NAME = /^hw\d+$/

/**
 * Tunnels that are named by a mark that no owner would write by chance: a comment `homeward bound` on an interface of
 * theirs reads like our mark. Marks of routes and rules hold more than a word and a name, and so does a peer's own
 * name.
 */
function toldNames(found: Found): readonly string[] {
  return [
    ...found.route.flatMap((row) => ownerOf(row) ?? []),
    ...found.peer.flatMap((row) => {
      const name = markedName(row)
      return name !== null && row['name'] === peerNameOf(name) ? [name] : []
    }),
    ...RULE_MENUS.flatMap((menu) => found[menu].filter(isOwnRule)).flatMap(
      (row) => parseMark(row['comment'])?.interface ?? [],
    ),
  ]
}

function toInterface(name: string, row: Row, found: Found, handshakeAt: HandshakeAt): ObservedInterface {
  const up = !isTrue(row['disabled'])
  const addresses = found.address.filter((address) => belongsTo(name, address))
  return {
    name,
    publicKey: isKeyText(row['public-key'] ?? '') ? parsePublicKey(row['public-key'] ?? '') : null,
    listenPort: count(row['listen-port'], 'listen-port'),
    fwmark: 0,
    up,
    mtu: count(row['mtu'], 'mtu'),
    peers: found.peer.filter((peer) => belongsTo(name, peer)).flatMap((peer) => toPeer(name, peer, handshakeAt) ?? []),
    addresses: addresses.map(addressOf),
    cutOff: up ? addresses.filter((address) => isCutOff(name, address)).map(addressOf) : [],
    routes: routes(name, found),
  }
}

function addressOf(row: Row): string {
  return row['address'] ?? ''
}

function isCutOff(interfaceName: string, row: Row): boolean {
  return row['interface'] !== interfaceName || isTrue(row['disabled']) || isTrue(row['invalid'])
}

/** A peer. One that is switched off, or hangs on another interface, counts as without prefixes: nothing passes. */
function toPeer(interfaceName: string, row: Row, handshakeAt: HandshakeAt): PeerState | null {
  const publicKey = row['public-key'] ?? ''
  if (!isKeyText(publicKey)) return null
  const works = row['interface'] === interfaceName && !isTrue(row['disabled'])
  return {
    publicKey: parsePublicKey(publicKey),
    // The router is never asked for it.
    presharedKeyId: null,
    endpoint: endpointOf(row),
    allowedIps: works ? (row['allowed-address'] ?? '').split(',').filter((prefix) => prefix !== '') : [],
    lastHandshakeAt: handshakeAt(publicKey, secondsIn(row['last-handshake'])),
    rxBytes: count(row['rx'] ?? '0', 'rx'),
    txBytes: count(row['tx'] ?? '0', 'tx'),
    keepaliveSeconds: secondsIn(row['persistent-keepalive']) ?? 0,
  }
}

/** The endpoint that the peer sends to now; before it ever sent, the configured one. */
function endpointOf(row: Row): Endpoint | null {
  const { 'current-endpoint-address': current, 'current-endpoint-port': currentPort } = row
  return literal(current, currentPort) ?? configuredEndpoint(row)
}

export function configuredEndpoint(row: Row): Endpoint | null {
  return literal(row['endpoint-address'], row['endpoint-port'])
}

/** An endpoint; null for port 0, which stands for none. */
function literal(address: string | undefined, port: string | undefined): Endpoint | null {
  const number = Number(port ?? 0)
  if (address === undefined || address === '' || !Number.isInteger(number) || number === 0) return null
  return { address: canonicalAddress(address), port: number }
}

function routes(interfaceName: string, { route }: Found): readonly RouteSpec[] {
  return route
    .filter((row) => isMarkedFor(interfaceName, row) && !isBlackhole(row) && !isTrue(row['disabled']))
    .map((row) => ({ prefix: row['dst-address'] ?? '', mtu: null }))
}

function blackholes({ route }: Found): readonly Blackhole[] {
  return route.flatMap((row) => {
    const owner = isBlackhole(row) && !isTrue(row['disabled']) ? ownerOf(row) : null
    return owner === null ? [] : [{ interface: owner, prefix: row['dst-address'] ?? '' }]
  })
}

/** The networks that the router is on, ours apart. */
function connectedNetworks(known: readonly string[], found: Found): RouterObservation['networks'] {
  return othersAddresses(known, found).map((row) => ({
    interface: row['interface'] ?? '',
    prefix: networkOf(addressOf(row)),
  }))
}

function othersAddresses(known: readonly string[], { address }: Found): readonly Row[] {
  return address
    .filter((row) => !belongsToAny(known, row) && ownerOf(row) === null && !isTrue(row['disabled']))
    .filter((row) => addressOf(row).includes('/'))
}

/** Addresses and routes that would take a part of a network from the tunnel, or the other way round. */
function foreignNetworks(known: readonly string[], found: Found): readonly ForeignNetwork[] {
  return [
    ...othersAddresses(known, found).map((row) => ({
      prefix: networkOf(addressOf(row)),
      by: `the address ${addressOf(row)} on ${row['interface']}`,
    })),
    ...found.route
      // Dynamic routes come from addresses, which were checked, or from a protocol that may take them back.
      .filter((row) => !isTrue(row['dynamic']) && ownerOf(row) === null && !isTrue(row['disabled']))
      .map((row) => ({ prefix: row['dst-address'] ?? '', by: `a route to ${row['dst-address']}` })),
  ]
}

function foreignPeers(known: readonly string[], { peer }: Found): readonly ForeignPeer[] {
  return peer.flatMap((row) => {
    const publicKey = row['public-key'] ?? ''
    if (belongsToAny(known, row) || ownerOf(row) !== null || !isKeyText(publicKey)) return []
    return [{ publicKey: parsePublicKey(publicKey), interface: row['interface'] ?? '' }]
  })
}

function belongsToAny(names: readonly string[], row: Row): boolean {
  return names.some((name) => belongsTo(name, row))
}

function count(text: string | undefined, what: string): number {
  if (text === undefined || !/^\d+$/.test(text)) throw new SyntaxError(`the router says no number for ${what}`)
  return Number(text)
}
