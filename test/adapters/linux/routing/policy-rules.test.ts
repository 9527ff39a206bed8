import * as fc from '../../../properties.ts'
import { describe, expect, test } from 'vitest'
import { exitCommands, exitRoute } from '../../../../adapters/linux/routing/exit-routes.ts'
import { parsePolicyRules, priorityBefore } from '../../../../adapters/linux/routing/policy-rules.ts'
import { replyRoutes, visitorCommands } from '../../../../adapters/linux/routing/reply-routes.ts'

/** As iproute2 6.1.0 prints them. */
const KERNELS = [
  { priority: 0, src: 'all', table: 'local', protocol: 'kernel' },
  { priority: 32_766, src: 'all', table: 'main', protocol: 'kernel' },
  { priority: 32_767, src: 'all', table: 'default', protocol: 'kernel' },
]
const OURS = { priority: 8600, src: 'all', fwmark: '0x860000', fwmask: '0xff0000', table: '8600', protocol: '86' }
const NEAR = { ...OURS, priority: 8599, table: 'main', suppress_prefixlen: 7 }
const WG_QUICK = [
  { priority: 8598, src: 'all', table: 'main', suppress_prefixlen: 0, protocol: 'unspec' },
  { priority: 8599, not: null, src: 'all', fwmark: '0xca6c', table: '51820', protocol: 'unspec' },
]
const TAILSCALE = [
  { priority: 5210, src: 'all', fwmark: '0x80000', fwmask: '0xff0000', table: 'main', protocol: 'unspec' },
  { priority: 5270, src: 'all', table: '52', protocol: 'unspec' },
]
const LAST_RESORT = { type: 'unreachable', dst: 'default', table: '8600', metric: 4_278_198_272 }
const ROUTES = JSON.stringify([{ dst: 'default', dev: 'hw0', table: '8600' }, LAST_RESORT])
const text = (rules: readonly unknown[]): string => JSON.stringify([...KERNELS, ...rules])

describe('the rule that routes answers to visitors', () => {
  test('has the priority it always had where nobody else has a rule before the kernel’s', () => {
    expect(replyRoutes(text([OURS, NEAR]), ROUTES)).toEqual([{ slot: 0, interface: 'hw0', isWhole: true }])
    expect(visitorCommands(0, 'hw0', text([]), '[]').at(-1)).toBe(
      'rule add fwmark 0x00860000/0x00ff0000 lookup 8600 pref 8600 proto 86',
    )
  })

  test('goes before a full-tunnel VPN’s, which took the priorities below it', () => {
    const rules = text([OURS, NEAR, ...WG_QUICK])
    expect(replyRoutes(rules, ROUTES)).toEqual([{ slot: 0, interface: 'hw0', isWhole: false, behind: 'ip rule 8598' }])
    expect(visitorCommands(0, 'hw0', rules, ROUTES)).toEqual([
      'rule del pref 8600 lookup 8600 proto 86',
      'rule del pref 8599 lookup main proto 86 fwmark 0x00860000/0x00ff0000',
      'route del default table 8600 proto 86',
      'route del default table 8600 proto 86',
      'route add default dev hw0 table 8600 proto 86',
      'route add unreachable default metric 4278198272 table 8600 proto 86',
      'rule add fwmark 0x00860000/0x00ff0000 lookup main suppress_prefixlength 7 pref 4298 proto 86',
      'rule add fwmark 0x00860000/0x00ff0000 lookup 8600 pref 4299 proto 86',
    ])
    const moved = text([{ ...OURS, priority: 4299 }, { ...NEAR, priority: 4298 }, ...WG_QUICK])
    expect(replyRoutes(moved, ROUTES)).toEqual([{ slot: 0, interface: 'hw0', isWhole: true }])
  })

  test('returns to its usual priority when the VPN is gone', () => {
    expect(replyRoutes(text([{ ...OURS, priority: 4299 }]), ROUTES)).toMatchObject([{ isWhole: false }])
  })

  test('takes no notice of rules for packets with somebody else’s mark, only of those for all packets', () => {
    expect(replyRoutes(text([OURS, NEAR, TAILSCALE[0]]), ROUTES)).toMatchObject([{ isWhole: true }])
    expect(replyRoutes(text([OURS, NEAR, ...TAILSCALE]), ROUTES)).toMatchObject([{ behind: 'ip rule 5270' }])
  })

  test('has a last resort behind the tunnel, since nothing may leave by the main table while that is gone', () => {
    const onlyTunnel = JSON.stringify([{ dst: 'default', dev: 'hw0', table: '8600' }])
    expect(replyRoutes(text([OURS, NEAR]), onlyTunnel)).toMatchObject([{ interface: 'hw0', isWhole: false }])
    const gone = JSON.stringify([LAST_RESORT])
    expect(replyRoutes(text([OURS, NEAR]), gone)).toEqual([{ slot: 0, interface: null, isWhole: false }])
  })

  test('that is the opposite of itself is not whole', () => {
    expect(replyRoutes(text([{ ...OURS, not: null }, NEAR]), ROUTES)).toMatchObject([{ isWhole: false }])
    expect(replyRoutes(text([OURS]), ROUTES)).toMatchObject([{ isWhole: false }])
  })
})

test('the rules of devices’ exits go before others’ too', () => {
  const rule = { priority: 8601, src: '10.86.0.5', iif: 'hw0', table: '8601', protocol: '86' }
  const routes = JSON.stringify([{ dst: 'default', dev: 'hw0', table: '8601' }])
  expect(exitRoute(text([rule]), routes)).toEqual({ interface: 'hw0', devices: ['10.86.0.5'] })
  const behind = text([rule, { priority: 100, src: 'all', table: '7', protocol: 'unspec' }])
  expect(exitRoute(behind, routes)).toBeNull()
  expect(exitCommands('hw0', ['10.86.0.5'], behind, routes)).toContain(
    'rule add from 10.86.0.5 iif hw0 lookup 8601 pref 50 proto 86',
  )
})

test('whatever rules others have, ours comes before each of them that could match, and moves no further', () => {
  const others = fc.array(
    fc.record({
      priority: fc.integer({ min: 1, max: 32_765 }),
      src: fc.constantFrom('all', '10.0.0.0'),
      table: fc.constant('7'),
      protocol: fc.constant('unspec'),
    }),
  )
  fc.assert(
    fc.property(others, fc.constantFrom(8600, 8601, 8664), (rules, usual) => {
      const priority = priorityBefore(parsePolicyRules(text(rules)), usual)
      for (const other of rules) expect(priority).toBeLessThan(other.priority)
      const placed = [...rules, { ...OURS, priority }]
      expect(priorityBefore(parsePolicyRules(text(placed)), usual)).toBe(priority)
    }),
  )
})
