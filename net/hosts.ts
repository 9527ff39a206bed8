import { formatAddress, parseAddress } from './address.ts'
import { type Prefix, parsePrefix } from './prefix.ts'

/**
 * The addresses that hosts of a network can have, lowest first: without the network's own (in IPv6 the routers' anycast
 * address, RFC 4291, 2.6.1) and without IPv4's broadcast address. @throws {TypeError}
 */
export function* hostsOf(network: string): Generator<string, void> {
  const { bits, first, size } = rangeOf(network)
  const end = bits === 32 ? size - 1n : size
  for (let host = 1n; host < end; host += 1n) yield formatAddress({ bits, value: first + host })
}

/** How many addresses hosts of a network can have, as `hostsOf` yields them. @throws {TypeError} */
export function hostCount(network: string): number {
  const { bits, size } = rangeOf(network)
  return Math.max(0, Number(size) - (bits === 32 ? 2 : 1))
}

/** The nth address of a network; its own address is number 0. @throws {TypeError}, {RangeError} */
export function nthAddress(network: string, n: number): string {
  const { bits, first, size } = rangeOf(network)
  if (n < 0 || n >= size) throw new RangeError(`${network} has no address ${n}`)
  return formatAddress({ bits, value: first + BigInt(n) })
}

/** The address moved to another network of its family, with the same host part, as NETMAP does. @throws {TypeError} */
export function movedTo(network: string, address: string): string {
  const { bits, first, size } = rangeOf(network)
  const parsed = parseAddress(address)
  if (parsed?.bits !== bits) throw new TypeError(`no address of the family of ${network}: ${address.slice(0, 50)}`)
  return formatAddress({ bits, value: first + (parsed.value % size) })
}

function rangeOf(network: string): Pick<Prefix, 'bits'> & { readonly first: bigint; readonly size: bigint } {
  const parsed = parsePrefix(network)
  if (parsed === null) throw new TypeError(`no prefix: ${network.slice(0, 50)}`)
  const size = 1n << BigInt(parsed.bits - parsed.length)
  return { bits: parsed.bits, first: parsed.value - (parsed.value % size), size }
}
