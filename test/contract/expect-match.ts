import { expect } from 'vitest'
import type { Observation } from '../../adapters/observation.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import type { RouteSpec, TunnelSpec } from '../../adapters/spec.ts'
import { sameEndpoint } from '../../wireguard/spec.ts'

/** That an observation says what was wanted, without asking the planner, which could be wrong in the same way. */
export function expectMatch(observed: Observation, desired: readonly TunnelSpec[], which: string): void {
  expect(observed.clashes, which).toEqual([])
  expect(observed.remains, which).toEqual([])
  expect(observed.interfaces.map(({ name }) => name).sort(), which).toEqual(
    desired.map((spec) => spec.interface).sort(),
  )
  if (desired.length === 0) expect(observed, which).toMatchObject({ firewall: null, forwardingIsOurs: false })
  for (const spec of desired) expectTunnel(observed, spec, which)
}

function expectTunnel(observed: Observation, spec: TunnelSpec, which: string): void {
  expect(observed.forwarding, which).toBe(true)
  expect(observed.firewall?.length, which).toBeGreaterThan(0)
  const own = tunnelIn(observed, spec.interface)
  expect(own, which).toMatchObject({
    name: spec.interface,
    up: true,
    mtu: spec.mtu,
    addresses: [spec.address],
    ...(spec.listenPort === null ? {} : { listenPort: spec.listenPort }),
  })
  if (spec.publicKey === null) expect(own?.publicKey, which).not.toBeNull()
  else expect(own?.publicKey, which).toBe(spec.publicKey)
  const routesOf = (routes: readonly RouteSpec[]) => routes.map(({ prefix, mtu }) => `${prefix} ${mtu}`).sort()
  expect(routesOf(own?.routes ?? []), which).toEqual(routesOf(spec.routes))
  const peers = new Map(own?.peers.map((peer) => [peer.publicKey, peer]))
  expect(peers.size, which).toBe(spec.peers.length)
  for (const wanted of spec.peers) {
    const peer = peers.get(wanted.publicKey)
    expect(peer, which).toMatchObject({
      presharedKeyId: wanted.presharedKeyId,
      keepaliveSeconds: wanted.keepaliveSeconds,
    })
    expect([...(peer?.allowedIps ?? [])].sort(), which).toEqual([...wanted.allowedIps].sort())
    if (wanted.endpoint !== null && !wanted.endpoint.address.includes(':'))
      expect(sameEndpoint(peer?.endpoint ?? null, wanted.endpoint), which).toBe(true)
  }
}
