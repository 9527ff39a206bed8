import type { OtherFirewall } from '../../observation.ts'
import type { TunnelNeed } from './tunnel-needs.ts'

/**
 * Filters of forged sources in the older iptables, which nft lists nothing of: iptables-extensions(8), "rpfilter", for
 * tables raw and mangle. A rule of ours stands right before them, so that what their owner dropped before stays so. Pure.
 *
 * A rule is written `-t TABLE CHAIN NUMBER REST`: after `-t TABLE ` as iptables inserts it.
 */

/** The tables that iptables lets such a filter be in. */
export const REVERSE_PATH_TABLES = ['raw', 'mangle'] as const

/** The filters, as `TABLE CHAIN HOOK NUMBER`, the first of each kind in each chain; and our rules. @param rules as iptables-save prints them, without `-A`. */
export function reversePathsIn(
  table: string,
  rules: readonly string[],
  isOurs: (rule: string) => boolean,
): OtherFirewall {
  const counts = new Map<string, number>()
  const strict = new Map<string, string>()
  const ours: string[] = []
  for (const rule of rules) {
    const [chain = '', ...rest] = rule.split(' ')
    const number = (counts.get(chain) ?? 0) + 1
    counts.set(chain, number)
    if (isOurs(rule)) ours.push(`-t ${table} ${chain} ${number} ${rest.join(' ')}`)
    const hook = hookOf(rule)
    const key = `${table} ${chain} ${hook}`
    if (hook !== null && !strict.has(key)) strict.set(key, `${key} ${number}`)
  }
  return { strict: [...strict.values()], ours }
}

/** A loose one asks for any route at all, and strangers have the default one. */
function hookOf(rule: string): Extract<TunnelNeed['hook'], 'reverse-path' | 'reverse-path-marked'> | null {
  if (!/ -m rpfilter /.test(rule) || / --loose\b/.test(rule)) return null
  return / --validmark\b/.test(rule) ? 'reverse-path-marked' : 'reverse-path'
}

/**
 * What to add and to remove, so that each filter has the rules that it needs before it.
 * @param bodyOf a rule without table, chain and number.
 */
export function reversePathChanges(
  { strict, ours }: OtherFirewall,
  needs: readonly TunnelNeed[],
  bodyOf: (need: TunnelNeed) => string,
): { readonly add: readonly string[]; readonly remove: readonly string[] } {
  const filters = strict.flatMap((one) => {
    const [table, chain, hook, number] = one.split(' ')
    return hook === undefined ? [] : [{ place: `${table} ${chain}`, hook, number: Number(number) }]
  })
  /** By chain and body: before which of its rules. */
  const wanted = new Map<string, Place & { readonly before: number }>()
  for (const { place, hook, number } of filters)
    for (const need of needs.filter((one) => one.hook === hook)) {
      const body = bodyOf(need)
      const before = Math.min(number, wanted.get(`${place} ${body}`)?.before ?? number)
      wanted.set(`${place} ${body}`, { place, body, before })
    }
  const there = ours.flatMap(placeOf)
  const kept = new Map<string, number>()
  for (const { place, body, number } of there) {
    const before = wanted.get(`${place} ${body}`)?.before
    if (before !== undefined && number < before && !kept.has(`${place} ${body}`)) kept.set(`${place} ${body}`, number)
  }
  const gone = there.filter(({ place, body, number }) => kept.get(`${place} ${body}`) !== number)
  return {
    add: [...wanted].flatMap(([key, { place, body, before }]) => {
      if (kept.has(key)) return []
      // Removals come first, and what stands behind them moves up.
      const moved = gone.filter((one) => one.place === place && one.number < before).length
      return [`-t ${place} ${before - moved} ${body}`]
    }),
    remove: gone.map(({ place, body }) => `-t ${place} ${body}`),
  }
}

interface Place {
  /** Table and chain. */
  readonly place: string
  readonly body: string
}

function placeOf(rule: string): readonly (Place & { readonly number: number })[] {
  const [, place, number, body] = /^-t (\S+ \S+) (\d+) (.*)$/.exec(rule) ?? []
  return place === undefined || body === undefined ? [] : [{ place, body, number: Number(number) }]
}
