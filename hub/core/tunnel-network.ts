import { hostsOf, nthAddress } from '../../net/hosts.ts'
import { isIn, networkOf, prefixLength } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import type { StoreDocument } from './store-document.ts'

/** The network of a hub that was given none. */
export const DEFAULT_NETWORK = '10.86.0.0/16'

/** The hub's own address: the first of the tunnel's network. */
export function hubAddressIn(network: string): string {
  return nthAddress(network, 1)
}

/** The hub's address with the network's prefix length, as the interface carries it. */
export function hubInterfaceAddress(network: string): string {
  return `${hubAddressIn(network)}/${prefixLength(network)}`
}

/** The lowest free address of the network. @throws {Problem} `network-full`. */
export function nextFreeAddress(network: string, taken: ReadonlySet<string>, what: string): string {
  const hub = hubAddressIn(network)
  for (const address of hostsOf(network)) if (address !== hub && !taken.has(address)) return address
  throw new Problem('network-full', { what, why: `every address of ${network} is in use` })
}

/**
 * The network that homes and devices are in. A store of which the network was never changed does not say it: then it is
 * what hub.yaml says, unless somebody has another address; that is of the network that was there before.
 * @param configured hub.yaml's.
 * @param running the network of the interface, where there is one.
 */
export function networkInForce(document: StoreDocument, configured: string, running: string | null): string {
  if (document.network !== undefined) return document.network
  const addresses = [...document.homes, ...document.devices].map(({ address }) => address)
  const holds = (network: string): boolean =>
    addresses.every((address) => isIn(address, [network]) && address !== hubAddressIn(network))
  const known = [configured, ...(running === null ? [] : [running]), DEFAULT_NETWORK].find(holds)
  if (known !== undefined) return known
  const lengths = Array.from({ length: 22 }, (_, index) => 29 - index)
  const around = lengths.map((length) => networkOf(`${addresses[0] ?? '10.86.0.0'}/${length}`)).find(holds)
  return around ?? configured
}
