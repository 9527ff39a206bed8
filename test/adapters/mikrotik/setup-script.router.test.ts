import { afterEach, describe, expect, test } from 'vitest'
import { openSession } from '../../../adapters/mikrotik/api/api.ts'
import type { Session } from '../../../adapters/mikrotik/api/session.ts'
import { readCertificate } from '../../../adapters/mikrotik/api/certificate.ts'
import { probeDialect } from '../../../adapters/mikrotik/objects/dialect.ts'
import { requireRights } from '../../../adapters/mikrotik/rights.ts'
import { type Setup, setupScript, undoScript } from '../../../adapters/mikrotik/setup-script.ts'
import { type FakeRouter, startFakeRouter } from '../../fake/routeros/fake-router.ts'

const signal = (): AbortSignal => AbortSignal.timeout(20_000)
const setup: Setup = {
  user: 'homeward',
  group: 'tunnel',
  password: 'p-a_ss1',
  from: '127.0.0.1',
  address: '192.168.88.1',
}

let router: FakeRouter | undefined
let session: Session | undefined

afterEach(async () => {
  session?.close()
  await router?.close()
})

async function logIn(of: FakeRouter, user = setup.user, password = setup.password): Promise<Session> {
  session = await openSession(
    {
      host: '127.0.0.1',
      port: of.tlsPort ?? 0,
      user,
      password: () => Promise.resolve(password),
      certificate: of.fingerprint,
    },
    signal(),
  )
  return session
}

describe.each(['7.12.2', '7.16.2', '7.18.2', '7.21'])('a router with RouterOS %s, prepared as printed', (version) => {
  test('is recognised, and its user may do what is needed and nothing else', async () => {
    router = await startFakeRouter({ version, tls: 'anonymous', setup: setupScript(setup) })
    const { fingerprint } = await readCertificate('127.0.0.1', router.tlsPort ?? 0, signal())
    expect(fingerprint).toBe(router.fingerprint)
    const { exec } = await logIn(router)
    expect((await probeDialect(exec, signal())).version).toBe(version)
    await requireRights(exec, setup.user, signal())
    for (const [command, attributes] of [
      ['/user/add', { name: 'x', group: 'full' }],
      ['/user/group/set', { '.id': 'tunnel', policy: 'sensitive' }],
    ] as const)
      await expect(exec({ command, attributes }, signal())).rejects.toThrow('not enough permissions (9)')
    await exec({ command: '/interface/wireguard/add', attributes: { name: 'hw0' } }, signal())
    const { rows } = await exec({ command: '/interface/wireguard/print' }, signal())
    expect(rows[0]?.['private-key'] ?? '*****').toBe('*****')
  })

  test('names the right that is missing, and what gives it does', async () => {
    const script = setupScript(setup).replace(/policy=\S+/, 'policy=api,read')
    router = await startFakeRouter({ version, tls: 'anonymous', setup: script })
    const { exec } = await logIn(router)
    const refusal = await requireRights(exec, setup.user, signal()).catch((thrown: unknown) => thrown as Error)
    expect(refusal).toMatchObject({ code: 'router-rights-missing', why: expect.stringContaining('write, test') })
    const [line = ''] = /\/user\/group\/set \S+ policy=\S+/.exec((refusal as Error).message) ?? []
    await router.console(line)
    session?.close()
    await requireRights((await logIn(router)).exec, setup.user, signal())
  })

  test('is without a trace when that is taken back', async () => {
    router = await startFakeRouter({ version, tls: 'anonymous' })
    const before = router.export()
    await router.console(setupScript(setup))
    expect(router.export()).not.toBe(before)
    await router.console(undoScript(setup))
    expect(router.export()).toBe(before)
  })

  test('without a trace too where the API with TLS was off', async () => {
    router = await startFakeRouter({ version, tls: 'anonymous', setup: '/ip/service/set api-ssl disabled=yes' })
    const before = router.export()
    await router.console(setupScript(setup))
    expect(router.export()).not.toBe(before)
    await router.console(undoScript(setup))
    expect(router.export()).toBe(before)
  })

  test('and where the owner’s own certificate and addresses were set', async () => {
    router = await startFakeRouter({ version, setup: '/ip/service/set api-ssl address=192.168.88.0/24' })
    const before = router.export()
    await router.console(setupScript(setup))
    await router.console(undoScript(setup))
    expect(router.export()).toBe(before)
  })
})

test.each(['6.49.10', '7.0.5'])('RouterOS %s is refused with what to upgrade', async (version) => {
  router = await startFakeRouter({ version })
  const { exec } = await logIn(router, 'admin', 'a router’s own')
  await expect(probeDialect(exec, signal())).rejects.toMatchObject({ code: 'router-version-unsupported' })
})
