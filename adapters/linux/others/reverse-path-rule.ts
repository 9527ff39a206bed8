import * as v from 'valibot'
import type { TunnelNeed } from './tunnel-needs.ts'

const Flags = v.union([
  v.pipe(
    v.string(),
    v.transform((one) => [one]),
  ),
  v.array(v.string()),
])
const Fib = v.object({ match: v.object({ left: v.object({ fib: v.object({ flags: Flags }) }) }) })
/** Only for IPv6, of which the tunnel has nothing inside: firewalld's IPv6_rpfilter. */
const Ipv6 = v.object({
  match: v.object({ left: v.object({ meta: v.object({ key: v.literal('nfproto') }) }), right: v.literal('ipv6') }),
})
const Iptables = v.object({ xt: v.object({ type: v.literal('match'), name: v.literal('rpfilter') }) })

/**
 * What a rule needs that looks for the route back to a packet's source, as a filter of forged ones does: nft(8), "FIB
 * EXPRESSIONS"; iptables-extensions(8), "rpfilter", of which nft does not list whether it asks for the mark. Null: the
 * rule is no such filter. Pure.
 */
export function reversePathHook(
  expressions: readonly unknown[],
): Extract<TunnelNeed['hook'], 'reverse-path' | 'reverse-path-marked'> | null {
  if (expressions.some((one) => v.is(Ipv6, one))) return null
  if (expressions.some((one) => v.is(Iptables, one))) return 'reverse-path'
  for (const one of expressions) {
    const fib = v.safeParse(Fib, one)
    if (!fib.success) continue
    const { flags } = fib.output.match.left.fib
    if (flags.includes('saddr') && flags.includes('iif'))
      return flags.includes('mark') ? 'reverse-path-marked' : 'reverse-path'
  }
  return null
}
