import { Problem } from '../../problems/problem.ts'
import type { PublicKey } from '../../wireguard/keys.ts'
import type { PeerSpec } from '../../wireguard/spec.ts'
import { add, remove, set } from './objects/change.ts'
import { configuredEndpoint } from './convert.ts'
import { isTrue } from './api/flag.ts'
import { markOf, peerNameOf } from './objects/mark.ts'
import { readMenu, RULE_MENUS } from './objects/menus.ts'
import { networkOf } from '../../net/prefix.ts'
import { blackholeOf, routeOf, wantedRules } from './objects/objects.ts'
import { findInterface, read, removeRoutes } from './objects/own-interface.ts'
import type { Place } from './objects/place.ts'
import { freePort } from './objects/port.ts'
import { samePlace } from '../planning/peer-as-wanted.ts'
import { belongsTo, findOwn, findRenamed, isBlackhole, isMarkedFor, isOwnRule } from './objects/ours.ts'
import { setRules } from './objects/rules.ts'
import type { MikrotikStep } from './steps.ts'

/** The place on the router where a step is executed. */
export interface Site extends Place {
  /** Whether peers have names (7.15). */
  readonly peerName: boolean
}

/** Steps that change what is on the router; steps of the rollback are executed elsewhere. */
export type Change = Exclude<
  MikrotikStep,
  { kind: 'arm-rollback' | 'keep-changes' | 'revert-changes' | 'remove-interface' }
>

/** Executes one step; executed again after a kill, it finishes what was begun. */
export async function executeSteps(step: Change, site: Site): Promise<void> {
  switch (step.kind) {
    case 'create-interface':
      return createInterface(step.interface, site)
    case 'set-listen-port':
      return setInterface(step.interface, { 'listen-port': String(step.port) }, site)
    case 'set-mtu':
      return setInterface(step.interface, { mtu: String(step.mtu) }, site)
    case 'bring-up':
      return setInterface(step.interface, { disabled: 'no' }, site)
    case 'add-address':
    case 'lead-network':
      return addAddress(step.interface, step.address, site)
    case 'remove-address':
      return removeAddress(step.interface, step.address, site)
    case 'set-peers':
      for (const peer of step.peers) await setPeer(step.interface, peer, site)
      return
    case 'remove-peers':
      return removePeers(step.interface, step.publicKeys, site)
    case 'add-route':
      return addRoute(step.interface, step.prefix, site)
    case 'remove-route':
      return removeRoutes(step.interface, (row) => row['dst-address'] === step.prefix, site)
    case 'set-firewall':
      return setRules(step.tunnels.flatMap(wantedRules), site)
    case 'remove-firewall':
      return removeFirewall(site)
    default:
      return step satisfies never
  }
}

async function createInterface(name: string, site: Site): Promise<void> {
  const rows = await readMenu(site.exec, 'interface', site.signal)
  if (findOwn(name, rows) !== undefined) return
  if (rows.some((row) => row['name'] === name))
    throw new Problem('interface-taken', {
      what: `making the interface ${name}`,
      why: `an interface ${name} that homeward did not make is there already`,
    })
  const renamed = findRenamed(name, rows)
  if (renamed !== undefined) return set('interface', renamed, { name }, site)
  // No key is given: the router makes one, which nobody else ever sees.
  await add('interface', { name, 'listen-port': String(freePort(rows)), comment: markOf(name) }, site)
}

async function setInterface(name: string, attributes: Readonly<Record<string, string>>, site: Site): Promise<void> {
  const row = await findInterface(name, site)
  if (row === undefined) throw new TypeError(`there is no interface ${name} of homeward on it`)
  await set('interface', row, attributes, site)
}

async function addAddress(name: string, address: string, site: Site): Promise<void> {
  const network = networkOf(address)
  const routes = (await read('route', site)).filter((row) => isMarkedFor(name, row) && isBlackhole(row))
  const blackhole = routes.find((row) => row['dst-address'] === network)
  if (blackhole === undefined) await add('route', blackholeOf(name, network), site)
  else if (isTrue(blackhole['disabled'])) await set('route', blackhole, { disabled: 'no' }, site)
  const found = (await read('address', site)).find((row) => row['address'] === address && belongsTo(name, row))
  const wanted = { interface: name, disabled: 'no', comment: markOf(name) }
  if (found === undefined) return add('address', { address, interface: name, comment: markOf(name) }, site)
  // An address whose interface went and came again stays invalid until it is given the interface again.
  await set('address', found, wanted, site)
}

async function removeAddress(name: string, address: string, site: Site): Promise<void> {
  const network = networkOf(address)
  const own = (await read('address', site)).filter((row) => belongsTo(name, row))
  for (const row of own) if (row['address'] === address) await remove('address', row, site)
  const others = own.filter((row) => row['address'] !== address && networkOf(row['address'] ?? '') === network)
  if (others.length > 0) return
  await removeRoutes(name, (row) => isBlackhole(row) && row['dst-address'] === network, site)
}

/** The port that a peer is told for a moment, to make it forget where it sends: discard (RFC 863). */
const DISCARD = 9

/** Sets a peer. One with the same key is changed in place, so that its session lives. */
async function setPeer(name: string, peer: PeerSpec, site: Site): Promise<void> {
  if (peer.presharedKeyId !== null) throw new TypeError('a router is given no preshared keys')
  const rows = await read('peer', site)
  const found = rows.find((row) => row['public-key'] === peer.publicKey && belongsTo(name, row))
  const wanted = {
    interface: name,
    'allowed-address': peer.allowedIps.join(','),
    'persistent-keepalive': `${peer.keepaliveSeconds}s`,
    ...(peer.endpoint === null
      ? {}
      : { 'endpoint-address': peer.endpoint.address, 'endpoint-port': String(peer.endpoint.port) }),
    comment: markOf(name),
  }
  if (found === undefined) {
    const names = site.peerName ? { name: peerNameOf(name) } : {}
    return add('peer', { 'public-key': peer.publicKey, ...names, ...wanted }, site)
  }
  const moved = peer.endpoint !== null && !samePlace(configuredEndpoint(found), peer.endpoint)
  await set('peer', found, { ...wanted, disabled: 'no' }, site)
  if (moved || peer.endpoint === null || isTrue(found['disabled'])) return
  // The peer followed the hub to an unwanted endpoint, and the wanted one is already configured: the peer returns to it
  // when another port is configured in between. Switching the peer off and on would also do so, and end the session.
  const { 'current-endpoint-address': address, 'current-endpoint-port': port } = found
  if (address === undefined || samePlace({ address, port: Number(port) }, peer.endpoint) || port === '0') return
  const elsewhere = String(peer.endpoint.port === DISCARD ? DISCARD + 1 : DISCARD)
  await set('peer', found, { 'endpoint-port': elsewhere }, site)
  await set('peer', { ...found, 'endpoint-port': elsewhere }, { 'endpoint-port': String(peer.endpoint.port) }, site)
}

async function removePeers(name: string, publicKeys: readonly PublicKey[], site: Site): Promise<void> {
  const keys: ReadonlySet<string> = new Set(publicKeys)
  for (const row of await read('peer', site))
    if (belongsTo(name, row) && keys.has(row['public-key'] ?? '')) await remove('peer', row, site)
}

async function addRoute(name: string, prefix: string, site: Site): Promise<void> {
  const wanted = routeOf(name, prefix)
  const found = (await read('route', site)).find((row) => row['comment'] === wanted['comment'])
  if (found === undefined) return add('route', wanted, site)
  await set('route', found, { ...wanted, disabled: 'no' }, site)
}

async function removeFirewall(site: Site): Promise<void> {
  for (const menu of RULE_MENUS)
    for (const row of await read(menu, site)) if (isOwnRule(row)) await remove(menu, row, site)
}
