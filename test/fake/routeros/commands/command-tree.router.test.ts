import { expect, test } from 'vitest'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { applyDesired } from '../../../../adapters/apply.ts'
import { mikrotikAdapter } from '../../../../adapters/mikrotik/mikrotik.ts'
import { systemClock } from '../../../../system/time/clock.ts'
import { parsePublicKey } from '../../../../wireguard/keys.ts'
import { argumentNames, settableNames, TREE_VERSIONS } from './command-tree.ts'
import { ADMIN, startFakeRouter } from '../fake-router.ts'
import { MENUS } from '../tables/menus.ts'
import { isKnown } from '../tables/shown.ts'
import { isAtLeast, parseVersion } from '../version.ts'
import { stateFolder } from '../../../adapters/state-folder.ts'
import { homeForwarding } from '../../../adapters/forwarding.ts'

const HUB = parsePublicKey('xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=')

const TUNNEL: TunnelSpec = {
  interface: 'hw0',
  publicKey: null,
  listenPort: null,
  mtu: 1400,
  address: '10.86.0.2/16',
  peers: [
    {
      publicKey: HUB,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.1', port: 51820 },
      allowedIps: ['10.86.0.0/16'],
      keepaliveSeconds: 25,
    },
  ],
  routes: [{ prefix: '10.99.0.0/24', mtu: null }],
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade' }),
}

test.each(TREE_VERSIONS)('what can be set on a simulated router is what can be set on a real one: %s', (text) => {
  const version = parseVersion(text)
  for (const { path, properties } of MENUS) {
    const real = settableNames(path, version)
    expect(real, path).not.toBeNull()
    const differing = Object.keys(properties).filter(
      // Versions in between are not in the tree: what came with 7.17 is in that of 7.18.
      (name) => isKnown(properties[name], version) !== real?.has(name),
    )
    expect(differing, path).toEqual([])
  }
})

test.each(TREE_VERSIONS)('the adapter says nothing to a router that a real one does not know: %s', async (text) => {
  const version = parseVersion(text)
  const router = await startFakeRouter({ version: text })
  const adapter = mikrotikAdapter({
    host: '127.0.0.1',
    port: router.tlsPort ?? 0,
    user: ADMIN.user,
    password: async () => ADMIN.password,
    certificate: router.fingerprint,
    stateDir: await stateFolder(),
    clock: systemClock,
  })
  const signal = AbortSignal.timeout(20_000)
  try {
    expect(await applyDesired(adapter, [TUNNEL], signal)).not.toEqual([])
    expect(await applyDesired(adapter, [TUNNEL], signal)).toEqual([])
    await adapter.remedy({ kind: 'new-source-port', interface: 'hw0', peer: HUB, keepaliveSeconds: 25 }, signal)
    const [peer] = TUNNEL.peers
    if (peer === undefined) throw new TypeError('a tunnel has a peer')
    await adapter.remedy({ kind: 'new-session', interface: 'hw0', peer, silentSeconds: 0 }, signal)
    await adapter.remedy(
      { kind: 'forget-flow', interface: 'hw0', endpoint: { address: '203.0.113.1', port: 51820 } },
      signal,
    )
    await adapter.remedy({ kind: 'rebuild', interface: 'hw0' }, signal)
    expect(await applyDesired(adapter, [], signal)).not.toEqual([])
  } finally {
    await adapter.close()
    await router.close()
  }
  const sentences = router.transcript().filter(([command]) => command !== '/login' && command !== '/cancel')
  expect(sentences.length).toBeGreaterThan(40)
  const unknown = sentences.flatMap(([command = '', ...words]) => {
    const names = argumentNames(command, version)
    if (names === null) return [command]
    const said = words.flatMap((word) => /^=([^=]+)/.exec(word)?.[1] ?? [])
    return said.filter((name) => !names.has(name)).map((name) => `${command} ${name}`)
  })
  expect([...new Set(unknown)]).toEqual([])
  expect(sentences.some(([command]) => command === '/safe-mode/take')).toBe(isAtLeast(version, '7.18'))
})
