import { type IncomingMessage, request as httpRequest } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { Problem } from '../problems/problem.ts'
import { hostField, hostPort } from '../wireguard/host-port.ts'
import { connectPinned, type Registrar, refusalIn, unreachable } from './registrar-client.ts'

/** The path that a home requests for the TLS transport, and the protocol that the hub switches to. */
export const TRANSPORT_PATH = '/v1/carrier'
export const TRANSPORT_PROTOCOL = 'homeward-carrier'

export interface Upgraded {
  readonly socket: TLSSocket
  /** Bytes that came right behind the hub's `101 Switching Protocols`. */
  readonly head: Uint8Array
}

const LARGEST_REFUSAL = 16 * 1024

/**
 * Turns a connection to the registrar into the TLS transport (RFC 9110, 7.8).
 * @param bearer `HOME.SECRET`.
 * @param signal ends the attempt, not the connection that came of it.
 * @throws {Problem} `name-unresolved`, `hub-unreachable`, `certificate-mismatch`, `answer-invalid`, or the hub's own:
 * `home-unknown`, `rate-limited`, `carriers-full`.
 */
export async function upgradeToTransport(registrar: Registrar, bearer: string, signal: AbortSignal): Promise<Upgraded> {
  const what = `opening the TLS transport to the hub at ${hostPort(registrar.host, registrar.port)}`
  const socket = await connectPinned(registrar, what, signal)
  try {
    return await switchProtocols(socket, registrar, bearer, what, signal)
  } catch (thrown) {
    socket.destroy()
    throw unreachable(what, thrown, signal)
  }
}

function switchProtocols(
  socket: TLSSocket,
  registrar: Registrar,
  bearer: string,
  what: string,
  signal: AbortSignal,
): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const late = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', late, { once: true })
    if (signal.aborted) late()
    const request = httpRequest({
      createConnection: () => socket,
      method: 'GET',
      path: TRANSPORT_PATH,
      headers: {
        host: hostField(registrar.host, registrar.port),
        connection: 'Upgrade',
        upgrade: TRANSPORT_PROTOCOL,
        authorization: `Bearer ${bearer}`,
      },
    })
    request.on('upgrade', (response, _socket, head) => {
      signal.removeEventListener('abort', late)
      if (response.headers.upgrade === TRANSPORT_PROTOCOL) resolve({ socket, head })
      else reject(new Problem('answer-invalid', { what, why: 'it switched to another protocol' }))
    })
    request.on('response', (response) => {
      textOf(response).then((text) => reject(refusalIn(what, response.statusCode ?? 0, text)), reject)
    })
    request.on('error', reject)
    request.end()
  })
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  response.setEncoding('utf8')
  for await (const part of response) {
    text += String(part)
    if (text.length > LARGEST_REFUSAL) break
  }
  return text
}
