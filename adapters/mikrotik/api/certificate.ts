import type { TLSSocket } from 'node:tls'
import { oneLine } from '../../../problems/printable.ts'
import { Problem } from '../../../problems/problem.ts'
import { within } from '../../../system/time/within.ts'
import { hostPort } from '../../../wireguard/host-port.ts'
import { shakeHands } from './tls.ts'

const HANDSHAKE_MS = 10_000
const LONGEST_SUBJECT = 200

export interface Certificate {
  /** SHA-256 of the certificate's DER form, 64 lower-case hex digits: the fingerprint in `/certificate/print`. */
  readonly fingerprint: string
  /** The certificate's subject for people, on one line. */
  readonly subject: string
}

/**
 * Reads the certificate of a router at first contact. Nothing of ours is sent, no name and no password.
 * @throws {Problem} `router-certificate-missing`, `router-unreachable`, `name-unresolved`.
 */
export async function readCertificate(host: string, port: number, signal: AbortSignal): Promise<Certificate> {
  const what = `reading the certificate of the router ${hostPort(host, port)}`
  const socket = await within(HANDSHAKE_MS, signal, (bounded) => shakeHands(host, port, what, bounded))
  try {
    return certificateOf(socket, what)
  } finally {
    socket.destroy()
  }
}

/** The command at the router's console that shows its certificates, for a person who compares. */
export const WHERE_SHOWN = '/certificate print detail'

/** The certificate that the other end showed in the handshake. @throws {Problem} `router-certificate-missing`. */
export function certificateOf(socket: TLSSocket, what: string): Certificate {
  const shown = socket.getPeerX509Certificate()
  if (shown === undefined) throw new Problem('router-certificate-missing', { what, why: 'it has shown no certificate' })
  return {
    fingerprint: shown.fingerprint256.replaceAll(':', '').toLowerCase(),
    subject: oneLine(shown.subject.split('\n').join(', ')).slice(0, LONGEST_SUBJECT),
  }
}
