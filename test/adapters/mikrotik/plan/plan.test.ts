import * as fc from '../../../properties.ts'
import { describe, expect, test } from 'vitest'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { readMenu, readTables } from '../../../../adapters/mikrotik/objects/menus.ts'
import { planMikrotik } from '../../../../adapters/mikrotik/plan.ts'
import type { MikrotikStep } from '../../../../adapters/mikrotik/steps.ts'
import { restore } from '../../../../adapters/mikrotik/rollback/restore.ts'
import { snapshotOf } from '../../../../adapters/mikrotik/rollback/snapshot.ts'
import type { PresharedKeyId } from '../../../../wireguard/keys.ts'
import { homeForwarding, hubForwarding } from '../../forwarding.ts'
import { apply, bring, done, HOME, KEYS, observe, OPTIONS } from './given-plan.ts'
import { ownersRouter, rowOf } from './owners-router.ts'

const PREFIXES = ['192.168.1.0/24', '192.168.2.0/24', '192.168.8.0/23']

const spec: fc.Arbitrary<TunnelSpec> = fc.record({
  interface: fc.constantFrom('hw0', 'hw1'),
  publicKey: fc.constant(null),
  address: fc.constantFrom('10.86.0.2/16', '10.86.0.3/16', '10.87.0.2/24'),
  mtu: fc.constantFrom(1280, 1420),
  listenPort: fc.constantFrom(null, 51_820),
  peers: fc
    .record({
      publicKey: fc.constantFrom(...KEYS),
      presharedKeyId: fc.constant(null),
      endpoint: fc.constantFrom(
        { address: '203.0.113.10', port: 51_820 },
        { address: '2001:db8:0:0:0:0:0:7', port: 443 },
      ),
      allowedIps: fc.constantFrom(['10.86.0.0/16'], ['10.87.0.0/24']),
      keepaliveSeconds: fc.constantFrom(0, 25),
    })
    .map((peer) => [peer]),
  routes: fc.constantFrom([], [{ prefix: '192.168.77.0/24', mtu: null }]),
  forwarding: fc.record({
    role: fc.constant('home' as const),
    lan: fc.subarray(PREFIXES),
    mode: fc.constantFrom('masquerade', 'routed'),
    seenAs: fc.subarray([{ prefix: '192.168.1.0/24', seen: '10.168.1.0/24' }]),
    visitors: fc.boolean(),
    exit: fc.boolean(),
  }),
})

test('from any state to any other, the next plan is empty, and what is somebody else’s is as it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(spec, { minLength: 1, maxLength: 4 }), async (specs) => {
      const router = ownersRouter()
      const before = router.text()
      for (const each of specs) {
        await bring(router, each)
        expect(await done(router, each)).toMatchObject({ steps: [], refusals: [] })
      }
      await bring(router)
      expect(await done(router)).toMatchObject({ steps: [] })
      expect(router.text()).toBe(before)
    }),
    { numRuns: 150 },
  )
}, 120_000)

test('cut off after any step, the next plan finishes the job', async () => {
  await fc.assert(
    fc.asyncProperty(spec, spec, fc.nat(12), async (first, second, cut) => {
      const router = ownersRouter()
      await bring(router, first)
      const { steps } = planMikrotik(await observe(router), [second], OPTIONS)
      await apply(router, steps.slice(0, cut))
      await bring(router, second)
      expect(await done(router, second)).toMatchObject({ steps: [] })
    }),
    { numRuns: 150 },
  )
})

test('what was taken back is as it was before, wherever the change was cut off', async () => {
  await fc.assert(
    fc.asyncProperty(fc.option(spec), spec, fc.nat(12), async (first, second, cut) => {
      const router = ownersRouter()
      if (first !== null) await bring(router, { ...first, interface: second.interface })
      const before = router.text().split('\n').sort()
      const snapshot = snapshotOf([second.interface], await readTables(router.exec, router.signal))
      const { steps } = planMikrotik(await observe(router), [second], OPTIONS)
      await apply(router, steps.slice(0, cut))
      await restore([second.interface], snapshot, router)
      expect(router.text().split('\n').sort()).toEqual(before)
      const count = router.changes().length
      await restore([second.interface], snapshot, router)
      expect(router.changes().length).toBe(count)
    }),
    { numRuns: 150 },
  )
})

/** A second home beside HOME, at another hub. */
const SECOND: TunnelSpec = {
  ...HOME,
  interface: 'hw1',
  address: '10.87.0.2/24',
  peers: [{ ...HOME.peers[0]!, publicKey: KEYS[1]!, allowedIps: ['10.87.0.0/24'] }],
  forwarding: homeForwarding({ lan: ['192.168.2.0/24'], mode: 'masquerade' }),
}

test('a second tunnel comes, changes, is taken back and goes, and no row of the first is touched', async () => {
  const router = ownersRouter()
  await bring(router, HOME)
  const alone = router.text()
  const rowsOfFirst = (): readonly string[] =>
    router
      .text()
      .split('\n')
      .filter((line) => /homeward hw0|interface=hw0/.test(line))
  const first = rowsOfFirst()
  const armed = (steps: readonly MikrotikStep[]) =>
    steps.flatMap((step) => (step.kind === 'arm-rollback' ? step.interfaces : []))
  expect(armed(await bring(router, HOME, SECOND))).toEqual(['hw1'])
  expect(rowsOfFirst()).toEqual(first)
  const both = router.text().split('\n').sort()
  const snapshot = snapshotOf(['hw1'], await readTables(router.exec, router.signal))
  expect(armed(await bring(router, HOME, { ...SECOND, mtu: 1280, forwarding: HOME.forwarding }))).toEqual(['hw1'])
  expect(rowsOfFirst()).toEqual(first)
  await restore(['hw1'], snapshot, router)
  expect(router.text().split('\n').sort()).toEqual(both)
  expect(await done(router, HOME, SECOND)).toMatchObject({ steps: [] })
  expect(armed(await bring(router, HOME))).toEqual(['hw1'])
  expect(router.text()).toBe(alone)
})

test('a change is armed for every tunnel that it may take a rule from, wanted or not', async () => {
  const router = ownersRouter()
  await bring(router, HOME, SECOND)
  const armed = async (...desired: readonly TunnelSpec[]) =>
    (await done(router, ...desired)).steps.flatMap((step) => (step.kind === 'arm-rollback' ? step.interfaces : []))
  const chain = '/ip/firewall/filter'
  const moved = rowOf(router, chain, 'homeward hw1 forward-drop')
  await router.exec({ command: `${chain}/remove`, attributes: { '.id': moved['.id']! } }, router.signal)
  expect(await armed(HOME, SECOND)).toEqual(['hw1'])
  expect(await armed(SECOND, HOME)).toEqual(['hw1'])
  await bring(router, SECOND)
  router.put(chain, { chain: 'forward', action: 'drop', comment: 'homeward hw7 forward-drop' })
  expect(await armed(SECOND)).toEqual(['hw7'])
})

test('a plan is armed first and kept last; an undo is neither', async () => {
  const router = ownersRouter()
  const steps = await bring(router, HOME)
  expect(steps[0]).toEqual({ kind: 'arm-rollback', interfaces: ['hw0'], seconds: 90 })
  expect(steps.at(-1)).toEqual({ kind: 'keep-changes' })
  const undo = await bring(router)
  expect(undo.map((step) => step.kind)).toEqual(['remove-peers', 'remove-firewall', 'remove-interface'])
})

describe('a plan refuses itself', () => {
  test('where an interface of that name is somebody else’s', async () => {
    const router = ownersRouter()
    router.put('/interface/wireguard', { name: 'hw0' })
    expect((await done(router, HOME)).refusals).toMatchObject([{ code: 'interface-taken' }])
    expect((await done(router)).steps).toEqual([])
  })

  test('where somebody’s address or route is in the tunnel’s network', async () => {
    for (const [path, row] of [
      ['/ip/address', { address: '10.86.7.1/24', interface: 'bridge' }],
      ['/ip/address', { address: '10.0.0.1/8', interface: 'bridge' }],
      ['/ip/route', { 'dst-address': '10.86.0.0/16', gateway: '192.168.1.9' }],
    ] as const) {
      const router = ownersRouter()
      router.put(path, row)
      expect((await done(router, HOME)).refusals, path).toMatchObject([{ code: 'router-taken' }])
    }
  })

  test('where the hub is a peer of another interface', async () => {
    const router = ownersRouter()
    router.put('/interface/wireguard/peers', { interface: 'wg-office', 'public-key': KEYS[0]! })
    expect((await done(router, HOME)).refusals).toMatchObject([{ code: 'router-taken' }])
  })

  test('where the router is reached through the tunnel', async () => {
    const observed = await observe(ownersRouter())
    const { refusals } = planMikrotik(observed, [HOME], { ...OPTIONS, host: '10.86.0.2' })
    expect(refusals).toMatchObject([{ code: 'router-through-tunnel' }])
  })

  test('for a hub, for a key of our own, and for a preshared key', async () => {
    const observed = await observe(ownersRouter())
    const refused = (desired: TunnelSpec) => planMikrotik(observed, [desired], OPTIONS).refusals.map(({ code }) => code)
    const hub = hubForwarding()
    expect(refused({ ...HOME, forwarding: hub })).toEqual(['router-unsupported'])
    expect(refused({ ...HOME, publicKey: KEYS[1]! })).toEqual(['router-unsupported'])
    const [peer] = HOME.peers
    const presharedKeyId = '0011223344556677' as PresharedKeyId
    expect(refused({ ...HOME, peers: [{ ...peer!, presharedKeyId }] })).toEqual(['router-unsupported'])
  })
})

test('all of it is asked for at once, in the time of one round trip', async () => {
  const { exec, signal } = ownersRouter()
  const waiting: (() => void)[] = []
  await readTables(async (sentence, ...rest) => {
    await new Promise<void>((resolve) => {
      waiting.push(resolve)
      // Nobody is answered before all have asked.
      if (waiting.length === 7) for (const answer of waiting) answer()
    })
    return exec(sentence, ...rest)
  }, signal)
  expect(waiting).toHaveLength(7)
})

test('nothing secret is ever asked for', async () => {
  const asked: string[] = []
  const { exec, signal } = ownersRouter()
  await readTables((sentence, ...rest) => {
    asked.push(sentence.attributes?.['.proplist'] ?? '')
    return exec(sentence, ...rest)
  }, signal)
  expect(asked).toHaveLength(7)
  expect(asked.filter((list) => /private-key|preshared-key|^$/.test(list))).toEqual([])
  expect(await readMenu(exec, 'interface', signal)).toHaveLength(1)
})
