import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Adapter } from '../../adapters/adapter.ts'
import { applyDesired } from '../../adapters/apply.ts'
import type { Observation } from '../../adapters/observation.ts'
import type { TunnelSpec } from '../../adapters/spec.ts'
import type { Step } from '../../adapters/step.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { homeForwarding } from '../adapters/forwarding.ts'
import { someOf } from '../long.ts'
import type { Keys } from './specs.ts'
import { expectMatch } from './expect-match.ts'

const signal = (): AbortSignal => AbortSignal.timeout(60_000)

/** What of a machine under the contract is needed here. */
interface Machine {
  readonly keys: Keys
  /** In a process of its own. */
  readonly open: () => Promise<OpenAdapter>
}

interface OpenAdapter extends Adapter {
  readonly kill: () => Promise<void>
}

interface SecondTunnel {
  /** Once it is there. */
  readonly machineOf: () => Machine
  readonly firstOf: () => TunnelSpec
}

/** What becomes of a second tunnel on a machine, and that the first is not touched by any of it. */
export function secondTunnelContract(machine: SecondTunnel): void {
  describe('a second tunnel, while the first is not touched', () => {
    const given = givenFirst(machine)
    const { withAdapter, bring, expectOnly } = given

    test('comes, changes, drifts and goes', async () => {
      const { first, second } = given.tunnels()
      const changed: TunnelSpec = {
        ...second,
        mtu: 1300,
        forwarding: homeForwarding({ lan: ['192.168.3.0/24'], mode: 'routed' }),
      }
      for (const [which, ...desired] of [
        ['comes', first, second],
        ['changes', first, changed],
        ['changes back', first, second],
      ] as const) {
        const steps = await bring(...desired)
        expect(namedIn(steps), which).not.toContain(first.interface)
        await expectOnly(which, ...desired)
      }
      const publicKeys = second.peers.map((peer) => peer.publicKey)
      await withAdapter((adapter) =>
        adapter.execute({ kind: 'remove-peers', interface: second.interface, publicKeys }, signal()),
      )
      expect(namedIn(await bring(first, second))).not.toContain(first.interface)
      await expectOnly('drifts', first, second)
      expect(namedIn(await bring(first))).not.toContain(first.interface)
      await expectOnly('goes', first)
    })
  })
}

/** The same of an adapter that is killed. */
export function secondTunnelKilled(machine: SecondTunnel): void {
  describe('a second tunnel, while the first is not touched', () => {
    const given = givenFirst(machine)
    const { withAdapter, bring, expectOnly, expectUntouched } = given

    test('is killed after any step of its making and of its going', async () => {
      const { first, second } = given.tunnels()
      for (const [from, to] of [
        [[first], [first, second]],
        [[first, second], [first]],
      ] as const) {
        await bring(...from)
        const count = (await withAdapter(async (adapter) => adapter.plan(await adapter.observe(signal()), to))).steps
          .length
        const numbers = Array.from({ length: count }, (_, index) => index + 1)
        for (const done of someOf(numbers, 3)) {
          await bring(...from)
          const adapter = await machine.machineOf().open()
          const { steps } = adapter.plan(await adapter.observe(signal()), to)
          for (const step of steps.slice(0, done)) await adapter.execute(step, signal())
          await adapter.kill()
          await expectUntouched(`after ${done} steps`)
          await bring(...to)
          await expectOnly(`after ${done} steps`, ...to)
        }
      }
    })
  })
}

/** A machine with a first tunnel, and a second one as it is wanted. */
function givenFirst({ machineOf, firstOf }: SecondTunnel) {
  let first: TunnelSpec
  let second: TunnelSpec
  let untouched: unknown

  async function withAdapter<Result>(use: (adapter: OpenAdapter) => Promise<Result>): Promise<Result> {
    const adapter = await machineOf().open()
    try {
      return await use(adapter)
    } finally {
      await adapter.close()
    }
  }

  const observe = (): Promise<Observation> => withAdapter((adapter) => adapter.observe(signal()))
  const bring = (...desired: readonly TunnelSpec[]): Promise<readonly Step[]> =>
    withAdapter((adapter) => applyDesired(adapter, desired, signal()))

  beforeAll(async () => {
    first = firstOf()
    second = beside(first, machineOf())
    await bring(first)
    untouched = lastingOf(await observe(), first)
  })
  afterAll(async () => void (await bring()))

  async function expectUntouched(which: string): Promise<void> {
    expect(lastingOf(await observe(), first), which).toEqual(untouched)
  }

  return {
    tunnels: () => ({ first, second }),
    withAdapter,
    bring,
    expectUntouched,
    expectOnly: async (which: string, ...desired: readonly TunnelSpec[]): Promise<void> => {
      expectMatch(await observe(), desired, which)
      await expectUntouched(which)
      const { steps, refusals } = await withAdapter(async (adapter) =>
        adapter.plan(await adapter.observe(signal()), desired),
      )
      expect({ steps, refusals }, which).toEqual({ steps: [], refusals: [] })
    },
  }
}

/** Another home's tunnel of the same machine. */
function beside(first: TunnelSpec, { keys }: Machine): TunnelSpec {
  return {
    ...first,
    interface: 'hw1',
    address: '10.87.0.2/16',
    peers: [
      {
        publicKey: keys.peers[3]!,
        presharedKeyId: null,
        endpoint: { address: '203.0.113.11', port: 51_820 },
        allowedIps: ['10.87.0.0/16'],
        keepaliveSeconds: 25,
      },
    ],
    forwarding: homeForwarding({ lan: ['192.168.2.0/24'], mode: 'masquerade' }),
  }
}

/** All of it that does not count by itself, and the rules that tell whose they are. */
function lastingOf(observed: Observation, { interface: name }: TunnelSpec): unknown {
  const own = tunnelIn(observed, name)
  if (own === null) return null
  const peers = own.peers.map(({ rxBytes: _rx, txBytes: _tx, lastHandshakeAt: _at, ...peer }) => peer)
  return { ...own, peers, rules: observed.firewall?.filter((rule) => rule.includes(name)) }
}

function namedIn(steps: readonly Step[]): readonly string[] {
  return steps.flatMap((step) => ('interface' in step ? [step.interface] : []))
}
