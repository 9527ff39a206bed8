import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Observation } from '../../adapters/observation.ts'
import type { TunnelSpec } from '../../adapters/spec.ts'
import type { Step } from '../../adapters/step.ts'
import { tunnelIn } from '../../adapters/tunnel-in.ts'
import { homeForwarding } from '../adapters/forwarding.ts'
import { isLong, someOf } from '../long.ts'
import { expectMatch } from './expect-match.ts'
import { type Capabilities, type GivenMachine, type Machine, signal } from './machine.ts'

/** What becomes of a second tunnel on a machine, and that the first is not touched by any of it. */
export function secondTunnelContract(machine: GivenMachine): void {
  describe('a second tunnel, while the first is not touched', () => {
    const given = givenFirst(machine)
    const { expectOnly } = given
    const { withAdapter, bring } = machine

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
export function secondTunnelKilled(machine: GivenMachine, { kills = 'each' }: Pick<Capabilities, 'kills'>): void {
  describe('a second tunnel, while the first is not touched', () => {
    const given = givenFirst(machine)
    const { expectOnly, expectUntouched } = given
    const { machineOf, pending, bring } = machine

    test('is killed after any step of its making and of its going', async () => {
      const { first, second } = given.tunnels()
      for (const [from, to] of [
        [[first], [first, second]],
        [[first, second], [first]],
      ] as const) {
        await bring(...from)
        const count = (await pending(...to)).steps.length
        const numbers = Array.from({ length: count }, (_, index) => index + 1)
        for (const done of kills === 'each' || isLong ? someOf(numbers, 3) : [Math.ceil(count / 2)]) {
          await bring(...from)
          const adapter = await machineOf().open()
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
function givenFirst({ machineOf, withAdapter, specOf, bring, expectDone }: GivenMachine) {
  let first: TunnelSpec
  let second: TunnelSpec
  let untouched: unknown

  const observe = (): Promise<Observation> => withAdapter((adapter) => adapter.observe(signal()))

  beforeAll(async () => {
    first = specOf('home')
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
    expectUntouched,
    expectOnly: async (which: string, ...desired: readonly TunnelSpec[]): Promise<void> => {
      expectMatch(await observe(), desired, which)
      await expectUntouched(which)
      await expectDone(...desired)
    },
  }
}

/** Another home's tunnel of the same machine. */
function beside(first: TunnelSpec, { keys }: Pick<Machine, 'keys'>): TunnelSpec {
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
