import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import type { TunnelConfig } from '../../../agent/settings/config.ts'
import { keptPrefixes, networksBehind } from '../../../agent/lan/kept-prefixes.ts'
import { sampleTunnel, sampleRouter } from '../sample-config.ts'

const OPENWRT = { kind: 'openwrt', host: '192.168.1.1', port: 22, user: 'root' }

test('behind a router that is the LAN’s gateway all of the LAN keeps visitors’ addresses, and else nothing', async () => {
  for (const router of [sampleRouter, { ...OPENWRT, hostKey: { type: 'ssh-ed25519', sha256: 'a'.repeat(43) } }]) {
    const of = (mode: 'routed' | 'masquerade') =>
      keptPrefixes({ ...sampleTunnel, router, lan: { mode, prefixes: ['192.168.1.0/24'] } } as TunnelConfig)
    expect(await of('routed')).toEqual(['192.168.1.0/24'])
    expect(await of('masquerade')).toEqual([])
  }
})

test('a network without the default route may be behind this machine, and none that it is in by cable and by radio', () => {
  const cable = { interface: 'eth0', prefix: '192.168.88.0/24' }
  const radio = { interface: 'wlan0', prefix: '192.168.88.0/24' }
  const other = { interface: 'eth1', prefix: '192.168.7.0/24' }
  expect(networksBehind({ connected: [cable, radio, other], defaultInterface: 'eth0' })).toEqual(['192.168.7.0/24'])
  expect(networksBehind({ connected: [cable, other], defaultInterface: 'wan0' })).toEqual([cable.prefix, other.prefix])
})

test('on a Pi its own addresses do, as far as the tunnel leads to them, and as the hub knows them', async () => {
  const own = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address
  const prefix = own === undefined ? '192.168.1.0/24' : `${own.split('.').slice(0, 3).join('.')}.0/24`
  const lan = { mode: 'masquerade', prefixes: [prefix], seenAs: { [prefix]: '10.168.9.0/24' } } as const
  const kept = await keptPrefixes({ ...sampleTunnel, lan: { ...lan, prefixes: [prefix] } })
  expect(kept).toContain(`${sampleTunnel.hub.address}/32`)
  expect(kept.some((one) => one.startsWith('10.168.9.'))).toBe(own !== undefined)
  expect(await keptPrefixes({ ...sampleTunnel, lan: { mode: 'masquerade', prefixes: [] } })).toEqual([
    `${sampleTunnel.hub.address}/32`,
  ])
})
