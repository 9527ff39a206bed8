import * as v from 'valibot'
import type { ExitRoute, ReplyRoute } from '../../observation.ts'
import { ROUTE_PROTOCOL } from './mark.ts'
import type { NftChain } from './nft-table.ts'

/**
 * How answers to visitors of published ports find back into the tunnel, while the machine's own default route stays as
 * it is: a connection that came out of the tunnel with an address from elsewhere gets a mark, packets that answer on it
 * get the same, and a rule routes packets with that mark by a routing table whose only route is the tunnel (ip-rule(8),
 * fwmark).
 */

/** The first slot's mark. One byte of a mark is ours, so that others' marks live beside it; it counts the slots. */
const FIRST_MARK = 0x00_86_00_00
const NEXT_MARK = 0x00_01_00_00
const MASK = '0x00ff0000'
const REST = '0xff00ffff'

/** The slots that marks tell apart; far more than one machine has tunnels. */
const SLOTS = Array.from({ length: 16 }, (_, slot) => slot)

/** The mark of a slot, e.g. `0x00860000`. */
function markOf(slot: number): string {
  return `0x${(FIRST_MARK + slot * NEXT_MARK).toString(16).padStart(8, '0')}`
}

/** A routing table whose only route is the tunnel, for devices that go to the internet through a home. */
const EXIT_TABLE = '8601'

/** A slot's routing table and its rule's priority: before the main table's 32766. Not in /etc/iproute2/rt_tables. */
function tableNumberOf(slot: number): string {
  // The table of exits has the number between the first and the others.
  return String(slot === 0 ? 8600 : 8601 + slot)
}

/** Our routing tables. Every rule and route of them is ours: install.sh removes them without this program. */
export const ROUTING_TABLES: readonly string[] = [...SLOTS.map(tableNumberOf), EXIT_TABLE]

/** Priorities as numbers; their names are in nft(8), "Standard priority names". */
const MANGLE = -150

/** The connection mark as a condition of nft. */
export function visitorCondition(slot: number): string {
  return `ct mark and ${MASK} == ${markOf(slot)}`
}

/** The connection mark as numbers. */
export function visitorMark(slot: number): { readonly mark: number; readonly mask: number } {
  return { mark: Number(markOf(slot)), mask: Number(MASK) }
}

/** The connection mark as iptables-save prints a match for it. */
export function visitorMatch(slot: number): string {
  return `-m connmark --mark 0x${Number(markOf(slot)).toString(16)}/0x${Number(MASK).toString(16)}`
}

/** @param tunnel the interface's name, in quotes. @param network the tunnel's own, whose addresses have a route there. */
export function visitorChains(tunnel: string, network: string, slot: number): readonly NftChain[] {
  const mark = (key: 'ct' | 'meta'): string => `${key} mark set ${key} mark and ${REST} or ${markOf(slot)}`
  const answers = `ct direction reply ${visitorCondition(slot)} ${mark('meta')}`
  return [
    {
      name: 'visitors',
      type: 'filter',
      hook: 'prerouting',
      priority: MANGLE,
      rules: [
        `iifname ${tunnel} ct state new ip saddr != ${network} ${mark('ct')}`,
        // Answers of a host behind this machine, or of a container on it.
        `iifname != ${tunnel} ${answers}`,
      ],
    },
    // Answers of this machine itself. Only a chain of this type has a packet routed again (nft(8), "CHAINS").
    { name: 'answers', type: 'route', hook: 'output', priority: MANGLE, rules: [answers] },
  ]
}

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
export function replyRoutes(rules: string, routes: string): readonly ReplyRoute[] {
  return SLOTS.flatMap((slot) => {
    const table = tableNumberOf(slot)
    const [ours, led] = [ourRules(rules, table), ourRoutes(routes, table)]
    if (ours.length === 0 && led.length === 0) return []
    const [rule, route] = [ours[0], led[0]]
    const isRule =
      rule !== undefined &&
      rule.priority === Number(table) &&
      Number(rule.fwmark) === Number(markOf(slot)) &&
      Number(rule.fwmask) === Number(MASK)
    const isRoute = route !== undefined && route.dst === 'default'
    const isWhole = isRule && isRoute && ours.length === 1 && led.length === 1
    return [{ slot, interface: route?.dev ?? null, isWhole }]
  })
}

function ourRules(text: string, number: string) {
  return v
    .parse(Rules, JSON.parse(text))
    .filter(({ protocol, table }) => protocol === ROUTE_PROTOCOL && table === number)
}

function ourRoutes(text: string, number: string) {
  return v.parse(Routes, JSON.parse(text)).filter(({ table }) => table === number)
}

/** Lines for `ip -batch`: remove all of the slot, and with a name make it again. Pure; the replies are those above. */
export function visitorCommands(
  slot: number,
  interfaceName: string | null,
  rules: string,
  routes: string,
): readonly string[] {
  const table = tableNumberOf(slot)
  const own = `table ${table} proto ${ROUTE_PROTOCOL}`
  return [
    // The rule goes first: marked packets then take the usual way.
    ...ourRules(rules, table).map(
      ({ priority = 0 }) => `rule del pref ${priority} lookup ${table} proto ${ROUTE_PROTOCOL}`,
    ),
    ...ourRoutes(routes, table).map(() => `route del default ${own}`),
    ...(interfaceName === null
      ? []
      : [
          `route add default dev ${interfaceName} ${own}`,
          `rule add fwmark ${markOf(slot)}/${MASK} lookup ${table} pref ${table} proto ${ROUTE_PROTOCOL}`,
        ]),
  ]
}

/** The devices whose packets out of a tunnel are routed back into it, in order; null: not what we would make. */
export function exitRoute(rules: string, routes: string): ExitRoute | null {
  const [ours, led] = [ourRules(rules, EXIT_TABLE), ourRoutes(routes, EXIT_TABLE)]
  if (ours.length === 0 && led.length === 0) return { interface: null, devices: [] }
  const [route] = led
  if (led.length !== 1 || route?.dst !== 'default' || route.dev === undefined) return null
  const { dev } = route
  const devices = ours.flatMap(({ src, iif }) => (src === undefined || iif !== dev ? [] : [src])).sort()
  const isWhole = devices.length === ours.length && new Set(devices).size === devices.length
  return isWhole ? { interface: dev, devices } : null
}

/** Lines for `ip -batch`: remove what is there, then route these devices. Pure. */
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
 * Warns of strict filtering, which takes a visitor's address for a forged one, since the way back to it is another (RFC
 * 3704, 2.2). The kernel obeys the larger of the two values (ip-sysctl, rp_filter).
 * @param all of all interfaces. @param tunnels each tunnel's own.
 */
export function reversePathWarning(all: string, tunnels: readonly string[]): readonly string[] {
  if (!tunnels.some((own) => Math.max(Number(all) || 0, Number(own) || 0) === 1)) return []
  return [
    'strict reverse path filtering (rp_filter 1) drops visitors of published ports: put net.ipv4.conf.all.rp_filter=2 into /etc/sysctl.d/90-homeward.conf and run sysctl --system',
  ]
}
