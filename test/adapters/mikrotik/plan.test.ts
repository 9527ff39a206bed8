import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import type { Observation } from '../../../adapters/observation.ts'
import { tunnelIn } from '../../../adapters/tunnel-in.ts'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { toObservation } from '../../../adapters/mikrotik/convert.ts'
import { executeSteps } from '../../../adapters/mikrotik/execute.ts'
import { stripInterface } from '../../../adapters/mikrotik/objects/own-interface.ts'
import { readMenu, readTables } from '../../../adapters/mikrotik/objects/menus.ts'
import { planMikrotik } from '../../../adapters/mikrotik/plan.ts'
import type { MikrotikStep } from '../../../adapters/mikrotik/steps.ts'
import { restore } from '../../../adapters/mikrotik/rollback/restore.ts'
import { snapshotOf } from '../../../adapters/mikrotik/rollback/snapshot.ts'
import type { PresharedKeyId, PublicKey } from '../../../wireguard/keys.ts'
import { type PaperTables, paperTables } from './paper-tables.ts'
import { homeForwarding, hubForwarding } from '../forwarding.ts'

const KEYS = ['A', 'B', 'C'].map((letter) => `${letter.repeat(43)}=`.replace(/.=$/, 'A=') as PublicKey)
const PREFIXES = ['192.168.1.0/24', '192.168.2.0/24', '192.168.8.0/23']
const OPTIONS = { host: '192.168.1.1', rollbackSeconds: 90 }

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
    exit: fc.constant(false),
  }),
})

const HOME: TunnelSpec = {
  interface: 'hw0',
  publicKey: null,
  address: '10.86.0.2/16',
  mtu: 1420,
  listenPort: null,
  peers: [
    {
      publicKey: KEYS[0]!,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: ['10.86.0.0/16'],
      keepaliveSeconds: 25,
    },
  ],
  routes: [],
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'routed' }),
}

/** A router with somebody's configuration on it. */
function ownersRouter(): PaperTables {
  const router = paperTables()
  router.put('/interface/wireguard', { name: 'wg-office', 'listen-port': '13231', comment: 'homeward bound' })
  router.put('/interface/wireguard/peers', { interface: 'wg-office', 'public-key': `${'Z'.repeat(42)}A=` })
  router.put('/interface/wireguard/peers', { interface: 'bth', 'public-key': `${'Y'.repeat(42)}A=`, dynamic: 'true' })
  router.put('/ip/address', { address: '192.168.1.1/24', interface: 'bridge' })
  router.put('/ip/route', { 'dst-address': '0.0.0.0/0', gateway: '198.51.100.1' })
  router.put('/ip/firewall/filter', { chain: 'forward', action: 'passthrough', dynamic: 'true' })
  router.put('/ip/firewall/filter', { chain: 'input', action: 'drop', 'in-interface-list': '!LAN' })
  router.put('/ip/firewall/filter', { chain: 'forward', action: 'fasttrack-connection', comment: 'fast' })
  router.put('/ip/firewall/filter', { chain: 'forward', action: 'drop', 'connection-state': 'invalid' })
  router.put('/ip/firewall/nat', { chain: 'srcnat', action: 'masquerade', 'out-interface': 'wan' })
  return router
}

async function observe(router: PaperTables): Promise<Observation> {
  const tables = await readTables(router.exec, router.signal)
  return toObservation({ ...tables, links: tables.interface }, () => null)
}

async function apply(router: PaperTables, steps: readonly MikrotikStep[]): Promise<void> {
  for (const step of steps) {
    if (step.kind === 'arm-rollback' || step.kind === 'keep-changes' || step.kind === 'revert-changes') continue
    if (step.kind === 'remove-interface') {
      await stripInterface(step.interface, router)
      // Under whatever name.
      const own = router.rows('/interface/wireguard').find((row) => row['comment'] === `homeward ${step.interface}`)
      if (own !== undefined)
        await router.exec({ command: '/interface/wireguard/remove', attributes: { '.id': own['.id']! } }, router.signal)
    } else await executeSteps(step, { ...router, peerName: true })
  }
}

async function bring(router: PaperTables, ...desired: readonly TunnelSpec[]) {
  const { steps, refusals } = planMikrotik(await observe(router), desired, OPTIONS)
  expect(refusals).toEqual([])
  await apply(router, steps)
  return steps
}

const done = async (router: PaperTables, ...desired: readonly TunnelSpec[]) =>
  planMikrotik(await observe(router), desired, OPTIONS)

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

test('our rules stand before the first static rule of their chain, and the first of them judge the tunnel', async () => {
  const router = ownersRouter()
  await bring(router, HOME)
  const filter = router.rows('/ip/firewall/filter').map((row) => row['comment'] ?? row['action'])
  expect(filter).toEqual([
    'passthrough',
    'homeward hw0 input-icmp',
    'homeward hw0 input-known',
    'homeward hw0 input-drop',
    'drop',
    'homeward hw0 forward-known',
    'homeward hw0 forward-lan 192.168.1.0/24',
    'homeward hw0 forward-drop',
    'homeward hw0 forward-out 192.168.1.0/24',
    'fast',
    'drop',
  ])
})

test('what comes from anywhere but the LAN is let into the tunnel by nobody but the router’s owner', async () => {
  const router = ownersRouter()
  await bring(router, HOME)
  const accepted = router.rows('/ip/firewall/filter').filter((row) => row['out-interface'] === 'hw0')
  expect(accepted.map((row) => row['src-address'])).toEqual(['192.168.1.0/24'])
})

test('the peer comes after the rules that judge what it sends', async () => {
  const { steps } = await done(ownersRouter(), HOME)
  const kinds = steps.map((step) => step.kind)
  expect(kinds.indexOf('set-firewall')).toBeLessThan(kinds.indexOf('set-peers'))
})

describe('what somebody changes is seen and mended', () => {
  const drifts: Readonly<Record<string, (router: PaperTables) => Promise<void>>> = {
    'a rule moved behind somebody’s': async (router) => {
      const rule = rowOf(router, '/ip/firewall/filter', 'homeward hw0 forward-out 192.168.1.0/24')
      const { '.id': id, ...rest } = rule
      await router.exec({ command: '/ip/firewall/filter/remove', attributes: { '.id': id! } }, router.signal)
      router.put('/ip/firewall/filter', rest)
    },
    'a rule switched off': (router) =>
      change(router, '/ip/firewall/filter', 'homeward hw0 input-drop', { disabled: 'yes' }),
    'a rule narrowed down': (router) =>
      change(router, '/ip/firewall/filter', 'homeward hw0 forward-drop', { 'src-address-list': 'bad' }),
    'a rule twice': async (router) => {
      const { '.id': id, ...rest } = rowOf(router, '/ip/firewall/nat', 'homeward hw0 out')
      router.put('/ip/firewall/nat', { ...rest, 'place-before': id! })
    },
    'the address switched off': (router) => change(router, '/ip/address', 'homeward hw0', { disabled: 'yes' }),
    'the network’s route switched off': (router) =>
      change(router, '/ip/route', 'homeward hw0 network 10.86.0.0/16', { disabled: 'yes' }),
    'the peer switched off': (router) =>
      change(router, '/interface/wireguard/peers', 'homeward hw0', { disabled: 'yes' }),
    'the endpoint': (router) =>
      change(router, '/interface/wireguard/peers', 'homeward hw0', { 'endpoint-address': 'hub.example' }),
    'the endpoint followed the hub elsewhere': (router) =>
      change(router, '/interface/wireguard/peers', 'homeward hw0', {
        'current-endpoint-address': '203.0.113.99',
        'current-endpoint-port': '51820',
      }),
    'a second peer': async (router) =>
      void router.put('/interface/wireguard/peers', { interface: 'hw0', 'public-key': KEYS[2]! }),
    'the interface switched off': (router) =>
      change(router, '/interface/wireguard', 'homeward hw0', { disabled: 'yes' }),
    'the interface under another name': (router) =>
      change(router, '/interface/wireguard', 'homeward hw0', { name: 'tunnel' }),
    'the interface removed': async (router) => {
      const { '.id': id } = rowOf(router, '/interface/wireguard', 'homeward hw0')
      await router.exec({ command: '/interface/wireguard/remove', attributes: { '.id': id! } }, router.signal)
    },
  }

  test.each(Object.keys(drifts))('%s', async (name) => {
    const router = ownersRouter()
    await bring(router, HOME)
    await drifts[name]!(router)
    expect((await bring(router, HOME)).map((step) => step.kind)).not.toEqual([])
    if (name.startsWith('the endpoint followed')) return
    expect(await done(router, HOME)).toMatchObject({ steps: [], refusals: [] })
  })

  test('a peer that followed the hub elsewhere is told again, and keeps its session', async () => {
    const router = ownersRouter()
    await bring(router, HOME)
    await drifts['the endpoint followed the hub elsewhere']!(router)
    const said: unknown[] = []
    const { exec } = router
    const listening: PaperTables = {
      ...router,
      exec: (sentence, ...rest) => {
        if (!sentence.command.endsWith('/print')) said.push([sentence.command, sentence.attributes?.['endpoint-port']])
        return exec(sentence, ...rest)
      },
    }
    await bring(listening, HOME)
    expect(said).toEqual([
      ['/interface/wireguard/peers/set', '9'],
      ['/interface/wireguard/peers/set', '51820'],
    ])
  })

  test('an interface under another name keeps its key, and an undo finds it', async () => {
    const router = ownersRouter()
    const before = router.text()
    await bring(router, HOME)
    const key = tunnelIn(await observe(router), 'hw0')?.publicKey
    await change(router, '/interface/wireguard', 'homeward hw0', { name: 'tunnel' })
    await bring(router, HOME)
    expect(tunnelIn(await observe(router), 'hw0')).toMatchObject({ name: 'hw0', publicKey: key })
    await change(router, '/interface/wireguard', 'homeward hw0', { name: 'tunnel' })
    await bring(router)
    expect(router.text()).toBe(before)
  })

  test('an interface under another name is found by an undo when nothing else of it is left', async () => {
    const router = ownersRouter()
    const before = router.text()
    router.put('/interface/wireguard', { name: 'tunnel', 'listen-port': '51821', comment: 'homeward hw0' })
    await bring(router)
    expect(router.text()).toBe(before)
  })

  test('and no more is changed than has to be', async () => {
    const router = ownersRouter()
    await bring(router, HOME)
    await change(router, '/ip/firewall/filter', 'homeward hw0 forward-drop', { disabled: 'yes' })
    const count = router.changes().length
    await bring(router, HOME)
    expect(router.changes().slice(count)).toEqual(['/ip/firewall/filter/add', '/ip/firewall/filter/remove'])
  })
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

test('a fasttrack rule is named until our rules stand before it', async () => {
  const router = ownersRouter()
  const before = (await done(router, HOME)).warnings
  expect(before).toHaveLength(1)
  expect(before[0]).toMatch(/FastTrack .*"fast"/)
  await bring(router, HOME)
  expect((await done(router, HOME)).warnings).toEqual([])
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

function rowOf(router: PaperTables, path: string, comment: string): Readonly<Record<string, string>> {
  return router.rows(path).find((row) => row['comment'] === comment)!
}

async function change(router: PaperTables, path: string, comment: string, what: Readonly<Record<string, string>>) {
  const attributes = { '.id': rowOf(router, path, comment)['.id']!, ...what }
  await router.exec({ command: `${path}/set`, attributes }, router.signal)
}
