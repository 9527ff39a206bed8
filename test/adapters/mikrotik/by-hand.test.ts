import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { applyDesired } from '../../../adapters/apply.ts'
import { mikrotikAdapter } from '../../../adapters/mikrotik/mikrotik.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { homeSpec, makeKeys } from '../../contract/specs.ts'
import { ADMIN, startFakeRouter } from '../../fake/routeros/fake-router.ts'
import { stateFolder } from '../state-folder.ts'

test('the lines of docs/mikrotik.md take all of it off a router by hand', async () => {
  const text = readFileSync(new URL('../../../docs/mikrotik.md', import.meta.url), 'utf8')
  const lines = /By hand:\n\n```\n([^`]+)```/.exec(text)?.[1] ?? ''
  const router = await startFakeRouter({
    version: '7.21',
    setup: '/ip/firewall/filter/add chain=forward action=drop comment="homewards"',
  })
  const before = router.export()
  const adapter = mikrotikAdapter({
    host: '127.0.0.1',
    port: router.tlsPort ?? 0,
    user: ADMIN.user,
    password: async () => ADMIN.password,
    certificate: router.fingerprint,
    stateDir: await stateFolder(),
    clock: systemClock,
  })
  try {
    await applyDesired(adapter, [{ ...homeSpec(makeKeys()), publicKey: null }], AbortSignal.timeout(30_000))
    expect(router.export()).not.toBe(before)
    await router.console(lines)
    expect(router.export()).toBe(before)
  } finally {
    await adapter.close()
    await router.close()
  }
})
