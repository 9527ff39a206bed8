import { isIPv4, isIPv6 } from 'node:net'
import * as v from 'valibot'
import type { Clock } from '../../system/time/clock.ts'
import { runLook } from '../../system/process/look.ts'

/**
 * Seconds since a handshake initiation last came to WireGuard's ports from this address, accepted or not; null when
 * none came within a minute. Accurate to a second. Homes behind one carrier may share an address.
 */
export type SecondsSinceInitiation = (address: string) => Promise<number | null>

/** The firewall's set to list. */
export type InitiationSet = 'initiations' | 'initiations6'

interface Seen {
  /** When the listing began, monotonic milliseconds. */
  readonly listedAt: number
  /** When each address last sent one, monotonic milliseconds. */
  readonly lastAt: ReadonlyMap<string, number>
}

/** How long one listing answers. */
const FRESH_MS = 500
/** How long an answer waits for a new listing; then an older one answers. */
const WAIT_MS = 100
const LIST_TIMEOUT_MS = 5_000
const KEPT_MS = 60_000

/** Reads the hub's firewall (adapters/linux/firewall/hub-input.ts). A failed listing keeps what was read before. */
export function makeInitiations(
  clock: Clock,
  list: (set: InitiationSet) => Promise<string> = nftList,
): SecondsSinceInitiation {
  const ipv4 = reader('initiations', clock, list)
  const ipv6 = reader('initiations6', clock, list)
  return async (address) => {
    // A socket of both families names an IPv4 address this way (RFC 4291, 2.5.5.2).
    const plain = address.replace(/^::ffff:(?=\d+\.)/i, '')
    const lastAt = isIPv4(plain) ? await ipv4(plain) : isIPv6(plain) ? await ipv6(plain) : undefined
    const age = lastAt === undefined ? Number.POSITIVE_INFINITY : clock.now() - lastAt
    return age > KEPT_MS ? null : Math.max(0, age) / 1000
  }
}

function reader(
  set: InitiationSet,
  clock: Clock,
  list: (set: InitiationSet) => Promise<string>,
): (address: string) => Promise<number | undefined> {
  let seen: Seen = { listedAt: Number.NEGATIVE_INFINITY, lastAt: new Map() }
  let under: Promise<void> | null = null

  async function look(): Promise<void> {
    const listedAt = clock.now()
    try {
      seen = { listedAt, lastAt: parseInitiations(await list(set), listedAt) }
    } catch {
      // No table, no nft, or an unexpected answer: there is no evidence then, and reconciling says why.
      seen = { ...seen, listedAt }
    } finally {
      under = null
    }
  }

  return async (address) => {
    if (clock.now() - seen.listedAt > FRESH_MS) {
      under ??= look()
      await within(under, WAIT_MS)
    }
    return seen.lastAt.get(address)
  }
}

const Listing = v.object({ nftables: v.array(v.object({ set: v.optional(v.unknown()) })) })
const Listed = v.object({
  timeout: v.number(),
  elem: v.optional(v.array(v.object({ elem: v.object({ val: v.string(), expires: v.number() }) })), []),
})

/** When each address was last heard, in the clock's milliseconds; libnftables-json(5) rounds down to whole seconds. */
function parseInitiations(text: string, now: number): ReadonlyMap<string, number> {
  const { nftables } = v.parse(Listing, JSON.parse(text))
  return new Map(
    nftables
      .filter(({ set }) => set !== undefined)
      .flatMap(({ set }) => {
        const { timeout, elem } = v.parse(Listed, set)
        return elem.map(({ elem: { val, expires } }) => [val, now - (timeout - expires) * 1000] as const)
      }),
  )
}

async function within(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds)
  })
  await Promise.race([work, late])
  clearTimeout(timer)
}

async function nftList(set: InitiationSet): Promise<string> {
  const args = ['-j', 'list', 'set', 'inet', 'homeward', set]
  return (await runLook('nft', args, { timeoutMs: LIST_TIMEOUT_MS })).stdout
}
