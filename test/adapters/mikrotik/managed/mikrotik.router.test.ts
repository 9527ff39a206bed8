import { describe, expect, test } from 'vitest'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { applyDesired } from '../../../../adapters/apply.ts'
import { mikrotikAdapter } from '../../../../adapters/mikrotik/mikrotik.ts'
import { systemClock } from '../../../../system/time/clock.ts'
import type { PublicKey } from '../../../../wireguard/keys.ts'
import { stateFolder } from '../../state-folder.ts'
import { homeForwarding } from '../../forwarding.ts'
import { only } from '../../only.ts'
import { adapterFor, signal, start } from './managed-router.ts'
import { HOME, PEER } from './wanted-home.ts'

const VERSIONS = ['7.12.2', '7.16.2', '7.18.2', '7.21'] as const
const OTHER_HUB = 'B2pKuKFYwb+EFfLkcyZRtBp2MWeJzFSm0Jf2LQSdI1o=' as PublicKey

test('a router that is not there is a problem that says where', async () => {
  const adapter = mikrotikAdapter({
    host: '127.0.0.1',
    port: 9,
    user: 'homeward',
    password: async () => 'secret-word',
    certificate: null,
    stateDir: await stateFolder(),
    clock: systemClock,
  })
  const thrown = await adapter.observe(signal()).catch((problem: unknown) => problem)
  expect(thrown).toMatchObject({ code: 'router-unreachable' })
  expect(String(thrown)).toContain('127.0.0.1')
  expect(String(thrown)).not.toContain('secret-word')
  await adapter.close()
})

describe.each(VERSIONS)('RouterOS %s', (version) => {
  test('says what it is and what it can do to a tunnel', async () => {
    const adapter = await adapterFor(await start({ version }))
    expect(await adapter.describe(signal())).toMatchObject({
      kind: 'mikrotik',
      version,
      dataPlane: 'kernel',
      remedies: ['new-source-port', 'new-session', 'forget-flow', 'rebuild'],
    })
  })

  test('is brought to a home and back, and is then as it was', async () => {
    const router = await start({ version })
    const before = router.export()
    const adapter = await adapterFor(router)
    const steps = await applyDesired(adapter, [HOME], signal())
    expect(steps.length).toBeGreaterThan(5)
    expect(adapter.plan(await adapter.observe(signal()), [HOME])).toMatchObject({ steps: [], refusals: [] })
    await applyDesired(adapter, [], signal())
    expect(router.export()).toBe(before)
    expect(adapter.plan(await adapter.observe(signal()), []).steps).toEqual([])
  })

  test('from one home to another: the next plan is empty', async () => {
    const router = await start({ version })
    const before = router.export()
    const adapter = await adapterFor(router)
    const variants: readonly TunnelSpec[] = [
      HOME,
      { ...HOME, mtu: 1280, listenPort: 51_000 },
      { ...HOME, address: '10.86.0.9/16' },
      { ...HOME, peers: [{ ...PEER!, publicKey: OTHER_HUB }] },
      { ...HOME, peers: [{ ...PEER!, endpoint: { address: '2001:db8::7', port: 443 }, keepaliveSeconds: 10 }] },
      { ...HOME, forwarding: homeForwarding({ lan: ['192.168.7.0/24', '192.168.8.0/23'], mode: 'routed' }) },
      { ...HOME, interface: 'hw7' },
    ]
    for (const spec of variants) {
      await applyDesired(adapter, only(spec), signal())
      const observed = await adapter.observe(signal())
      expect(adapter.plan(observed, only(spec))).toMatchObject({ steps: [], refusals: [] })
    }
    await applyDesired(adapter, [], signal())
    expect(router.export()).toBe(before)
  })

  test('what is not proven is taken back: a first change, and one of what stands', async () => {
    const router = await start({ version })
    const adapter = await adapterFor(router)
    const prove = async (): Promise<void> => {
      throw new Error('no heartbeat')
    }
    const untouched = router.export()
    await expect(applyDesired(adapter, [HOME], signal(), { prove })).rejects.toThrow('no heartbeat')
    expect(router.export()).toBe(untouched)

    await applyDesired(adapter, [HOME], signal())
    const standing = router.export()
    const changed: TunnelSpec = {
      ...HOME,
      mtu: 1280,
      address: '10.86.0.3/16',
      forwarding: homeForwarding({ lan: ['192.168.9.0/24'], mode: 'routed' }),
    }
    await expect(applyDesired(adapter, [changed], signal(), { prove })).rejects.toThrow('no heartbeat')
    expect(router.export()).toBe(standing)
  })
})

describe('an agent that dies in the midst of a change', () => {
  const WAYS = [
    { way: 'safe mode', version: '7.18.2', refusesJobs: false },
    { way: 'a script', version: '7.12.2', refusesJobs: false },
    { way: 'the scheduler', version: '7.16.2', refusesJobs: true },
  ] as const

  test.each(WAYS)('leaves a router that goes back by itself, by $way', async ({ version, refusesJobs }) => {
    const router = await start({ version })
    router.switches.refusesJobs = refusesJobs
    const before = router.export()
    const dying = await adapterFor(router, 1)
    const { steps } = dying.plan(await dying.observe(signal()), [HOME])
    for (const step of steps.slice(0, -1)) await dying.execute(step, signal())
    router.dropSessions('rst')
    await expect.poll(() => router.export(), { timeout: 10_000 }).toBe(before)
    await expect.poll(() => router.jobs(), { timeout: 10_000 }).toBe(0)
    expect(await router.console('/system/scheduler/print')).toBe('')
  })

  test.each(WAYS)('goes back to what stood, by $way', async ({ version, refusesJobs }) => {
    const router = await start({ version })
    router.switches.refusesJobs = refusesJobs
    const adapter = await adapterFor(router)
    await applyDesired(adapter, [HOME], signal())
    const standing = router.export()
    const changed: TunnelSpec = {
      ...HOME,
      mtu: 1280,
      address: '10.87.0.3/24',
      peers: [{ ...PEER!, publicKey: OTHER_HUB, keepaliveSeconds: 10 }],
      forwarding: homeForwarding({ lan: ['192.168.9.0/24'], mode: 'routed' }),
    }
    const dying = await adapterFor(router, 1)
    const { steps } = dying.plan(await dying.observe(signal()), [changed])
    for (const step of steps.slice(0, -1)) await dying.execute(step, signal())
    expect(router.export()).not.toBe(standing)
    router.dropSessions('rst')
    await expect.poll(() => router.export(), { timeout: 10_000 }).toBe(standing)
  })
})

test('a home board that forbids the scheduler, and no scripts: refused with both reasons, and untouched', async () => {
  const router = await start({ version: '7.16.2', deviceMode: 'home' })
  router.switches.refusesJobs = true
  const before = router.export()
  const adapter = await adapterFor(router)
  await expect(applyDesired(adapter, [HOME], signal())).rejects.toMatchObject({
    code: 'router-rollback-unavailable',
    why: expect.stringMatching(/7\.18.*\/execute.*device-mode/),
  })
  expect(router.export()).toBe(before)
})

test('what is refused is said in the router’s own words, with its name and address', async () => {
  const router = await start({ version: '7.16.2' })
  const adapter = await adapterFor(router)
  await adapter.describe(signal())
  const step = { kind: 'set-mtu', interface: 'hw0', mtu: 1 } as const
  await expect(adapter.execute(step, signal())).rejects.toMatchObject({
    code: 'step-failed',
    what: expect.stringMatching(/MTU of hw0 to 1 bytes on the router \S+ \(127\.0\.0\.1\)/),
    why: 'there is no interface hw0 of homeward on it',
  })
  await applyDesired(adapter, [HOME], signal())
  const port = { kind: 'set-listen-port', interface: 'hw0', port: 70_000 } as const
  await expect(adapter.execute(port, signal())).rejects.toMatchObject({
    code: 'step-failed',
    why: expect.stringMatching(/^the router says: "invalid value.*listen-port/),
  })
})

test('looks are asked on the one connection that is kept, each thing once', async () => {
  const router = await start({ version: '7.21' })
  const adapter = await adapterFor(router)
  await applyDesired(adapter, [HOME], signal())
  const said = router.transcript().length
  await adapter.observe(signal())
  const words = router.transcript().slice(said)
  expect(new Set(words.map(([command]) => command)).size).toBe(words.length)
  expect(words.every(([command]) => command?.endsWith('/print'))).toBe(true)
  await expect.poll(() => router.sessions(), { timeout: 10_000 }).toBe(1)
})
