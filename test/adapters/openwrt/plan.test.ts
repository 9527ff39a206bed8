import * as fc from '../../properties.ts'
import { expect, test } from 'vitest'
import type { TunnelSpec } from '../../../adapters/spec.ts'
import { toObservation } from '../../../adapters/openwrt/observe/convert.ts'
import { planOpenwrt } from '../../../adapters/openwrt/plan.ts'
import { keyOf, PRIVATE_KEY, type Section, tunnelOf } from '../../../adapters/openwrt/uci/sections.ts'
import { stage, type StagedStep } from '../../../adapters/openwrt/change/stage.ts'
import { only } from '../only.ts'
import { homeSpec, makeKeys } from '../../contract/specs.ts'
import { homeForwarding } from '../forwarding.ts'

const keys = makeKeys()
const HOME = homeSpec(keys)
const OPTIONS = { host: '192.168.1.1', rollbackSeconds: 90 }

const OWNERS: readonly Section[] = [
  {
    config: 'network',
    name: 'lan',
    type: 'interface',
    options: { proto: 'static', ipaddr: '192.168.1.1', netmask: '255.255.255.0' },
  },
  { config: 'firewall', name: '@zone[0]', type: 'zone', options: { name: 'home', network: 'lan' } },
]

/** What a router without the tunnel's device would say. */
function observe(sections: readonly Section[], changes = '', links = '') {
  const show = (config: string): string =>
    sections
      .filter((section) => section.config === config)
      .map((section) => {
        const lines = Object.entries(section.options).map(
          ([name, value]) =>
            `${keyOf(section)}.${name}=${[value]
              .flat()
              .map((item) => `'${item}'`)
              .join(' ')}\n`,
        )
        return `${keyOf(section)}=${section.type}\n${lines.join('')}`
      })
      .join('')
  const own = sections.find((section) => section.name === 'hw0')
  const parts: Readonly<Record<string, string>> = {
    now: '1700000000\n',
    id: '0\n',
    network: show('network'),
    firewall: show('firewall'),
    changes,
    links,
    key: `hw0 ${String(own?.options[PRIVATE_KEY] ?? '')}\n`,
    interfaces: '{"interface":[]}',
    handlers: '"wireguard"\n',
    tools: '/usr/bin/wg\n/sbin/fw4\nwireguard.sh\n',
  }
  return toObservation({ part: (name) => parts[name] ?? '' }, 1_700_000_000)
}

const spec = fc.record({
  address: fc.constantFrom('10.86.0.2/16', '10.86.0.9/16'),
  mtu: fc.integer({ min: 1280, max: 1420 }),
  keepalive: fc.integer({ min: 0, max: 60 }),
  peer: fc.constantFrom(...keys.peers.slice(0, 3)),
  lan: fc.uniqueArray(fc.constantFrom('192.168.1.0/24', '192.168.7.0/24', '10.5.0.0/16'), { maxLength: 3 }),
  mode: fc.constantFrom('masquerade' as const, 'routed' as const),
  routes: fc.uniqueArray(fc.constantFrom('10.99.0.0/16', '172.20.0.0/16'), { maxLength: 2 }),
})

function specOf({
  address,
  mtu,
  keepalive,
  peer,
  lan,
  mode,
  routes,
}: typeof spec extends fc.Arbitrary<infer Value> ? Value : never): TunnelSpec {
  return {
    ...HOME,
    address,
    mtu,
    peers: [{ ...HOME.peers[0]!, publicKey: peer, keepaliveSeconds: keepalive }],
    forwarding: homeForwarding({ lan, mode }),
    routes: routes.map((prefix) => ({ prefix, mtu: null })),
  }
}

/** What a plan has around its changes. */
const AROUND: ReadonlySet<string> = new Set(['arm-rollback', 'activate-changes', 'keep-changes'])

/** The changes of a plan, carried out on paper. */
function carryOut(sections: readonly Section[], ...wanted: readonly TunnelSpec[]): readonly Section[] {
  const { steps, refusals } = planOpenwrt(observe(sections), wanted, OPTIONS)
  expect(refusals).toEqual([])
  expect(steps.length === 0 || (steps[0]?.kind === 'arm-rollback' && steps.at(-1)?.kind === 'keep-changes')).toBe(true)
  return steps.reduce((now, step) => (AROUND.has(step.kind) ? now : stage(now, step as StagedStep)), sections)
}

test('from anything to anything: afterwards only what runs is left to do, and nobody else’s is touched', () => {
  fc.assert(
    fc.property(fc.array(spec, { minLength: 1, maxLength: 4 }), (specs) => {
      let sections = OWNERS
      for (const wanted of specs.map(specOf)) {
        sections = carryOut(sections, wanted)
        // On paper there is no device: that it be brought up remains, and what follows from that.
        const left = planOpenwrt(observe(sections), [wanted], OPTIONS).steps.map((step) => step.kind)
        expect(
          left.filter(
            (kind) => !['arm-rollback', 'bring-up', 'set-firewall', 'activate-changes', 'keep-changes'].includes(kind),
          ),
        ).toEqual([])
        expect(carryOut(sections, wanted)).toEqual(sections)
        expect(sections.filter((section) => tunnelOf(section) === null)).toEqual(OWNERS)
      }
      expect(carryOut(sections)).toEqual(OWNERS)
    }),
    { numRuns: 100 },
  )
})

test('a second tunnel comes and goes, and no section of the first is touched', () => {
  const second: TunnelSpec = { ...HOME, interface: 'hw1', address: '10.87.0.2/16' }
  const alone = carryOut(OWNERS, HOME)
  const both = carryOut(alone, HOME, second)
  const of = (sections: readonly Section[], name: string) => sections.filter((section) => tunnelOf(section) === name)
  expect(of(both, 'hw0')).toEqual(of(alone, 'hw0'))
  expect(of(both, 'hw1')).not.toEqual([])
  expect(carryOut(both, HOME)).toEqual(alone)
})

test('the LAN is known by the zone that its owner put it in', () => {
  const out = carryOut(OWNERS, HOME).find(({ name }) => name === 'homeward_hw0_out0')
  expect(out?.options).toMatchObject({ src: 'home', src_ip: ['192.168.1.0/24'], dest: 'hw0' })
})

test.each([
  ['what somebody has not committed', observe(OWNERS, 'network.lan.netmask\n'), HOME, 'router-changes-pending'],
  [
    'what somebody has not committed, when undoing',
    observe(carryOut(OWNERS, HOME), '-firewall.x\n'),
    null,
    'router-changes-pending',
  ],
  [
    'an interface that is somebody’s',
    observe([...OWNERS, { config: 'network', name: 'hw0', type: 'interface', options: { proto: 'static' } }]),
    HOME,
    'interface-taken',
  ],
  [
    'a zone that is somebody’s',
    observe([...OWNERS, { config: 'firewall', name: 'x', type: 'zone', options: { name: 'hw0' } }]),
    HOME,
    'router-taken',
  ],
  ['a name that uci does not take', observe(OWNERS), { ...HOME, interface: 'hw-0' }, 'router-unsupported'],
  ['a network that holds the router', observe(OWNERS), { ...HOME, address: '192.168.1.9/24' }, 'router-through-tunnel'],
] as const)('refuses %s', (_what, observed, wanted, code) => {
  const { steps, refusals } = planOpenwrt(observed, only(wanted), OPTIONS)
  expect(steps).toEqual([])
  expect(refusals.map((refusal) => refusal.code)).toContain(code)
})

test('what writes nothing does not wait for changes that somebody has not committed', () => {
  const configured = carryOut(OWNERS, HOME)
  const pending = 'network.lan.netmask\n'
  const { steps, refusals } = planOpenwrt(observe(configured, pending), [HOME], OPTIONS)
  expect(refusals).toEqual([])
  expect(steps.map(({ kind }) => kind)).toContain('bring-up')
  const other = { ...HOME, mtu: 1300 }
  expect(planOpenwrt(observe(configured, pending), [other], OPTIONS).refusals).toMatchObject([
    { code: 'router-changes-pending' },
  ])
  expect(planOpenwrt(observe(OWNERS, pending), [], OPTIONS)).toMatchObject({ steps: [], refusals: [] })
})

test('a device of which the section was deleted is still ours; one without anything of ours is somebody’s', () => {
  const configured = carryOut(OWNERS, HOME)
  const links = '7: hw0: <POINTOPOINT,NOARP,UP,LOWER_UP> mtu 1420 qdisc noqueue state UNKNOWN\n'
  const codes = (sections: readonly Section[]) =>
    planOpenwrt(observe(sections, '', links), [HOME], OPTIONS).refusals.map(({ code }) => code)
  expect(codes(configured.filter(({ name }) => name !== 'hw0'))).toEqual([])
  expect(codes(OWNERS)).toEqual(['interface-taken'])
})

test('people are told where no byte of marks is left for answers to visitors, and not where there are none', () => {
  const observed = observe(OWNERS)
  const visited: TunnelSpec = { ...HOME, forwarding: homeForwarding({ lan: [], mode: 'routed', visitors: true }) }
  const warnings = (mask: number, spec: TunnelSpec) =>
    planOpenwrt(
      { ...observed, warnings: [], foreignMarks: [{ mask, value: null, by: 'firewall.vpn' }] },
      [spec],
      OPTIONS,
    ).warnings
  expect(warnings(0xff_ff_ff_fe, visited).join()).toMatch(
    /^firewall\.vpn uses packet marks under 0xff000000 too, and no other byte of them is free/,
  )
  expect(warnings(0xff_ff_ff_00, visited)).toEqual([])
  expect(warnings(0xff_ff_ff_fe, HOME)).toEqual([])
})

test('a router without the tools is given them first, and people are told that its interfaces go away', () => {
  const observed = observe(OWNERS)
  const bare = { ...observed, tools: { ...observed.tools, hasWg: false, hasHandler: false, knowsProtocol: false } }
  const kinds = planOpenwrt(bare, [HOME], OPTIONS).steps.map((step) => step.kind)
  expect(kinds.slice(0, 3)).toEqual(['install-wireguard', 'restart-network', 'arm-rollback'])
})
