import { STATUS_CODES } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { asProblem, Problem } from '../../problems/problem.ts'
import { TRANSPORT_PATH, TRANSPORT_PROTOCOL } from '../../protocol/registrar-upgrade.ts'
import type { Authentication } from './authentication.ts'
import type { Transports } from '../transport/transports.ts'
import { refusalOf } from './refusal.ts'
import type { UpgradeListener } from './registrar-server.ts'

/** Answers requests for a TLS transport, and refuses any other upgrade. */
export function transportUpgrade(authentication: Authentication, transports: Transports): UpgradeListener {
  return ({ method, url, headers }, socket, head) => {
    // Whatever happens to a socket before it is a transport, ending it is enough.
    socket.on('error', () => socket.destroy())
    try {
      if (method !== 'GET' || url !== TRANSPORT_PATH || headers.upgrade?.toLowerCase() !== TRANSPORT_PROTOCOL)
        throw new Problem('request-invalid', { what: 'reading the request', why: 'the registrar has no such upgrade' })
      const home = authentication.homeOf(headers.authorization, socket.remoteAddress ?? '')
      transports.accept(home, socket, head)
      return true
    } catch (thrown) {
      refuse(socket, asProblem(thrown, 'opening the TLS transport'))
      return false
    }
  }
}

function refuse(socket: TLSSocket, problem: Problem): void {
  const { status, body } = refusalOf(problem)
  const text = JSON.stringify(body)
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'Connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${text}`, () => socket.destroySoon())
  // A client that takes no answer would keep the connection.
  setTimeout(() => socket.destroy(), 1_000).unref()
}
