import * as v from 'valibot'
import type { Diversion } from '../../observation.ts'
import { parsePolicyRules, type PolicyRule, takersOfAll } from './policy-rules.ts'

/** What other programs' policy rules take of all that this machine sends, in place of the main table. Pure. */

export const NO_DIVERSION: Diversion = { specific: null, internet: null, addresses: [] }

/** An address of the internet that nobody has (RFC 5737): what is routed there is routed as a stranger's address is. */
export const STRANGER = '198.51.100.1'

/** Whether anybody may take more than packets of his own, so that the probes are worth asking. */
export function mayBeDiverted(rules: string): boolean {
  return takersOfAll(parsePolicyRules(rules)).length > 0
}

export interface DiversionReplies {
  /** `ip -j route get fibmatch` to a stranger: the route that is taken, with its table; null: there is none. */
  readonly toStranger: string | null
  /** `ip -j route show default` of the main table. */
  readonly defaults: string
}

const Found = v.array(v.object({ dev: v.optional(v.string()), table: v.optional(v.string()) }))

/** @param addressesOf an interface's IPv4 addresses, without prefix length. */
export function diversionOf(
  rules: string,
  { toStranger, defaults }: DiversionReplies,
  addressesOf: (interfaceName: string) => readonly string[],
): Diversion {
  const takers = takersOfAll(parsePolicyRules(rules))
  const table = toStranger === null ? undefined : v.parse(Found, JSON.parse(toStranger))[0]?.table
  const taker = takers.find((rule) => rule.table === table)
  const uplinks = v.parse(Found, JSON.parse(defaults)).flatMap(({ dev }) => dev ?? [])
  return {
    // A rule for the main table first leaves its own prefixes to it, as wg-quick's does (suppress_prefixlength 0).
    specific: takers[0] === undefined || takers[0].table === 'main' ? null : nameOf(takers[0]),
    internet: table === undefined || taker === undefined ? null : nameOf(taker),
    addresses: [...new Set(uplinks.flatMap(addressesOf))],
  }
}

function nameOf({ priority }: PolicyRule): string {
  return `ip rule ${priority}`
}
