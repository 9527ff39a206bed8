import { tryTcp } from '../../system/sockets/try-tcp.ts'
import { ownAddress } from './own-address.ts'

/**
 * The way that a host at home takes to answer visitors. `tunnel`: back into it. `past`: it answers the hub itself, and
 * not an address of the internet: its gateway is another, or its firewall lets its own network in only. `unknown`: it
 * answers neither, so that nothing can be told.
 */
export type AnswerPath = 'tunnel' | 'past' | 'unknown'

/** How long an answer is waited for: above the first repetition of a SYN after one second (RFC 6298, 2.1). */
const ANSWER_MS = 2_500
/** One lost packet must not hide visitors. */
const ROUNDS = 2

/**
 * Measures it by two connections into the tunnel, one from the hub's public address, as a visitor's, and one from its
 * address in the tunnel. A refusal is an answer too: whether the service runs is another matter. The home must answer
 * visitors already.
 */
export async function measureAnswerPath(address: string, port: number): Promise<AnswerPath> {
  const visitor = await ownAddress()
  for (let round = 1; ; round += 1) {
    const [asVisitor, asHub] = await Promise.all([answers(address, port, visitor), answers(address, port, null)])
    if (asVisitor) return 'tunnel'
    if (!asHub) return 'unknown'
    if (round === ROUNDS) return 'past'
  }
}

async function answers(host: string, port: number, localAddress: string | null): Promise<boolean> {
  const tried = await tryTcp({ host, port, ...(localAddress === null ? {} : { localAddress }) }, ANSWER_MS)
  return tried.kind === 'accepted' || (tried.kind === 'failed' && tried.error.code === 'ECONNREFUSED')
}
