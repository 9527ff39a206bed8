import type { ExitRoute } from '../../observation.ts'
import { parsePolicyRules, priorityBefore, ROUTE_PROTOCOL } from './policy-rules.ts'
import { ourRoutes, ourRules, removal } from './reply-routes.ts'
import { EXIT_TABLE } from './slots.ts'

/** The devices whose packets out of a tunnel are routed back into it, in order; null: not what we would make. */
export function exitRoute(rules: string, routes: string): ExitRoute | null {
  const all = parsePolicyRules(rules)
  const [ours, led] = [ourRules(all, EXIT_TABLE), ourRoutes(routes, EXIT_TABLE)]
  if (ours.length === 0 && led.length === 0) return { interface: null, devices: [] }
  const [route] = led
  if (led.length !== 1 || route?.dst !== 'default' || route.dev === undefined) return null
  const { dev } = route
  const wanted = priorityBefore(all, Number(EXIT_TABLE))
  const devices = ours
    .flatMap(({ src, iif, priority }) => (src === null || iif !== dev || priority !== wanted ? [] : [src]))
    .sort()
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
  const all = parsePolicyRules(rules)
  const own = `table ${EXIT_TABLE} proto ${ROUTE_PROTOCOL}`
  const place = `pref ${priorityBefore(all, Number(EXIT_TABLE))} proto ${ROUTE_PROTOCOL}`
  return [
    ...ourRules(all, EXIT_TABLE).map((rule) => removal(rule, EXIT_TABLE)),
    ...ourRoutes(routes, EXIT_TABLE).map(() => `route del default ${own}`),
    ...(devices.length === 0 ? [] : [`route add default dev ${interfaceName} ${own}`]),
    ...devices.map((device) => `rule add from ${device} iif ${interfaceName} lookup ${EXIT_TABLE} ${place}`),
  ]
}
