import { isIP } from 'node:net'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { Problem } from '../../../problems/problem.ts'
import { refusedConnection } from './refused-connection.ts'
import { whenOpen } from './when-open.ts'

/** A TLS handshake with an API, before a word of ours is sent. */

/** OpenSSL's errors when the two ends have no cipher in common. */
const NO_COMMON_CIPHER = /HANDSHAKE_FAILURE|NO_SHARED_CIPHER/i
const NO_TLS = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG|UNEXPECTED_MESSAGE|BAD_RECORD_TYPE/i

/**
 * Options without verification: Node would refuse every certificate that a router signed itself. The caller compares it
 * with the pinned one, or shows it to a person, and sends nothing before.
 */
const UNVERIFIED: ConnectionOptions = { minVersion: 'TLSv1.2', rejectUnauthorized: false }

/** Options to detect an API without a certificate: its keys are vouched for by nobody (RouterOS manual, api-ssl). */
const ANONYMOUS: ConnectionOptions = {
  maxVersion: 'TLSv1.2',
  ciphers: 'ADH:@SECLEVEL=0',
  rejectUnauthorized: false,
}

/**
 * @param what reads well before ` failed`.
 * @throws {Problem} `router-certificate-missing`, `router-unreachable`, `name-unresolved`.
 */
export async function shakeHands(host: string, port: number, what: string, signal: AbortSignal): Promise<TLSSocket> {
  try {
    return await tlsTo(host, port, UNVERIFIED, signal)
  } catch (thrown) {
    if (NO_COMMON_CIPHER.test(codeOf(thrown)) && (await isAnonymous(host, port, signal)))
      throw new Problem('router-certificate-missing', {
        what,
        why: 'its API has TLS but no certificate',
        cause: thrown,
      })
    if (NO_TLS.test(codeOf(thrown))) throw refusedConnection(what, new Error('what answers there speaks no TLS'), port)
    throw refusedConnection(what, thrown, port)
  }
}

async function isAnonymous(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  try {
    const socket = await tlsTo(host, port, ANONYMOUS, signal)
    socket.destroy()
    return true
  } catch {
    return false
  }
}

/** Opens a TLS connection. @throws whatever error the socket had; the signal's reason. */
function tlsTo(host: string, port: number, options: ConnectionOptions, signal: AbortSignal): Promise<TLSSocket> {
  const socket = connect({ host, port, ...options, ...(isIP(host) === 0 ? { servername: host } : {}) })
  return whenOpen(socket, 'secureConnect', signal)
}

function codeOf(thrown: unknown): string {
  return String((thrown as NodeJS.ErrnoException | undefined)?.code)
}
