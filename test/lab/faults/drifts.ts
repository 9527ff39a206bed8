import type { Host } from '../host/host.ts'

/** What somebody does to a homeward machine behind its back. Each breaks one thing for good. */

export const INTERFACE = 'hw0'

export async function deleteInterface(host: Host): Promise<void> {
  await host.run('ip', ['link', 'del', INTERFACE])
}

export async function deleteAddress(host: Host): Promise<void> {
  await host.run('ip', ['address', 'flush', 'dev', INTERFACE])
}

export async function deleteRoutes(host: Host): Promise<void> {
  await host.run('ip', ['route', 'flush', 'dev', INTERFACE])
}

export async function deleteFirewall(host: Host): Promise<void> {
  await host.run('nft', ['delete', 'table', 'inet', 'homeward'])
}

/** At home the hub, on the hub the home whose key it is; without a key the only one. */
export async function removePeer(host: Host, publicKey?: string): Promise<void> {
  await host.run('wg', ['set', INTERFACE, 'peer', publicKey ?? (await onlyPeer(host)), 'remove'])
}

/** To an address where nobody answers. */
export async function misdirectEndpoint(host: Host): Promise<void> {
  await host.run('wg', ['set', INTERFACE, 'peer', await onlyPeer(host), 'endpoint', '203.0.113.99:5000'])
}

async function onlyPeer(host: Host): Promise<string> {
  const keys = (await host.run('wg', ['show', INTERFACE, 'peers'])).stdout.trim().split('\n')
  if (keys.length !== 1 || keys[0] === '') throw new Error(`${host.name} has not exactly one peer: ${keys.length}`)
  return keys[0] ?? ''
}
