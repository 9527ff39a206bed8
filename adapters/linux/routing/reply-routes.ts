import * as v from 'valibot'
import type { ReplyRoute } from '../../observation.ts'
import { parsePolicyRules, type PolicyRule, priorityBefore, ROUTE_PROTOCOL, ruleBefore } from './policy-rules.ts'
import { SLOTS, slotMark, slotMarkText, tableNumberOf } from './slots.ts'

/**
 * The rules and the route that take answers to visitors into the tunnel, by slot. Pure.
 *
 * Before the tunnel come networks of this machine. No answer goes there; but the kernel's filter of forged sources also
 * asks by the mark of an answer whether its sender, a container or a LAN host, is where it came from, once a program as
 * wg-quick has turned `src_valid_mark` on (ip-sysctl).
 */

const Routes = v.array(
  v.object({
    /** Default: a usual route. */
    type: v.optional(v.string()),
    dst: v.optional(v.string()),
    dev: v.optional(v.string()),
    table: v.optional(v.string()),
  }),
)

/**
 * The last of all metrics, as of the kernel's own unreachable routes. Where the tunnel's interface is gone its route is
 * gone too, and packets must not go on to the main table and leave by the home's own line: mail from an address that is
 * not its server's does harm, and what is told that there is no way tries again later.
 */
const LAST_METRIC = 4_278_198_272

/** @param rules `ip -j rule show` @param routes `ip -j route show table all` for routes with our mark. */
export function replyRoutes(rules: string, routes: string): readonly ReplyRoute[] {
  const all = parsePolicyRules(rules)
  return SLOTS.flatMap((slot) => {
    const table = tableNumberOf(slot)
    const [ours, led] = [ourRules(all, table), ourRoutes(routes, table)]
    if (ours.length === 0 && led.length === 0 && nearRules(all, slot).length === 0) return []
    const [rule, route] = [ours[0], led.find(({ dev }) => dev !== undefined)]
    const { mark, mask } = slotMark(slot)
    const isRule =
      rule !== undefined &&
      rule.priority === priorityBefore(all, Number(table)) &&
      rule.fwmark === mark &&
      rule.fwmask === mask &&
      !rule.isInverted &&
      isNear(nearRules(all, slot), all, table)
    const isRoute = led.every(({ dst }) => dst === 'default') && led.some(({ type }) => type === 'unreachable')
    const isWhole = isRule && isRoute && route !== undefined && ours.length === 1 && led.length === 2
    const behind = rule === undefined ? null : ruleBefore(all, rule.priority)
    return [{ slot, interface: route?.dev ?? null, isWhole, ...(behind === null ? {} : { behind }) }]
  })
}

/** The longest prefix that is as good as the internet: VPNs add two routes of length 1 to main, or eight of 4. */
const FAR = 7

/** Our rules that leave answers with the slot's mark to networks of this machine. */
function nearRules(rules: readonly PolicyRule[], slot: number): readonly PolicyRule[] {
  const { mark, mask } = slotMark(slot)
  return rules.filter((rule) => rule.isOurs && rule.table === 'main' && rule.fwmark === mark && rule.fwmask === mask)
}

function isNear([rule, ...more]: readonly PolicyRule[], all: readonly PolicyRule[], table: string): boolean {
  return more.length === 0 && rule?.priority === nearPriority(all, table) && rule.suppressed === FAR
}

function nearPriority(all: readonly PolicyRule[], table: string): number {
  return Math.max(1, priorityBefore(all, Number(table)) - 1)
}

export function ourRules(rules: readonly PolicyRule[], table: string): readonly PolicyRule[] {
  return rules.filter((rule) => rule.isOurs && rule.table === table)
}

export function ourRoutes(text: string, table: string): v.InferOutput<typeof Routes> {
  return v.parse(Routes, JSON.parse(text)).filter((route) => route.table === table)
}

/** Lines for `ip -batch`: remove all of the slot, and with a name make it again. Pure; the replies are those above. */
export function visitorCommands(
  slot: number,
  interfaceName: string | null,
  rules: string,
  routes: string,
): readonly string[] {
  const all = parsePolicyRules(rules)
  const table = tableNumberOf(slot)
  const priority = priorityBefore(all, Number(table))
  const own = `table ${table} proto ${ROUTE_PROTOCOL}`
  return [
    // The rule goes first: marked packets then take the usual way.
    ...ourRules(all, table).map((rule) => removal(rule, table)),
    ...nearRules(all, slot).map((rule) => `${removal(rule, 'main')} fwmark ${slotMarkText(slot)}`),
    ...ourRoutes(routes, table).map(() => `route del default ${own}`),
    ...(interfaceName === null
      ? []
      : [
          `route add default dev ${interfaceName} ${own}`,
          `route add unreachable default metric ${LAST_METRIC} ${own}`,
          `rule add fwmark ${slotMarkText(slot)} lookup main suppress_prefixlength ${FAR} pref ${nearPriority(all, table)} proto ${ROUTE_PROTOCOL}`,
          `rule add fwmark ${slotMarkText(slot)} lookup ${table} pref ${priority} proto ${ROUTE_PROTOCOL}`,
        ]),
  ]
}

export function removal({ priority }: PolicyRule, table: string): string {
  return `rule del pref ${priority} lookup ${table} proto ${ROUTE_PROTOCOL}`
}
