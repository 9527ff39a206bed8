import { isIP } from 'node:net'
import { Problem } from '../../problems/problem.ts'

/** A domain as resolvers search it: labels of letters, digits and hyphens (RFC 1123, 2.1). */
const DOMAIN = /^(?=.{1,253}$)(?:[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)(?:\.[a-z\d](?:[a-z\d-]{0,61}[a-z\d])?)*$/i

/**
 * What `--dns` says, as the file's one DNS line: resolvers first, then domains to search (wg-quick(8): whatever is no
 * address is a domain). Each may be repeated, or several with commas between.
 * @throws {Problem} `wrong-usage`.
 */
export function deviceDns(given: readonly string[], what: string): readonly string[] {
  const all = given.flatMap((text) => text.split(',')).map((text) => text.trim())
  const entries = [...new Set(all.filter((text) => text !== ''))]
  const refuse = (why: string): Problem => new Problem('wrong-usage', { what, why })
  const addresses = entries.filter((text) => isIP(text) !== 0)
  const domains = entries.filter((text) => isIP(text) === 0)
  const odd = domains.find((text) => !DOMAIN.test(text) || /^[\d.]+$/.test(text))
  if (odd !== undefined)
    throw refuse(
      `--dns takes a resolver’s address such as 10.86.0.1, or a domain to search such as home.lan, and ${JSON.stringify(odd)} is neither`,
    )
  if (domains.length > 0 && addresses.length === 0)
    throw refuse(`--dns ${domains[0]} needs a resolver that knows it beside: --dns ADDRESS,${domains[0]}`)
  return [...addresses, ...domains]
}
