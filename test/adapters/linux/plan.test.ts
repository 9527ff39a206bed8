import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { tunnelIn } from '../../../adapters/tunnel-in.ts'
import type { Observation } from '../../../adapters/observation.ts'
import type { PublishedPort } from '../../../adapters/spec.ts'
import type { LinuxStep } from '../../../adapters/linux/steps.ts'
import { firewallTable } from '../../../adapters/linux/firewall/firewall.ts'
import { networkOf } from '../../../net/prefix.ts'
import { fingerprintsOf } from '../../../adapters/linux/firewall/nft-table.ts'
import { planLinux } from '../../../adapters/linux/plan.ts'
import type { PeerSpec } from '../../../wireguard/spec.ts'
import { UNTOUCHED } from '../untouched.ts'
import { machine } from './any-machine.ts'
import { KEYS, spec, wanted } from './any-tunnel.ts'
import { carryOut } from './simulated-machine.ts'

function carryOutAll(steps: readonly LinuxStep[], start: Observation): Observation {
  return steps.reduce((now, step) => carryOut(step, now), start)
}

const situation = fc.record({ before: machine, desired: wanted })

const sorted = (ports: readonly PublishedPort[]) => ports.map((port) => JSON.stringify(port)).sort()

describe('the planner', () => {
  test('any machine becomes what is wanted, in an order that no kernel refuses, and then there is nothing to do', () => {
    fc.assert(
      fc.property(situation, ({ before, desired }) => {
        const { steps, refusals } = planLinux(before, desired)
        expect(refusals).toEqual([])
        const after = carryOutAll(steps, before)
        expect(planLinux(after, desired)).toEqual({ steps: [], refusals: [], warnings: [] })
        for (const one of desired)
          expect(tunnelIn(after, one.interface)).toMatchObject({ up: true, addresses: [one.address] })
        expect(after).toMatchObject({ forwarding: true, remains: [] })
        expect(after.interfaces).toHaveLength(desired.length)
        const published = desired.flatMap(({ forwarding: of }) => (of.role === 'hub' ? of.published : []))
        if (after.published !== null) expect(sorted(after.published)).toEqual(sorted(published))
      }),
      { numRuns: 600 },
    )
  })

  test('nothing waits for published ports, and they stay while the rest of the firewall changes', () => {
    fc.assert(
      fc.property(situation, ({ before, desired }) => {
        const { steps } = planLinux(before, desired)
        const kinds = steps.map(({ kind }) => kind)
        if (kinds.includes('change-published')) expect(kinds.indexOf('change-published')).toBe(kinds.length - 1)
        for (const step of steps) {
          if (step.kind !== 'set-firewall') continue
          expect(JSON.stringify(step)).not.toContain('published')
          const isKept = desired.some(({ forwarding: of }) => of.role === 'hub') && (before.published?.length ?? 0) > 0
          expect(step.replaces !== null).toBe(isKept)
        }
      }),
    )
  })

  test('rules in firewalls of others come after peers, link and routes, which never wait for them', () => {
    fc.assert(
      fc.property(situation, ({ before, desired }) => {
        const kinds = planLinux(before, desired).steps.map(({ kind }) => kind)
        const first = kinds.indexOf('set-other-firewall')
        fc.pre(first >= 0)
        for (const kind of ['set-firewall', 'set-peers', 'bring-up', 'add-route', 'lead-exits'] as const)
          expect(kinds.lastIndexOf(kind)).toBeLessThan(first)
      }),
      { numRuns: 200 },
    )
  })

  test('ended after any step, the next plan finishes the job', () => {
    fc.assert(
      fc.property(situation, fc.nat(20), ({ before, desired }, count) => {
        const halfway = carryOutAll(planLinux(before, desired).steps.slice(0, count), before)
        const after = carryOutAll(planLinux(halfway, desired).steps, halfway)
        expect(planLinux(after, desired).steps).toEqual([])
      }),
      { numRuns: 400 },
    )
  })

  test('undo leaves nothing, and forwarding as it was before us, from whatever state it begins', () => {
    fc.assert(
      fc.property(fc.boolean(), wanted, fc.nat(20), (isForwarding, desired, count) => {
        const some: Observation = {
          ...UNTOUCHED,
          forwarding: isForwarding,
          otherFirewalls: {
            iptables: { strict: ['INPUT', 'FORWARD'], ours: [] },
            ip6tables: { strict: ['INPUT'], ours: [] },
            nftables: { strict: ['inet filter forward forward', 'inet filter input input'], ours: [] },
          },
        }
        const halfway = carryOutAll(planLinux(some, desired).steps.slice(0, count), some)
        const after = carryOutAll(planLinux(halfway, []).steps, halfway)
        expect(after).toEqual(some)
        expect(planLinux(after, []).steps).toEqual([])
      }),
      { numRuns: 400 },
    )
  })

  test('an interface with the right key is never made anew, nor its key set: sessions live through every change', () => {
    fc.assert(
      fc.property(situation, ({ before, desired }) => {
        const kept = desired.filter(
          ({ interface: name, publicKey }) =>
            tunnelIn(before, name) !== null && tunnelIn(before, name)?.publicKey === publicKey,
        )
        const { steps } = planLinux(before, desired)
        for (const { interface: name } of kept)
          for (const kind of ['create-interface', 'set-private-key', 'remove-interface'])
            expect(steps).not.toContainEqual(expect.objectContaining({ kind, interface: name }))
      }),
      { numRuns: 400 },
    )
  })

  test('a tunnel that is as wanted is touched by nothing that becomes of another', () => {
    fc.assert(
      fc.property(wanted, spec, ({ 0: first }, other) => {
        fc.pre(first !== undefined && other.interface !== first.interface && other.forwarding.role === 'home')
        const both = [first, other]
        const alone = carryOutAll(planLinux(UNTOUCHED, [first]).steps, UNTOUCHED)
        const added = planLinux(alone, both).steps
        const together = carryOutAll(added, alone)
        expect(planLinux(together, both.toReversed()).steps).toEqual([])
        const removed = planLinux(together, [first]).steps
        for (const step of [...added, ...removed]) if ('interface' in step) expect(step.interface).toBe(other.interface)
        expect(tunnelIn(together, first.interface)).toEqual(tunnelIn(alone, first.interface))
        const after = carryOutAll(removed, together)
        expect(after).toEqual(alone)
      }),
      { numRuns: 300 },
    )
  })

  test('a peer that is as it should be is not touched', () => {
    fc.assert(
      fc.property(situation, ({ before, desired }) => {
        const set = planLinux(before, desired).steps.flatMap((step) =>
          step.kind === 'set-peers' ? step.peers.map((peer) => [step.interface, peer] as const) : [],
        )
        for (const [of, peer] of set) {
          const there = tunnelIn(before, of)?.peers.find((other) => other.publicKey === peer.publicKey)
          if (there === undefined) continue
          const { publicKey, presharedKeyId, keepaliveSeconds } = there
          const same = {
            publicKey,
            presharedKeyId,
            keepaliveSeconds,
            allowedIps: [...there.allowedIps].sort(),
            endpoint: peer.endpoint === null ? null : there.endpoint,
          }
          expect({ ...peer, allowedIps: [...peer.allowedIps].sort() }).not.toEqual(same)
        }
      }),
    )
  })

  test('a clash refuses the change and plans nothing, but does not stop an undo', () => {
    const clashes = [{ code: 'interface-taken', why: 'somebody’s' }] as const
    const observed: Observation = {
      ...UNTOUCHED,
      remains: ['old0'],
      firewall: ['rule'],
      forwarding: true,
      forwardingIsOurs: true,
      clashes,
    }
    const [desired] = fc.sample(spec, 1)
    expect(planLinux(observed, [desired!])).toEqual({ steps: [], refusals: clashes, warnings: [] })
    expect(planLinux(observed, []).steps.map((step) => step.kind)).toEqual([
      'remove-interface',
      'disable-forwarding',
      'remove-firewall',
    ])
  })

  test('forwarding that was on at first and turned off since is turned on with the mark that undo needs', () => {
    const [desired] = fc.sample(spec, 1)
    const firewall = fingerprintsOf(
      firewallTable([
        {
          ...desired!,
          address: desired!.address.split('/')[0]!,
          network: networkOf(desired!.address),
          visitorSlot: 0,
        },
      ]),
    )
    const observed: Observation = { ...UNTOUCHED, firewall }
    const { steps } = planLinux(observed, [desired!])
    expect(steps).toContainEqual(expect.objectContaining({ kind: 'set-firewall', forwardingWasOff: true }))
    expect(carryOutAll(steps, observed)).toMatchObject({ forwarding: true, forwardingIsOurs: true })
  })

  test('an IPv6 endpoint is the same in every spelling', () => {
    const [desired] = fc.sample(spec, 1)
    const peer: PeerSpec = {
      publicKey: KEYS[0]!,
      presharedKeyId: null,
      endpoint: { address: '2001:DB8:0:0::7', port: 443 },
      allowedIps: [],
      keepaliveSeconds: 0,
    }
    const asked = [{ ...desired!, peers: [peer] }]
    const made = carryOutAll(planLinux(UNTOUCHED, asked).steps, UNTOUCHED)
    const [own] = made.interfaces
    const printed = { ...own!.peers[0]!, endpoint: { address: '2001:db8::7', port: 443 } }
    expect(planLinux({ ...made, interfaces: [{ ...own!, peers: [printed] }] }, asked).steps).toEqual([])
  })
})
