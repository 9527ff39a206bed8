import * as fc from '../../properties.ts'
import { describe, expect, test } from 'vitest'
import { tunnelIn } from '../../../adapters/tunnel-in.ts'
import type { ExitRoute, Observation, ObservedInterface, ReplyRoute } from '../../../adapters/observation.ts'
import type { ForwardingSpec, PublishedPort, TunnelSpec } from '../../../adapters/spec.ts'
import type { LinuxStep } from '../../../adapters/linux/steps.ts'
import { firewallTable } from '../../../adapters/linux/firewall/firewall.ts'
import { networkOf } from '../../../net/prefix.ts'
import { fingerprintsOf } from '../../../adapters/linux/firewall/nft-table.ts'
import { planLinux } from '../../../adapters/linux/plan.ts'
import { ECHO_FLOW } from '../../../protocol/echo.ts'
import type { PresharedKeyId, PublicKey } from '../../../wireguard/keys.ts'
import type { PeerSpec } from '../../../wireguard/spec.ts'
import { UNTOUCHED } from '../untouched.ts'
import { carryOut } from './simulated-machine.ts'

const KEYS = ['A', 'B', 'C', 'D'].map((letter) => `${letter.repeat(43)}=` as PublicKey)
const PREFIXES = ['10.86.0.2/32', '10.86.0.3/32', '192.168.1.0/24', '192.168.2.0/24', '192.168.3.0/24']

const PUBLISHED: PublishedPort[] = [
  { protocol: 'tcp', port: 443, address: '192.168.1.20', targetPort: 443, hidden: false },
  { protocol: 'udp', port: 443, address: '192.168.1.20', targetPort: 443, hidden: true },
  { protocol: 'tcp', port: 80, address: '192.168.1.21', targetPort: 8080, hidden: true },
]

const key = fc.constantFrom(...KEYS)
const prefixes = fc.subarray(PREFIXES)
const routes = fc
  .array(fc.record({ prefix: fc.constantFrom(...PREFIXES), mtu: fc.constantFrom(null, 1200, 1280) }))
  .map((some) => [...new Map(some.map((route) => [route.prefix, route])).values()])
const presharedKeyId = fc.constantFrom(null, '0011223344556677' as PresharedKeyId, '8899aabbccddeeff' as PresharedKeyId)
const endpoint = fc.constantFrom(
  null,
  { address: '203.0.113.10', port: 51_820 },
  { address: '203.0.113.10', port: 443 },
  { address: '2001:db8::7', port: 51_820 },
)
const forwarding: fc.Arbitrary<ForwardingSpec> = fc.oneof(
  fc.record({
    role: fc.constant('home' as const),
    lan: prefixes,
    mode: fc.constantFrom('masquerade', 'routed'),
    seenAs: fc.subarray([{ prefix: '192.168.1.0/24', seen: '10.168.1.0/24' }]),
    visitors: fc.boolean(),
    exit: fc.boolean(),
  }),
  fc.record({
    role: fc.constant('hub' as const),
    alternatePorts: fc.subarray([443, 4500, 53]),
    echo: fc.constantFrom(ECHO_FLOW, { ...ECHO_FLOW, port: 8688 }, { ...ECHO_FLOW, keptSeconds: 60 }),
    devices: fc.subarray(['10.86.0.5', '10.86.0.6', '10.86.0.7']),
    heartbeatPort: fc.constantFrom(null, 8686),
    limited: fc.subarray([{ devices: ['10.86.0.8'], prefixes: ['192.168.1.0/24'] }]),
    full: fc.subarray(['10.86.0.5']),
    exits: fc.subarray(['10.86.0.6', '10.86.0.5']),
    published: fc.subarray(PUBLISHED),
  }),
)
const address = fc.constantFrom('10.86.0.1/16', '10.86.0.2/16', '10.86.0.2/24')
const mtu = fc.constantFrom(1280, 1420)
const name = fc.constantFrom('hw0', 'hw1')

/** A prefix belongs to one peer at most: WireGuard knows nothing else. */
const peers: fc.Arbitrary<readonly PeerSpec[]> = fc
  .record({
    publicKeys: fc.subarray(KEYS),
    owners: fc.array(fc.nat(9), { minLength: PREFIXES.length, maxLength: PREFIXES.length }),
    details: fc.array(fc.record({ presharedKeyId, endpoint, keepaliveSeconds: fc.constantFrom(0, 25) }), {
      minLength: KEYS.length,
      maxLength: KEYS.length,
    }),
  })
  .map(({ publicKeys, owners, details }) =>
    publicKeys.map((publicKey, index) => ({
      publicKey,
      ...details[index]!,
      allowedIps: PREFIXES.filter((_, prefix) => owners[prefix] === index),
    })),
  )

const spec: fc.Arbitrary<TunnelSpec> = fc.record({
  interface: name,
  publicKey: key,
  address,
  mtu,
  listenPort: fc.constantFrom(null, 51_820, 443),
  peers,
  routes,
  forwarding,
})

const ownInterface: fc.Arbitrary<ObservedInterface> = fc
  .record({
    name,
    up: fc.boolean(),
    isCutOff: fc.boolean(),
    mtu,
    addresses: fc.uniqueArray(address),
    routes,
    publicKey: fc.option(key),
    listenPort: fc.constantFrom(0, 443, 51_820, 40_000),
    peers,
  })
  .map((own) => ({
    ...own,
    fwmark: 0,
    cutOff: own.up && own.isCutOff ? own.addresses.slice(0, 1) : [],
    routes: own.up ? own.routes : [],
    peers: own.peers.map((peer) => ({ ...peer, lastHandshakeAt: 7, rxBytes: 1, txBytes: 2 })),
  }))

const firewall = fc.oneof(
  fc.constant(null),
  fc.constant(['rule forward somebody’s']),
  fc
    .record({
      interface: name,
      listenPort: fc.constantFrom(null, 443),
      network: fc.constant('10.86.0.0/16'),
      forwarding,
      visitorSlot: fc.constantFrom(0, 1),
    })
    .map((of) => fingerprintsOf(firewallTable([of]))),
)

const comment = '-m comment --comment homeward -j ACCEPT'
const otherFirewall = fc.record({
  strict: fc.subarray(['INPUT', 'FORWARD']),
  ours: fc.array(
    fc.constantFrom(
      `FORWARD -i hw0 ${comment}`,
      `INPUT -p udp -m udp --dport 443 ${comment}`,
      `INPUT -s 1.1.1.1 ${comment}`,
    ),
    {
      maxLength: 4,
    },
  ),
})

const nativeFirewall = fc.record({
  strict: fc.subarray(['inet filter forward forward', 'ip other in input']),
  ours: fc
    .uniqueArray(
      fc.record({
        chain: fc.constantFrom('inet filter forward', 'ip other in'),
        digest: fc.constantFrom('0123456789ab', 'ba9876543210'),
        handle: fc.nat(20),
      }),
      { maxLength: 4, selector: ({ handle }) => handle },
    )
    .map((rules) => rules.map(({ chain, digest, handle }) => `${chain} ${digest} ${handle}`)),
})

const replyRoutes: fc.Arbitrary<readonly ReplyRoute[]> = fc.uniqueArray(
  fc.record({ slot: fc.nat(2), interface: fc.constantFrom(null, 'hw0', 'hw1'), isWhole: fc.boolean() }),
  { maxLength: 3, selector: ({ slot }) => slot },
)

const exitRoute: fc.Arbitrary<ExitRoute | null> = fc.oneof(
  fc.constant(null),
  fc.constant({ interface: null, devices: [] }),
  fc.record({ interface: fc.constantFrom('hw0', 'hw1'), devices: fc.subarray(['10.86.0.5', '10.86.0.6']) }),
)

/** Any machine, also one that no plan of ours would leave behind. */
const machine: fc.Arbitrary<Observation> = fc
  .record({
    interfaces: fc.uniqueArray(ownInterface, { maxLength: 2, selector: ({ name: own }) => own }),
    remains: fc.subarray(['hw1', 'old0']),
    firewall,
    forwarding: fc.boolean(),
    otherFirewalls: fc.record({ iptables: otherFirewall, ip6tables: otherFirewall, nftables: nativeFirewall }),
    exits: exitRoute,
    visitors: replyRoutes,
    wasOff: fc.boolean(),
    published: fc.constantFrom(null, PUBLISHED.slice(0, 1), PUBLISHED.slice(1)),
  })
  .map(({ wasOff, published, remains, ...rest }) => ({
    ...rest,
    // One is there, or a wreck of its name.
    remains: remains.filter((one) => rest.interfaces.every(({ name: own }) => own !== one)),
    foreignInterfaces: ['eth0'],
    published: rest.firewall === null ? [] : published,
    replaceable: rest.firewall === null ? [] : ['chain forward'],
    closedFirewalls: [],
    forwardingIsOurs: rest.firewall !== null && wasOff,
    clashes: [],
    warnings: [],
  }))

function carryOutAll(steps: readonly LinuxStep[], start: Observation): Observation {
  return steps.reduce((now, step) => carryOut(step, now), start)
}

/** One tunnel or two, of which one may be the hub's. */
const wanted: fc.Arbitrary<readonly TunnelSpec[]> = fc
  .uniqueArray(spec, { minLength: 1, maxLength: 2, selector: (one) => one.interface })
  .map((specs) => specs.filter(({ forwarding: of }, index) => of.role === 'home' || index === 0))

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
      firewallTable([{ ...desired!, network: networkOf(desired!.address), visitorSlot: 0 }]),
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
