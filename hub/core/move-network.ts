import { freeTunnelNetwork } from '../../net/free-network.ts'
import { movedTo } from '../../net/hosts.ts'
import { overlaps } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import { type Occupied } from './lan.ts'
import type { Change, Home, StoreDocument } from './store-document.ts'
import { hubAddressIn, nextFreeAddress } from './tunnel-network.ts'

/** The addresses that another network brings, for people. */
export interface NetworkMove {
  readonly from: string
  readonly to: string
  /** Homes with another address; each takes it by itself. */
  readonly homes: readonly MovedPeer[]
  /** Devices with another address; each needs a new file. */
  readonly devices: readonly MovedPeer[]
}

export interface MovedPeer {
  readonly name: string
  readonly from: string
  readonly to: string
}

/**
 * Gives the tunnel another network: homes, devices and invitations get addresses in it, with the same host part where
 * that is free. Homes hear of theirs from the registrar, outside the tunnel. Pure.
 * @throws {Problem} `network-not-followed` when a home would be lost, `lan-overlaps`, `network-full`.
 */
export function moveNetwork(
  document: StoreDocument,
  from: string,
  to: string,
  own: readonly Occupied[],
): Change<NetworkMove> {
  const what = `giving the tunnel the network ${to}`
  refuseOccupied(document, to, own, what)
  const addresses = newAddresses(document, from, to, what)
  const place = (address: string): string => addresses.get(address) ?? address
  refuseLosing(document.homes, place, hubAddressIn(from) !== hubAddressIn(to), what)
  const home = (one: Home): Home => ({
    ...one,
    address: place(one.address),
    ...(one.keeps === undefined
      ? {}
      : { keeps: one.keeps.map((prefix) => placeOfHost(prefix, one.address, place)).sort() }),
  })
  const moved = (peers: readonly { readonly name: string; readonly address: string }[]): readonly MovedPeer[] =>
    peers.flatMap(({ name, address }) =>
      place(address) === address ? [] : [{ name, from: address, to: place(address) }],
    )
  return [
    {
      ...document,
      network: to,
      homes: document.homes.map(home),
      devices: document.devices.map((one) => ({ ...one, address: place(one.address) })),
      invites: document.invites.map((one) => ({
        ...one,
        address: place(one.address),
        ...(one.use?.replaced == null ? {} : { use: { ...one.use, replaced: home(one.use.replaced) } }),
      })),
      // A service on the home's own end of the tunnel moves with it.
      publications: document.publications.map((one) => ({ ...one, address: place(one.address) })),
    },
    { from, to, homes: moved(document.homes), devices: moved(document.devices) },
  ]
}

/** The new address of each old one. Those that can keep their host part do, so that people find them again. */
function newAddresses(document: StoreDocument, from: string, to: string, what: string): ReadonlyMap<string, string> {
  const replaced = document.invites.flatMap(({ use }) => (use?.replaced == null ? [] : [use.replaced]))
  const all = [...document.homes, ...document.devices, ...document.invites, ...replaced]
  const old = [...new Set(all.map(({ address }) => address))]
  const found = new Map<string, string>()
  const taken = new Set([hubAddressIn(to)])
  const take = (address: string, next: string): void => {
    found.set(address, next)
    taken.add(next)
  }
  // What lies in both networks stays so: a network that only grows takes nobody an address.
  const fits = (address: string): string | null => {
    const next = movedTo(to, address)
    return isHost(next, to) && movedTo(from, next) === address ? next : null
  }
  for (const address of old) {
    const next = fits(address)
    if (next !== null && !taken.has(next)) take(address, next)
  }
  for (const address of old) if (!found.has(address)) take(address, nextFreeAddress(to, taken, what))
  return found
}

/** Whether hosts can have the address: not the network's own, nor its broadcast address. */
function isHost(address: string, network: string): boolean {
  return address !== movedTo(network, '0.0.0.0') && address !== movedTo(network, '255.255.255.255')
}

function placeOfHost(prefix: string, address: string, place: (address: string) => string): string {
  return prefix === `${address}/32` ? `${place(address)}/32` : prefix
}

function refuseOccupied({ homes, invites }: StoreDocument, to: string, own: readonly Occupied[], what: string): void {
  const occupied = [
    ...own,
    ...homes.flatMap(({ name, lan }) => lan.map((prefix) => ({ prefix, by: `the LAN of the home ${name}` }))),
    ...invites.flatMap(({ home, lan }) => lan.map((prefix) => ({ prefix, by: `the LAN of the invited home ${home}` }))),
  ]
  const clash = occupied.find(({ prefix }) => overlaps(prefix, to))
  if (clash === undefined) return
  const free = freeTunnelNetwork(occupied.map(({ prefix }) => prefix))
  throw new Problem('lan-overlaps', {
    what,
    why: `${to} overlaps ${clash.prefix}, ${clash.by}`,
    next: free === null ? 'Choose another one' : `Take one that is free: sudo homeward hub init --network ${free}`,
  })
}

/** A home of an older version does not hear of its new address, and nobody might be there to join it again. */
function refuseLosing(
  homes: readonly Home[],
  place: (address: string) => string,
  hubMoves: boolean,
  what: string,
): void {
  const lost = homes.filter(({ address, follows }) => follows !== true && (hubMoves || place(address) !== address))
  if (lost.length === 0) return
  throw new Problem('network-not-followed', {
    what,
    why: `${lost.map(({ name }) => name).join(', ')} ${lost.length === 1 ? 'has' : 'have'} not said to be able to follow, and would be lost`,
  })
}
