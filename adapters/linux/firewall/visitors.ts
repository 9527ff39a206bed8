import * as v from 'valibot'
import type { Observation } from '../../observation.ts'
import { ROUTE_PROTOCOL } from './mark.ts'
import type { NftChain } from './nft-table.ts'

/**
 * How answers to visitors of published ports find back into the tunnel, while the machine's own default route stays as it is:
 * a connection that came out of the tunnel with an address from elsewhere gets a mark, what answers on it gets the same, and
 * a rule leads packets with that mark to a routing table whose only route is the tunnel (ip-rule(8), fwmark).
 */

/** One byte of the mark is ours, so that others' marks live beside it. */
const MARK = '0x00860000'
const MASK = '0x00ff0000'
const REST = '0xff00ffff'

/** The routing table, and the rule's place: before the main table's 32766. Not one of /etc/iproute2/rt_tables. */
const TABLE_NUMBER = '8600'

/** Priorities as numbers; their names are in nft(8), "Standard priority names". */
const MANGLE = -150

/** The connection mark as a condition of nft. */
export const VISITOR_CONDITION = `ct mark and ${MASK} == ${MARK}`

/** The connection mark as numbers. */
export const VISITOR_MARK = { mark: Number(MARK), mask: Number(MASK) } as const

/** The connection mark as iptables-save prints a match for it. */
export const VISITOR_MATCH = `-m connmark --mark 0x${Number(MARK).toString(16)}/0x${Number(MASK).toString(16)}`

/** @param tunnel the interface's name, in quotes. @param network the tunnel's own, whose addresses have a route there. */
export function visitorChains(tunnel: string, network: string): readonly NftChain[] {
  const mark = (key: 'ct' | 'meta'): string => `${key} mark set ${key} mark and ${REST} or ${MARK}`
  const answers = `ct direction reply ${VISITOR_CONDITION} ${mark('meta')}`
  return [
    {
      name: 'visitors',
      type: 'filter',
      hook: 'prerouting',
      priority: MANGLE,
      rules: [
        `iifname ${tunnel} ct state new ip saddr != ${network} ${mark('ct')}`,
        // Of a host behind this machine, or a container on it.
        `iifname != ${tunnel} ${answers}`,
      ],
    },
    // Of this machine itself. Only a chain of this type has a packet routed anew (nft(8), "CHAINS").
    { name: 'answers', type: 'route', hook: 'output', priority: MANGLE, rules: [answers] },
  ]
}

/** A routing table whose only route is the tunnel, for devices that go to the internet through a home. */
const EXIT_TABLE = '8601'

const Rules = v.array(
  v.object({
    priority: v.optional(v.number()),
    fwmark: v.optional(v.string()),
    fwmask: v.optional(v.string()),
    table: v.optional(v.string()),
    protocol: v.optional(v.string()),
    src: v.optional(v.string()),
    iif: v.optional(v.string()),
  }),
)
const Routes = v.array(
  v.object({ dst: v.optional(v.string()), dev: v.optional(v.string()), table: v.optional(v.string()) }),
)

/** Pure. @param rules `ip -j rule show` @param routes `ip -j route show table all` for routes with our mark. */
export function visitorsLed(interfaceName: string, rules: string, routes: string): Observation['visitors'] {
  const [ours, led] = [ourRules(rules, TABLE_NUMBER), ourRoutes(routes, TABLE_NUMBER)]
  if (ours.length === 0 && led.length === 0) return 'none'
  const [rule, route] = [ours[0], led[0]]
  const isRule =
    rule !== undefined &&
    rule.priority === Number(TABLE_NUMBER) &&
    Number(rule.fwmark) === Number(MARK) &&
    Number(rule.fwmask) === Number(MASK)
  const isRoute = route !== undefined && route.dst === 'default' && route.dev === interfaceName
  return isRule && isRoute && ours.length === 1 && led.length === 1 ? 'led' : 'partly'
}

function ourRules(text: string, number: string) {
  return v
    .parse(Rules, JSON.parse(text))
    .filter(({ protocol, table }) => protocol === ROUTE_PROTOCOL && table === number)
}

function ourRoutes(text: string, number: string) {
  return v.parse(Routes, JSON.parse(text)).filter(({ table }) => table === number)
}

/** Of `ip -batch`: all of ours go, and with a name they are made anew. Pure; the replies are those above. */
export function visitorCommands(interfaceName: string | null, rules: string, routes: string): readonly string[] {
  const own = `table ${TABLE_NUMBER} proto ${ROUTE_PROTOCOL}`
  return [
    // The rule first: what it marks then takes the usual way.
    ...ourRules(rules, TABLE_NUMBER).map(
      ({ priority = 0 }) => `rule del pref ${priority} lookup ${TABLE_NUMBER} proto ${ROUTE_PROTOCOL}`,
    ),
    ...ourRoutes(routes, TABLE_NUMBER).map(() => `route del default ${own}`),
    ...(interfaceName === null
      ? []
      : [
          `route add default dev ${interfaceName} ${own}`,
          `rule add fwmark ${MARK}/${MASK} lookup ${TABLE_NUMBER} pref ${TABLE_NUMBER} proto ${ROUTE_PROTOCOL}`,
        ]),
  ]
}

/** The devices whose packets out of the tunnel are led back into it, in order; null: it is not as anything of ours would be. */
export function exitsLed(interfaceName: string, rules: string, routes: string): readonly string[] | null {
  const [ours, led] = [ourRules(rules, EXIT_TABLE), ourRoutes(routes, EXIT_TABLE)]
  if (ours.length === 0 && led.length === 0) return []
  const [route] = led
  const isRoute = led.length === 1 && route?.dst === 'default' && route.dev === interfaceName
  const devices = ours.flatMap(({ src, iif }) => (src === undefined || iif !== interfaceName ? [] : [src])).sort()
  return isRoute && devices.length === ours.length && new Set(devices).size === devices.length ? devices : null
}

/** Of `ip -batch`: what is there goes, and these are led. Pure. */
export function exitCommands(
  interfaceName: string,
  devices: readonly string[],
  rules: string,
  routes: string,
): readonly string[] {
  const own = `table ${EXIT_TABLE} proto ${ROUTE_PROTOCOL}`
  return [
    ...ourRules(rules, EXIT_TABLE).map(
      ({ priority = 0 }) => `rule del pref ${priority} lookup ${EXIT_TABLE} proto ${ROUTE_PROTOCOL}`,
    ),
    ...ourRoutes(routes, EXIT_TABLE).map(() => `route del default ${own}`),
    ...(devices.length === 0 ? [] : [`route add default dev ${interfaceName} ${own}`]),
    ...devices.map(
      (device) =>
        `rule add from ${device} iif ${interfaceName} lookup ${EXIT_TABLE} pref ${EXIT_TABLE} proto ${ROUTE_PROTOCOL}`,
    ),
  ]
}

/**
 * Strict filtering takes a visitor's address for a forged one, since the way back to it is another (RFC 3704, 2.2). The kernel
 * obeys the larger of the two values (ip-sysctl, rp_filter).
 */
export function reversePathWarning(reversePathFilter: readonly string[]): readonly string[] {
  const value = Math.max(...reversePathFilter.map((text) => Number(text) || 0), 0)
  if (value !== 1) return []
  return [
    'strict reverse path filtering (rp_filter 1) drops visitors of published ports: put net.ipv4.conf.all.rp_filter=2 into /etc/sysctl.d/90-homeward.conf and run sysctl --system',
  ]
}
