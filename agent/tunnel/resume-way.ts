import { reasonOf } from '../../problems/problem.ts'
import { formatEndpoint } from '../../wireguard/spec.ts'
import type { Cause } from '../core/evidence/cause.ts'
import type { Fallback } from '../core/fallback.ts'
import { keepLastWay, type LastWay, readLastWay } from '../memory/last-way.ts'
import { openTransport, type TransportContext } from './open-transport.ts'

/** How long a beginning agent waits for its TLS transport. Then it begins with UDP, and finds its way as ever. */
const OPEN_MS = 4_000

/**
 * Begins with the fallback by which the tunnel last worked, in a join or under an earlier agent: on a line that blocks
 * the hub's own port, another beginning is some seconds of darkness. The failback is tried from there as always.
 * @param stateDir the folder of the tunnel's memory. Never throws.
 */
export async function resumeWay(context: TransportContext, stateDir: string, signal: AbortSignal): Promise<void> {
  const { config, path, notice, log } = context
  const way = await readLastWay(stateDir, config().hub.publicKey)
  if (way === null) return
  try {
    const endpoint = way.endpoint ?? (await openTransport(context, signal, OPEN_MS))
    path.start = endpoint
    notice({ kind: 'resumed', on: way.on, endpoint, cause: way.cause })
    log.info({ endpoint: formatEndpoint(endpoint), on: way.on }, 'begins with the way that worked last')
  } catch (thrown) {
    log.info({ why: reasonOf(thrown) }, 'the way that worked last is not there now: the tunnel begins with the first')
  }
}

/**
 * Remembers the fallback for the next agent; null: the preferred endpoint.
 * @returns why it could not be written down; null when it was.
 */
export async function rememberWay(stateDir: string, hub: string, fallback: Fallback | null): Promise<string | null> {
  try {
    await keepLastWay(stateDir, fallback === null ? null : wayOf(hub, fallback))
    return null
  } catch (thrown) {
    return reasonOf(thrown)
  }
}

function wayOf(hub: string, { on, current, cause }: Fallback): Omit<LastWay, 'schema'> {
  return on === 'transport'
    ? { hub, on, endpoint: null, cause: cause === 'session-lost' ? cause : 'udp-blocked' }
    : { hub, on, endpoint: { ...current }, cause: 'port-blocked' satisfies Cause }
}
