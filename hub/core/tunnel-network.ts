import { hostsOf, nthAddress } from '../../net/hosts.ts'
import { isIn, prefixLength } from '../../net/prefix.ts'
import { Problem } from '../../problems/problem.ts'
import type { StoreDocument } from './store-document.ts'

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

/** @throws {Problem} `config-invalid` when another network would take homes or devices their addresses. */
export function refuseNetwork({ homes, devices }: StoreDocument, network: string, next: string): void {
  const lost = [...homes, ...devices].find(({ address }) => !isIn(address, [next]) || address === hubAddressIn(next))
  if (lost === undefined) return
  throw new Problem('config-invalid', {
    what: 'taking the new settings',
    why: `network: ${lost.name} has ${lost.address} of ${network}, which ${next} does not leave to it`,
  })
}
