import { getRequestListener, type HttpBindings } from '@hono/node-server'
import type { Hono } from 'hono'
import { once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { portTaken } from '../machine/ports/port-owner.ts'
import { type Admission, makeAdmission } from './admission.ts'

type App = Pick<Hono<{ Bindings: HttpBindings }>, 'fetch'>

/**
 * Takes over an upgraded connection; from then on only the listener, or closing the server, ends it.
 * @returns whether the listener keeps the connection; then it is none of the registrar's any more.
 */
export type UpgradeListener = (request: IncomingMessage, socket: TLSSocket, head: Uint8Array) => boolean

export interface RegistrarServer {
  readonly port: number
  /** Shows another certificate to whoever connects from now on. */
  readonly present: (tls: RegistrarTls) => void
  readonly close: () => Promise<void>
}

/** The certificate and its key, PEM. */
interface RegistrarTls {
  readonly key: string
  readonly certificate: string
}

/** Limits of what one client, and all of them together, can cost; how many there may be is admission's (admission.ts). */
const LIMITS = {
  handshakeMs: 5_000,
  headersMs: 5_000,
  /** Time for headers and body. */
  requestMs: 10_000,
  idleMs: 5_000,
  requestsPerConnection: 100,
  headerBytes: 8 * 1024,
} as const

/** How long an answer under way may take when the registrar is closed. */
const LAST_ANSWER_MS = 1_000

/**
 * Opens the registrar: HTTPS, TLS 1.3 only, on every address of this machine.
 * @param port 0 takes a free one.
 * @param isHome whether WireGuard heard a home from this address lately.
 * @throws {Problem} `port-taken`.
 */
export async function openRegistrar(
  app: App,
  tls: RegistrarTls,
  port: number,
  onUpgrade: UpgradeListener,
  isHome: (address: string) => boolean,
): Promise<RegistrarServer> {
  const server = createServer(
    {
      key: tls.key,
      cert: tls.certificate,
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: LIMITS.handshakeMs,
      headersTimeout: LIMITS.headersMs,
      requestTimeout: LIMITS.requestMs,
      keepAliveTimeout: LIMITS.idleMs,
      // How often Node looks for late requests; its default is 30 s.
      connectionsCheckingInterval: 1_000,
      maxHeaderSize: LIMITS.headerBytes,
    },
    listener(app),
  )
  server.maxRequestsPerSocket = LIMITS.requestsPerConnection
  const connected = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connected.add(socket)
    socket.once('close', () => connected.delete(socket))
  })
  const leaveOut = admit(server, makeAdmission(), isHome)
  const upgraded = passUpgrades(server, onUpgrade, leaveOut)
  await listen(server, port)
  return {
    port: (server.address() as AddressInfo).port,
    present: ({ key, certificate: cert }) => server.setSecureContext({ key, cert, minVersion: 'TLSv1.3' }),
    close: () => close(server, upgraded, connected),
  }
}

/** Uses node-server's own Request as the global one: hono's body limit makes new ones, which Node's cannot. */
function listener(app: App): RequestListener {
  const answer = getRequestListener((request, env) => app.fetch(request, env))
  return (incoming, outgoing) => void answer(incoming, outgoing)
}

/** Passes upgrades on. Node lets go of an upgraded connection: no time limit holds for it, and only we can end it. */
function passUpgrades(
  server: Server,
  onUpgrade: UpgradeListener,
  leaveOut: (socket: Socket) => void,
): ReadonlySet<Socket> {
  const upgraded = new Set<Socket>()
  server.on('upgrade', (request, stream, head) => {
    const socket = stream as TLSSocket
    upgraded.add(socket)
    socket.once('close', () => upgraded.delete(socket))
    if (onUpgrade(request, socket, head)) leaveOut(socket)
  })
  return upgraded
}

/**
 * Tells admission of each connection, and drops those that have to go: by 'connection', which comes before the TLS
 * handshake, so that handshakes are counted too.
 * @returns takes a connection out of the count.
 */
function admit(server: Server, admission: Admission, isHome: (address: string) => boolean): (socket: Socket) => void {
  const sockets = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const [id, address] = [idOf(socket), socket.remoteAddress ?? '']
    sockets.set(id, socket)
    socket.once('close', () => {
      if (sockets.get(id) !== socket) return
      sockets.delete(id)
      admission.left(id, performance.now())
    })
    for (const victim of admission.opened(id, address, isHome(address), performance.now())) {
      sockets.get(victim)?.destroy()
      sockets.delete(victim)
    }
  })
  server.on('secureConnection', (socket) => admission.shaken(idOf(socket)))
  server.prependListener('request', (request, response) => {
    const id = idOf(request.socket)
    admission.asked(id)
    response.once('close', () => admission.answered(id))
  })
  // Node makes no request of an upgrade.
  server.on('upgrade', ({ socket }) => admission.asked(idOf(socket)))
  return (socket) => admission.left(idOf(socket), performance.now())
}

/** The far end, which the TCP socket and the TLS socket over it share. */
function idOf({ remoteAddress = '', remotePort = 0 }: Socket): string {
  return `${remoteAddress} ${remotePort}`
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port)
  try {
    await once(server, 'listening')
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw thrown
    throw await portTaken('tcp', port, 'opening the registrar')
  }
}

/** @param connected TCP connections: Node does not count those among the server's whose TLS handshake has not ended. */
async function close(server: Server, upgraded: ReadonlySet<Socket>, connected: ReadonlySet<Socket>): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  for (const socket of upgraded) socket.destroy()
  server.closeIdleConnections()
  const late = setTimeout(() => {
    for (const socket of connected) socket.destroy()
  }, LAST_ANSWER_MS)
  await closed
  clearTimeout(late)
}
