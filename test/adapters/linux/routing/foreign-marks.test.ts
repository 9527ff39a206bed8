import { describe, expect, test } from 'vitest'
import { tunnelFirewalls } from '../../../../adapters/linux/firewall/tunnel-firewalls.ts'
import { planLinux } from '../../../../adapters/linux/plan.ts'
import { marksInRuleset, marksInSaved } from '../../../../adapters/linux/routing/foreign-marks.ts'
import { slotMarkText } from '../../../../adapters/linux/routing/slots.ts'
import type { ForeignMark } from '../../../../adapters/observation.ts'
import type { TunnelSpec } from '../../../../adapters/spec.ts'
import { homeForwarding } from '../../forwarding.ts'
import { UNTOUCHED } from '../../untouched.ts'

const TAILSCALE: ForeignMark = { mask: 0x00_ff_00_00, value: 0x00_08_00_00, by: 'ip rule 5210' }
const CALICO: ForeignMark = { mask: 0xff_ff_00_00, value: null, by: 'the nftables chain ip mangle cali-PREROUTING' }
const WG_QUICK: ForeignMark = { mask: 0xff_ff_ff_ff, value: 51_820, by: 'ip rule 8599' }
const EVERY_BYTE: ForeignMark = { mask: 0x01_01_01_01, value: null, by: 'the nftables chain ip all of_it' }

const home: TunnelSpec = {
  interface: 'hw0',
  publicKey: null,
  address: '10.86.0.2/16',
  mtu: 1420,
  listenPort: null,
  peers: [],
  routes: [],
  forwarding: { ...homeForwarding({ lan: [], mode: 'masquerade' }), visitors: true },
}
const markWith = (...foreignMarks: readonly ForeignMark[]): string =>
  slotMarkText(tunnelFirewalls({ visitors: [], foreignMarks }, [home])[0]?.visitorSlot ?? -1)

describe('the mark of visitors', () => {
  test.each([
    ['nobody', [], '0x00860000/0x00ff0000'],
    ['wg-quick, which compares whole marks', [WG_QUICK], '0x00860000/0x00ff0000'],
    ['Tailscale', [TAILSCALE], '0x86000000/0xff000000'],
    ['Calico', [CALICO], '0x00008600/0x0000ff00'],
    ['somebody who uses exactly our value', [{ ...WG_QUICK, value: 0x00_86_00_00 }], '0x86000000/0xff000000'],
    ['whoever leaves no byte', [EVERY_BYTE], '0x00860000/0x00ff0000'],
  ] as const)('beside %s', (_, marks, mark) => {
    expect(markWith(...marks)).toBe(mark)
  })

  test('of a tunnel that has one already changes only when another program takes its byte, and the plan says why', () => {
    const visitors = [{ slot: 0, interface: 'hw0', isWhole: true }]
    expect(tunnelFirewalls({ visitors, foreignMarks: [WG_QUICK] }, [home])[0]?.visitorSlot).toBe(0)
    const { steps } = planLinux({ ...UNTOUCHED, visitors, foreignMarks: [TAILSCALE] }, [home])
    expect(steps).toContainEqual({ kind: 'unlead-visitors', slot: 0 })
    expect(steps).toContainEqual({
      kind: 'lead-visitors',
      interface: 'hw0',
      slot: 16,
      because: 'ip rule 5210 uses packet marks under 0x00ff0000 too',
    })
  })

  test('that cannot step aside is told, with what to do', () => {
    expect(planLinux({ ...UNTOUCHED, foreignMarks: [EVERY_BYTE] }, [home]).warnings).toEqual([
      expect.stringMatching(/^the nftables chain ip all of_it uses packet marks .* --source hide/),
    ])
    expect(planLinux({ ...UNTOUCHED, foreignMarks: [TAILSCALE] }, [home]).warnings).toEqual([])
  })
})

describe('marks of others are found', () => {
  /** As nft 1.0.6 lists them. */
  const ct = { ct: { key: 'mark' } }
  const meta = { meta: { key: 'mark' } }
  const found = (expr: readonly unknown[], more: object = {}) =>
    marksInRuleset(
      JSON.stringify({ nftables: [{ rule: { family: 'inet', table: 'x', chain: 'a', expr, ...more } }] }),
      'inet homeward',
    ).map(({ mask, value }) => [mask, value])

  test.each([
    [
      'a match under a mask',
      { match: { op: '==', left: { '&': [meta, 0xff0000] }, right: 0x40000 } },
      [[0xff0000, null]],
    ],
    ['a whole match', { match: { op: '==', left: meta, right: 1 } }, [[0xffffffff, 1]]],
    ['bits that are set', { mangle: { key: ct, value: { '|': [ct, 0x100] } } }, [[0x100, null]]],
    [
      'a byte that is written',
      { mangle: { key: meta, value: { '|': [{ '&': [meta, 0xff00ffff] }, 0x40000] } } },
      [[0xff0000, null]],
    ],
    ['a byte that is copied', { mangle: { key: ct, value: { '&': [meta, 0xff0000] } } }, [[0xff0000, null]]],
    ['a whole copy, which no byte is free of', { mangle: { key: meta, value: ct } }, []],
    ['a target of iptables, which nft does not list', { xt: { type: 'target', name: 'CONNMARK' } }, []],
    ['nothing of the kind', { match: { op: '==', left: { meta: { key: 'iifname' } }, right: 'x' } }, []],
  ] as const)('%s', (_, expression, marks) => {
    expect(found([expression])).toEqual(marks)
  })

  test('none in our own table, nor in a rule of ours in another', () => {
    const ours = { match: { op: '==', left: { '&': [ct, 0xff0000] }, right: 0x860000 } }
    expect(found([ours], { table: 'homeward' })).toEqual([])
    expect(found([ours], { comment: 'homeward 0123456789ab' })).toEqual([])
  })

  test('in what iptables-save prints', () => {
    const saved = `-A FORWARD -i ts0 -j MARK --set-xmark 0x40000/0xff0000
-A FORWARD -m mark --mark 0x1 -j ACCEPT
-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
-A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff0000 --ctmask 0xff000000
-A PREROUTING -p tcp -j TPROXY --on-port 1 --on-ip 0.0.0.0 --tproxy-mark 0x2/0x2
-A INPUT -i hw0 -m connmark --mark 0x860000/0xff0000 -m comment --comment homeward -j ACCEPT
`
    expect(marksInSaved('iptables-legacy', saved)).toEqual([
      { mask: 0xff0000, value: 0x40000, by: 'iptables-legacy' },
      { mask: 0xffffffff, value: 1, by: 'iptables-legacy' },
      { mask: 0xff0000, value: null, by: 'iptables-legacy' },
      { mask: 0xff000000, value: null, by: 'iptables-legacy' },
      { mask: 2, value: 2, by: 'iptables-legacy' },
    ])
  })
})
