import { connect, type Socket } from 'node:net'
import { Problem } from '../../../problems/problem.ts'
import { within } from '../../../system/time/within.ts'
import { hostPort } from '../../../wireguard/host-port.ts'
import { certificateOf } from './certificate.ts'
import { refusedConnection } from './refused-connection.ts'
import { shakeHands } from './tls.ts'
import { whenOpen } from './when-open.ts'

/** Where a router's API is, and the certificate that identifies it. */
export interface RouterAddress {
  readonly host: string
  readonly port: number
  /** SHA-256 of the certificate (DER), 64 lower-case hex digits; null: plain, unencrypted API, by the owner's word. */
  readonly certificate: string | null
}

const DIAL_MS = 10_000

/** How long until TCP's keepalive asks: it detects a line whose other end vanished without a word. */
const KEEPALIVE_MS = 30_000

/**
 * Opens a connection to the router, on which nothing was sent yet. With a pinned certificate the other end is the
 * pinned router; the certificate's names and dates are ignored, since a router signs it for itself and may wake up in
 * 1970.
 * @throws {Problem} `router-certificate-mismatch`, `router-certificate-missing`, `router-unreachable`,
 * `name-unresolved`.
 */
export async function dial(address: RouterAddress, signal: AbortSignal): Promise<Socket> {
  const { host, port, certificate } = address
  const what = `connecting to the router ${hostPort(host, port)}`
  const socket = await within(DIAL_MS, signal, (bounded) =>
    certificate === null ? plainTo(host, port, what, bounded) : pinnedTo(host, port, certificate, what, bounded),
  )
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEPALIVE_MS)
  return socket
}

async function pinnedTo(host: string, port: number, pin: string, what: string, signal: AbortSignal): Promise<Socket> {
  const socket = await shakeHands(host, port, what, signal)
  try {
    const { fingerprint } = certificateOf(socket, what)
    if (fingerprint === pin) return socket
    const why = `its certificate is ${fingerprint}, the pinned one is ${pin}`
    throw new Problem('router-certificate-mismatch', { what, why })
  } catch (thrown) {
    socket.destroy()
    throw thrown
  }
}

async function plainTo(host: string, port: number, what: string, signal: AbortSignal): Promise<Socket> {
  try {
    return await whenOpen(connect({ host, port }), 'connect', signal)
  } catch (thrown) {
    throw refusedConnection(what, thrown, port)
  }
}
