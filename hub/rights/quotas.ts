import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import type { Member } from './rights.ts'

const CountSchema = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(1_000_000))

/** How much a home may have at most, where the hub's owner said so. */
export const QuotaSchema = v.object({
  /** Devices that it added. */
  devices: v.optional(CountSchema),
  /** Published port numbers. */
  ports: v.optional(CountSchema),
  /** Prefixes of its LAN. */
  prefixes: v.optional(CountSchema),
})

export type Quota = Readonly<v.InferOutput<typeof QuotaSchema>>
export type Counted = keyof Quota

/**
 * Above what a family ever needs, below what harms others: a telephone exchange's or a TURN server's usual range fits
 * (49152–65535 has 16,384), and no two homes can take all ports of a hub.
 */
const DEFAULT_QUOTA: Readonly<Record<Counted, number>> = { devices: 50, ports: 20_000, prefixes: 8 }

const WORDS: Readonly<Record<Counted, string>> = {
  devices: 'devices',
  ports: 'published ports',
  prefixes: 'networks',
}

const COUNTED = Object.keys(DEFAULT_QUOTA) as readonly Counted[]

export function quotaOf({ quota = {} }: { readonly quota?: Quota | undefined }): Readonly<Record<Counted, number>> {
  return { ...DEFAULT_QUOTA, ...Object.fromEntries(Object.entries(quota).filter(([, most]) => most !== undefined)) }
}

/**
 * Refuses what would be more than a home may have.
 * @param wanted how many there would be.
 * @throws {Problem} `quota-reached`, with the line by which the hub's owner allows as many.
 */
export function refuseBeyond(
  home: Pick<Member, 'name'> & { readonly quota?: Quota | undefined },
  counted: Counted,
  wanted: number,
  what: string,
): void {
  const most = quotaOf(home)[counted]
  if (wanted <= most) return
  throw new Problem('quota-reached', {
    what,
    why: `${home.name} may have ${most} ${WORDS[counted]}, and this would make ${wanted}. The hub’s owner allows more there: sudo homeward hub home ${home.name} --quota ${counted}=${wanted}`,
  })
}

/** Quotas as people write them: `devices=100,ports=40000`. @returns null where something is none. */
export function quotaIn(text: string, before: Quota): Quota | null {
  const pairs = text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
  if (pairs.length === 0) return null
  const given: Record<string, number> = {}
  for (const pair of pairs) {
    const [, name, count] = /^([a-z]+)=(\d{1,7})$/.exec(pair) ?? []
    if (name === undefined || !COUNTED.includes(name as Counted)) return null
    given[name] = Number(count)
  }
  const quota = v.safeParse(QuotaSchema, { ...before, ...given })
  return quota.success ? quota.output : null
}
