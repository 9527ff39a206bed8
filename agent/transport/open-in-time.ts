import { branchSignal } from '../../system/time/branch-signal.ts'
import { openTlsTransport, type TlsTransport } from './tls-transport.ts'

/**
 * Opens a TLS transport, or gives up after so long, whatever the number of the hub's hosts: each may take 8 s.
 * @throws {Problem} as openTlsTransport.
 */
export async function openInTime(
  limitMs: number,
  ...[registrar, bearer, clock, signal, place]: Parameters<typeof openTlsTransport>
): Promise<TlsTransport> {
  // The transport lives with this signal: only the time limit ends with the opening.
  const { signal: bounded, end } = branchSignal(signal)
  const timer = setTimeout(() => end(new DOMException('it took too long', 'TimeoutError')), limitMs)
  try {
    return await openTlsTransport(registrar, bearer, clock, bounded, place)
  } finally {
    clearTimeout(timer)
  }
}
