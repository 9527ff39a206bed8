import { Problem } from '../../problems/problem.ts'
import { prefixContains } from '../../protocol/addresses.ts'
import type { StoreDocument } from './store-document.ts'

/** The hub's own address: the first of the tunnel's network. */
export function hubAddressIn(network: string): string {
  return textOf(rangeOf(network).first)
}

/** With the network's length, as the interface carries it. */
export function hubInterfaceAddress(network: string): string {
  return `${hubAddressIn(network)}/${network.split('/')[1]}`
}

/** The lowest address of the network that nobody has. @throws {Problem} `network-full`. */
export function nextFreeAddress(network: string, taken: ReadonlySet<string>, what: string): string {
  const { first, last } = rangeOf(network)
  for (let address = first + 1; address <= last; address += 1) {
    const text = textOf(address)
    if (!taken.has(text)) return text
  }
  throw new Problem('network-full', { what, why: `every address of ${network} is in use` })
}

/** @throws {Problem} `config-invalid` when another network would take homes or devices their addresses. */
export function refuseNetwork({ homes, devices }: StoreDocument, network: string, next: string): void {
  const lost = [...homes, ...devices].find(
    ({ address }) => !prefixContains(next, address) || address === hubAddressIn(next),
  )
  if (lost === undefined) return
  throw new Problem('config-invalid', {
    what: 'taking the new settings',
    why: `network: ${lost.name} has ${lost.address} of ${network}, which ${next} does not leave to it`,
  })
}

/** First and last host of a prefix, as numbers: without the network's own address and the broadcast one. */
function rangeOf(network: string): { readonly first: number; readonly last: number } {
  const [address = '', length = ''] = network.split('/')
  const base = address.split('.').reduce((number, part) => number * 256 + Number(part), 0)
  return { first: base + 1, last: base + 2 ** (32 - Number(length)) - 2 }
}

function textOf(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join('.')
}
