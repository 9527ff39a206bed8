import { ip, ipBatch, readLinks, readRoutes } from './api.ts'
import { type MarkedRoute, parseLinks, parseRoutes, routeArguments } from './convert.ts'

/**
 * Removes an address and nothing else. With the first of several addresses of a network the kernel removes the others
 * as well (`promote_secondaries` in ip-sysctl.rst is off by default), and with the last address all routes.
 */
export async function removeAddress(name: string, address: string, signal: AbortSignal): Promise<void> {
  const before = await readAddressing(name, signal)
  await ip(['address', 'del', address, 'dev', name], signal)
  const after = await readAddressing(name, signal)
  const lost = [
    ...before.addresses
      .filter((other) => other !== address && !after.addresses.includes(other))
      .map((other) => `address add ${other} dev ${name}`),
    ...before.routes
      .filter(({ prefix }) => !after.routes.some((route) => route.prefix === prefix))
      .map((route) => ['route', 'add', ...routeArguments(name, route)].join(' ')),
  ]
  if (lost.length > 0) await ipBatch(lost, signal)
}

interface Addressing {
  readonly addresses: readonly string[]
  readonly routes: readonly MarkedRoute[]
}

async function readAddressing(name: string, signal: AbortSignal): Promise<Addressing> {
  const [links, routes] = await Promise.all([readLinks(signal), readRoutes(signal)])
  return {
    addresses: parseLinks(links).find((link) => link.name === name)?.addresses ?? [],
    routes: parseRoutes(routes).filter((route) => route.interface === name),
  }
}
