import * as v from 'valibot'
import type { Family } from '../../../net/address.ts'
import type { Diversion } from '../../observation.ts'
import { parsePolicyRules, type PolicyRule, takersOfAll } from './policy-rules.ts'

/** What other programs' policy rules take of all that this machine sends, in place of the main table. Pure. */

/** Addresses of the internet that nobody has (RFC 5737, RFC 9637): what is routed there is routed as a stranger's is. */
export const STRANGERS: Readonly<Record<Family, string>> = { ipv4: '198.51.100.1', ipv6: '3fff::1' }

/** Whether anybody may take more than packets of his own, so that the probes are worth asking. */
export function mayBeDiverted(rules: string): boolean {
  return takersOfAll(parsePolicyRules(rules)).length > 0
}

/**
 * Whether the rules of a family are worth reading again: rules of ours stood there, or another table than main decides
 * about a stranger's address.
 * @param toStranger as in DiversionReplies, with details, which name the main table too.
 */
export function mayHaveChanged(lastRules: string, toStranger: string | null): boolean {
  return parsePolicyRules(lastRules).some(({ isOurs }) => isOurs) || !['main', undefined].includes(tableOf(toStranger))
}

/** What was asked of one family. */
export interface DiversionReplies {
  /** `ip -j rule show` */
  readonly rules: string
  /** `ip -j route get fibmatch` to a stranger: the route that is taken, with its table; null: there is none. */
  readonly toStranger: string | null
  /** `ip -j route show default` of the main table. */
  readonly defaults: string
}

/** Ways that were asked for, where somebody's rules may take them; null: nobody's do. */
export type DiversionAnswers = Readonly<Record<Family, DiversionReplies | null>>

/** What is taken in one family. */
interface Taken extends Pick<Diversion, 'specific' | 'addresses'> {
  readonly internet: string | null
}

const NOTHING: Taken = { specific: null, internet: null, addresses: [] }

const Found = v.array(v.object({ dev: v.optional(v.string()), table: v.optional(v.string()) }))

/** @param addressesOf an interface's addresses of a family, without prefix length. */
export function diversionOf(
  asked: DiversionAnswers,
  addressesOf: (interfaceName: string, family: Family) => readonly string[],
): Diversion {
  const of = (family: Family): Taken =>
    asked[family] === null ? NOTHING : takenOf(asked[family], (name) => addressesOf(name, family))
  const [ipv4, ipv6] = [of('ipv4'), of('ipv6')]
  return {
    specific: ipv4.specific,
    internet: { ipv4: ipv4.internet, ipv6: ipv6.internet },
    addresses: [...ipv4.addresses, ...ipv6.addresses],
  }
}

function takenOf(
  { rules, toStranger, defaults }: DiversionReplies,
  addressesOf: (interfaceName: string) => readonly string[],
): Taken {
  const takers = takersOfAll(parsePolicyRules(rules))
  const table = tableOf(toStranger)
  const taker = takers.find((rule) => rule.table === table)
  const uplinks = v.parse(Found, JSON.parse(defaults)).flatMap(({ dev }) => dev ?? [])
  return {
    // A rule for the main table first leaves its own prefixes to it, as wg-quick's does (suppress_prefixlength 0).
    specific: takers[0] === undefined || takers[0].table === 'main' ? null : nameOf(takers[0]),
    internet: table === undefined || taker === undefined ? null : nameOf(taker),
    addresses: [...new Set(uplinks.flatMap(addressesOf))],
  }
}

/** The table whose route is taken; undefined: there is none. */
function tableOf(toStranger: string | null): string | undefined {
  return toStranger === null ? undefined : v.parse(Found, JSON.parse(toStranger))[0]?.table
}

function nameOf({ priority }: PolicyRule): string {
  return `ip rule ${priority}`
}
