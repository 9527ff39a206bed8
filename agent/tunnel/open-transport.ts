import type { Clock } from '../../system/time/clock.ts'
import type { Log } from '../../system/process/log.ts'
import type { Endpoint } from '../../wireguard/spec.ts'
import { readBearer } from '../secrets/secrets.ts'
import type { TunnelConfig } from '../settings/config.ts'
import { closeWhenMoved } from '../transport/close-when-moved.ts'
import { listenPlace } from '../transport/listen-place.ts'
import { openInTime } from '../transport/open-in-time.ts'
import type { AgentPaths } from '../settings/paths.ts'
import type { Judge } from './judge.ts'
import { type Path, provenFirst } from './plan/path.ts'

export interface TransportContext {
  readonly paths: Pick<AgentPaths, 'configDir' | 'stateDir'>
  readonly config: () => TunnelConfig
  readonly path: Path
  readonly notice: Judge['notice']
  readonly clock: Clock
  readonly log: Log
}

/** How long opening may take, unless said otherwise: two hosts of the hub that do not answer, and a third that does. */
const OPEN_MS = 20_000

/**
 * Opens the tunnel's TLS transport, or takes the one that is open, and tells the judge when it is lost.
 * @returns where WireGuard is to send.
 * @throws {Problem} as openTlsTransport.
 */
export async function openTransport(
  { paths, config, path, notice, clock, log }: TransportContext,
  signal: AbortSignal,
  limitMs = OPEN_MS,
): Promise<Endpoint> {
  path.transport?.release()
  if (path.transport !== null) return path.transport.endpoint
  const { home, hub, router } = config()
  const { port, certificate, addresses } = hub
  const hosts = [...new Set([...provenFirst(path), ...addresses])]
  const bearer = await readBearer(paths, home)
  const place = await listenPlace(router)
  const transport = await openInTime(limitMs, { hosts, port, certificate }, bearer, clock, signal, place)
  path.transport = transport
  void closeWhenMoved(transport, router)
  void transport.ended.then((why) => {
    if (path.transport !== transport) return
    path.transport = null
    log.warn({ why }, 'the TLS transport ended')
    notice({ kind: 'transport-lost' })
  })
  return transport.endpoint
}
