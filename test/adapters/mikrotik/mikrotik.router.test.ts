import { afterEach, describe, expect, test } from 'vitest'
import type { Adapter } from '../../../adapters/adapter.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { applyDesired } from '../../../adapters/apply.ts'
import { mikrotikAdapter } from '../../../adapters/mikrotik/mikrotik.ts'
import { setupScript } from '../../../adapters/mikrotik/setup-script.ts'
import { systemClock } from '../../../system/time/clock.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import { paperKernel } from '../../fake/routeros/kernel/paper-kernel.ts'
import { type FakeRouter, type FakeRouterPlan, startFakeRouter } from '../../fake/routeros/fake-router.ts'
import { stateFolder } from '../state-folder.ts'
import { homeForwarding } from '../forwarding.ts'
import { only } from '../only.ts'
import { tunnelIn } from '../../../adapters/tunnel-in.ts'

const VERSIONS = ['7.12.2', '7.16.2', '7.18.2', '7.21'] as const
const HUB = 'H2pKuKFYwb+EFfLkcyZRtBp2MWeJzFSm0Jf2LQSdI1o=' as PublicKey
const OTHER_HUB = 'B2pKuKFYwb+EFfLkcyZRtBp2MWeJzFSm0Jf2LQSdI1o=' as PublicKey

const HOME: TunnelSpec = {
  interface: 'hw0',
  publicKey: null,
  address: '10.86.0.2/16',
  mtu: 1420,
  listenPort: null,
  peers: [
    {
      publicKey: HUB,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: ['10.86.0.0/16'],
      keepaliveSeconds: 25,
    },
  ],
  routes: [],
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade' }),
}
const [PEER] = HOME.peers

/** What its owner has on it. */
const SETUP = `
/interface/wireguard/add name=wg-office listen-port=13231 comment="homeward bound"
/interface/wireguard/peers/add interface=wg-office public-key="YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=" allowed-address=10.9.0.2/32
/ip/address/add address=192.168.1.1/24 interface=bridge
/ip/firewall/filter/add chain=input action=accept connection-state=established,related
/ip/firewall/filter/add chain=input action=drop in-interface=ether1
/ip/firewall/filter/add chain=forward action=fasttrack-connection connection-state=established,related comment="fast"
/ip/firewall/filter/add chain=forward action=drop connection-state=invalid
/ip/firewall/nat/add chain=srcnat action=masquerade out-interface=ether1
`

/** Who may do no more than `homeward router mikrotik-setup` gives. */
const LEAST = { user: 'homeward', group: 'homeward', password: 'least-of-all', from: null, address: null }

const closing: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(plan: FakeRouterPlan): Promise<FakeRouter> {
  const router = await startFakeRouter({
    setup: `${setupScript(LEAST)}\n${SETUP}`,
    tls: 'anonymous',
    tlsPort: null,
    ...plan,
  })
  closing.push(() => router.close())
  return router
}

async function adapterFor(router: FakeRouter, rollbackSeconds = 90, stateDir?: string): Promise<Adapter> {
  const adapter = mikrotikAdapter({
    host: '127.0.0.1',
    port: router.plainPort!,
    user: LEAST.user,
    password: async () => LEAST.password,
    certificate: null,
    stateDir: stateDir ?? (await stateFolder()),
    clock: systemClock,
    rollbackSeconds,
  })
  closing.push(() => adapter.close())
  return adapter
}

const signal = (): AbortSignal => AbortSignal.timeout(20_000)

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

describe.each(['7.12.2', '7.21'])('remedies on RouterOS %s', (version) => {
  async function standing(): Promise<{ readonly router: FakeRouter; readonly adapter: Adapter }> {
    const router = await start({ version })
    const adapter = await adapterFor(router)
    await applyDesired(adapter, [HOME], signal())
    return { router, adapter }
  }
  const planOf = async (adapter: Adapter) => adapter.plan(await adapter.observe(signal()), [HOME])

  test('a new source port is another one, keepalive went off and on, and the next plan is empty', async () => {
    const { router, adapter } = await standing()
    const old = tunnelIn(await adapter.observe(signal()), 'hw0')?.listenPort
    const said = router.transcript().length
    await adapter.remedy({ kind: 'new-source-port', interface: 'hw0', peer: HUB, keepaliveSeconds: 25 }, signal())
    const words = router
      .transcript()
      .slice(said)
      .map((sentence) => sentence.join(' '))
    expect(
      words.filter((text) => text.includes('/set ')).map((text) => text.replace(/.*?=(?=listen|pers)/, '')),
    ).toEqual([
      expect.stringMatching(/^listen-port=\d+/),
      expect.stringMatching(/^persistent-keepalive=0s/),
      expect.stringMatching(/^persistent-keepalive=25s/),
    ])
    expect(tunnelIn(await adapter.observe(signal()), 'hw0')?.listenPort).not.toBe(old)
    expect(await planOf(adapter)).toMatchObject({ steps: [] })
  })

  test('a new session takes the peer out for as long as it is told, and the router ends it by itself', async () => {
    const { router, adapter } = await standing()
    const disabled = async () => (await router.console('/interface/wireguard/peers/print')).split('\n').at(-1)
    const remedy = adapter.remedy(
      { kind: 'new-session', interface: 'hw0', peer: PEER!, silentSeconds: 1 },
      AbortSignal.timeout(300),
    )
    await expect.poll(disabled, { timeout: 5_000 }).toContain('disabled=true')
    await expect(remedy).rejects.toMatchObject({ code: 'interrupted' })
    await expect.poll(disabled, { timeout: 5_000 }).toContain('disabled=false')
    expect(await planOf(adapter)).toMatchObject({ steps: [] })
  })

  test('a new session without silence is over at once, also where no scripts are run', async () => {
    const { router, adapter } = await standing()
    for (const refusesJobs of [false, true]) {
      router.switches.refusesJobs = refusesJobs
      await adapter.remedy({ kind: 'new-session', interface: 'hw0', peer: PEER!, silentSeconds: 0 }, signal())
      expect(await planOf(adapter)).toMatchObject({ steps: [] })
    }
  })

  test('a rebuild keeps the key', async () => {
    const { adapter } = await standing()
    const key = tunnelIn(await adapter.observe(signal()), 'hw0')?.publicKey
    await adapter.remedy({ kind: 'rebuild', interface: 'hw0' }, signal())
    expect(tunnelIn(await adapter.observe(signal()), 'hw0')?.publicKey).toBe(key)
    expect(await planOf(adapter)).toMatchObject({ steps: [] })
  })
})

test.each([false, true])('the flow is forgotten and no other, vanishing meanwhile: %s', async (isVanishing) => {
  const kernel = paperKernel()
  const router = await start({ version: '7.16.2', kernel })
  const adapter = await adapterFor(router)
  await applyDesired(adapter, [HOME], signal())
  const port = tunnelIn(await adapter.observe(signal()), 'hw0')?.listenPort
  router.switches.vanishingConnections = isVanishing
  const flow = { protocol: 'udp' as const, timeoutSeconds: 170, replyDestination: '198.51.100.2:49152' }
  const [hub, dns] = ['203.0.113.10:51820', '203.0.113.10:53']
  kernel.setConnections([
    { ...flow, id: '1', source: `192.168.1.1:${port}`, destination: hub, replySource: hub },
    { ...flow, id: '2', source: '192.168.1.9:5353', destination: dns, replySource: dns },
    { ...flow, id: '3', source: '192.168.1.9:5353', destination: hub, replySource: hub },
  ])
  await adapter.remedy({ kind: 'forget-flow', interface: 'hw0', endpoint: PEER!.endpoint! }, signal())
  const left = (await kernel.connections()).map(({ id }) => id)
  expect(left).toEqual(expect.arrayContaining(['2', '3']))
  if (!isVanishing) expect(left).toHaveLength(2)
})

test('nothing is tried on a tunnel that leads to the router itself', async () => {
  const router = await start({ version: '7.16.2' })
  const first = await adapterFor(router)
  await applyDesired(first, [HOME], signal())
  await router.console('/ip/address/add address=127.9.0.2/8 interface=hw0 comment="homeward hw0"')
  // Whoever never looked looks first.
  const adapter = await adapterFor(router)
  const before = router.export()
  for (const remedy of [
    { kind: 'new-source-port', interface: 'hw0', peer: HUB, keepaliveSeconds: 25 },
    { kind: 'new-session', interface: 'hw0', peer: PEER!, silentSeconds: 0 },
    { kind: 'rebuild', interface: 'hw0' },
  ] as const)
    await expect(adapter.remedy(remedy, signal())).rejects.toMatchObject({ code: 'router-through-tunnel' })
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
