import * as v from 'valibot'
import type { Outgoing } from '../../protocol/publications.ts'
import { runLook } from '../../system/process/look.ts'

/** Seconds since a service at home last sent something by this hub, and since something came back; null: not in a day. */
export interface OutgoingSeen {
  readonly sentSeconds: number | null
  readonly answeredSeconds: number | null
}

const LIST_TIMEOUT_MS = 5_000

const Listing = v.object({ nftables: v.array(v.object({ set: v.optional(v.unknown()) })) })
const Listed = v.object({
  timeout: v.number(),
  elem: v.optional(
    v.array(
      v.object({
        elem: v.object({
          val: v.object({ concat: v.tuple([v.string(), v.string(), v.number()]) }),
          expires: v.number(),
        }),
      }),
    ),
    [],
  ),
})

/**
 * Reads what the hub's firewall has seen of it (adapters/linux/firewall/hub-outgoing.ts).
 * @returns null where the firewall does not say.
 */
export async function outgoingSeen(
  outgoing: Outgoing,
  list: (set: string) => Promise<string> = nftList,
): Promise<OutgoingSeen | null> {
  try {
    const [sent, answered] = await Promise.all(['outgoing_seen', 'outgoing_answered'].map(list))
    return {
      sentSeconds: sinceLast(sent ?? '', outgoing),
      answeredSeconds: sinceLast(answered ?? '', outgoing),
    }
  } catch {
    // No table, no nft, or an unexpected answer: there is no evidence then, and reconciling says why.
    return null
  }
}

function sinceLast(text: string, { protocol, address, port, lastPort, targetPort }: Outgoing): number | null {
  const ages = v.parse(Listing, JSON.parse(text)).nftables.flatMap(({ set }) => {
    if (set === undefined) return []
    const { timeout, elem } = v.parse(Listed, set)
    return elem.flatMap(({ elem: { val, expires } }) => {
      const [sender, by, at] = val.concat
      const isIn = (first: number): boolean => at >= first && at <= first + lastPort - port
      return sender === address && by === protocol && (isIn(port) || isIn(targetPort)) ? [timeout - expires] : []
    })
  })
  return ages.length === 0 ? null : Math.max(0, Math.min(...ages))
}

async function nftList(set: string): Promise<string> {
  const args = ['-j', 'list', 'set', 'inet', 'homeward', set]
  return (await runLook('nft', args, { timeoutMs: LIST_TIMEOUT_MS })).stdout
}
