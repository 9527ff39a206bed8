import type { Adapter } from '../../../adapters/adapter.ts'
import { sameEndpoint } from '../../../wireguard/spec.ts'
import { withChangeLock } from '../../settings/change-lock.ts'
import type { TunnelConfig } from '../../settings/config.ts'
import { hubEndpoints } from '../../registrar/hub-endpoints.ts'
import { type Path, provenFirst } from './path.ts'
import { tunnelPeer } from './tunnel-spec.ts'

/** How long the failback may take when the agent ends. */
const FAIL_BACK_MS = 5_000

/**
 * Points WireGuard at the hub again when it sends into the TLS transport, which ends with the agent: a router would go on sending
 * to this machine. Nothing is sent by itself, so over UDP that is still blocked the tunnel is only as dead as before.
 * @throws {Problem} what the machine said.
 */
export async function failBackToUdp(
  adapter: Pick<Adapter, 'execute'>,
  config: TunnelConfig,
  runtimeDir: string,
  path: Path,
): Promise<boolean> {
  const { endpoint, keepaliveSeconds, visitors } = path
  // While no address is known to be the hub's now, none is guessed from memory alone.
  const endpoints = path.hubLiterals === null ? [] : hubEndpoints(config.hub, provenFirst(path))
  const [first] = endpoints
  if (endpoint === null || first === undefined || endpoints.some((one) => sameEndpoint(one, endpoint))) return false
  const signal = AbortSignal.timeout(FAIL_BACK_MS)
  const peer = tunnelPeer(config, { endpoint: first, keepaliveSeconds, visitors })
  await withChangeLock(runtimeDir, signal, () =>
    adapter.execute({ kind: 'set-peers', interface: config.interface, peers: [peer] }, signal),
  )
  return true
}
