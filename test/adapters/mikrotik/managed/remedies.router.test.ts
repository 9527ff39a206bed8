import { describe, expect, test } from 'vitest'
import type { Adapter } from '../../../../adapters/adapter.ts'
import { applyDesired } from '../../../../adapters/apply.ts'
import { tunnelIn } from '../../../../adapters/tunnel-in.ts'
import type { FakeRouter } from '../../../fake/routeros/fake-router.ts'
import { paperKernel } from '../../../fake/routeros/kernel/paper-kernel.ts'
import { adapterFor, signal, start } from './managed-router.ts'
import { HOME, HUB, PEER } from './wanted-home.ts'

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
