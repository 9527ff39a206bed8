import * as v from 'valibot'
import { CidrSchema } from '../../protocol/addresses.ts'
import { NameSchema } from '../../protocol/names.ts'
import { AddPublicationRequest, rangeText } from '../../protocol/publications.ts'
import { type Right, RightSchema } from './rights.ts'

/**
 * Wishes of homes that only the hub's owner may fulfil, waiting for `homeward hub approve`. Bounded: whoever holds a
 * home's secret can wish as much as he likes.
 */
const WishSchema = v.variant('kind', [
  /** To announce this LAN, whole. */
  v.strictObject({ kind: v.literal('lan'), lan: v.pipe(v.array(CidrSchema), v.maxLength(32)) }),
  v.object({ kind: v.literal('publication'), ...v.omit(AddPublicationRequest, ['version']).entries }),
  /** A right by itself: a device's keys are gone once it was refused, so the home adds it again. */
  v.strictObject({ kind: v.literal('right'), right: RightSchema }),
])

export const RequestSchema = v.strictObject({
  id: v.pipe(v.string(), v.regex(/^r-[a-z2-7]{4}$/)),
  home: NameSchema,
  wish: WishSchema,
  at: v.pipe(v.string(), v.isoTimestamp()),
  /** The owner said no: kept, so that a home that goes on wishing makes no news. */
  refused: v.optional(v.literal(true)),
})

export type Wish = Readonly<v.InferOutput<typeof WishSchema>>
export type WaitingRequest = Readonly<v.InferOutput<typeof RequestSchema>>

/** Open requests of one home; the oldest makes room. */
const MOST_OF_A_HOME = 8

/** How long a request waits. */
const KEPT_MS = 30 * 24 * 3_600_000

/**
 * Notes a wish. The same wish again is the same request.
 * @param id for a request that is new; another is asked for where it is taken.
 */
export function noteRequest(
  requests: readonly WaitingRequest[],
  home: string,
  wished: Wish,
  id: () => string,
  now: Date,
): { readonly requests: readonly WaitingRequest[]; readonly request: WaitingRequest; readonly isNew: boolean } {
  // In one order of its fields, and without what else was asked: so that the same wish is the same text.
  const wish = v.parse(WishSchema, wished)
  const open = openRequests(requests, now)
  const same = open.find((one) => one.home === home && JSON.stringify(one.wish) === JSON.stringify(wish))
  if (same !== undefined) return { requests: open, request: same, isNew: false }
  let fresh = id()
  while (open.some((one) => one.id === fresh)) fresh = id()
  const request: WaitingRequest = { id: fresh, home, wish, at: now.toISOString() }
  // A LAN is wished for whole, so that a newer wish takes the older one's place.
  const others = open.filter((one) => one.home !== home || one.wish.kind !== 'lan' || wish.kind !== 'lan')
  const own = others.filter((one) => one.home === home)
  const dropped = new Set(own.slice(0, Math.max(0, own.length - MOST_OF_A_HOME + 1)))
  return { requests: [...others.filter((one) => !dropped.has(one)), request], request, isNew: true }
}

/** Requests that are not forgotten yet. */
export function openRequests(requests: readonly WaitingRequest[], now: Date): readonly WaitingRequest[] {
  return requests.filter(({ at }) => now.getTime() - Date.parse(at) < KEPT_MS)
}

/** The same requests, one of them refused. */
export function refuseRequest(requests: readonly WaitingRequest[], id: string): readonly WaitingRequest[] {
  return requests.map((one) => (one.id === id ? { ...one, refused: true as const } : one))
}

/** What a wish is, as the object of `asks to` or `may now`. */
export function wishText(wish: Wish): string {
  if (wish.kind === 'lan') return `announce ${wish.lan.join(', ') || 'no network'}`
  if (wish.kind === 'right') return RIGHT_TEXT[wish.right]
  return `publish ${rangeText(wish)} to ${wish.host ?? wish.address}:${wish.targetPort}${wish.outgoing === true ? ', and send by this hub’s address' : ''}`
}

const RIGHT_TEXT: Readonly<Record<Right, string>> = {
  lan: 'announce any private network',
  devices: 'add devices',
  publish: 'publish ports above 1023',
  'publish-low': 'publish ports up to 1023',
  outgoing: 'send by this hub’s address',
  full: 'add devices that reach the internet through this hub',
  exit: 'add devices that reach the internet through this hub and the home',
}
