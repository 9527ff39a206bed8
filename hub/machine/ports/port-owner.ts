import { createSocket } from 'node:dgram'
import { createServer } from 'node:net'
import { Problem } from '../../../problems/problem.ts'
import { tryCommand } from '../../../system/process/run-command.ts'

/** Tries a port by taking it for a moment. @throws {Problem} `port-taken`, with the program where it can be found. */
export async function refuseTakenPort(protocol: 'udp' | 'tcp', port: number, what: string): Promise<void> {
  const free = await (protocol === 'udp' ? canBindUdp(port) : canBindTcp(port))
  if (!free) throw await portTaken(protocol, port, what)
}

export async function portTaken(protocol: 'udp' | 'tcp', port: number, what: string): Promise<Problem> {
  const owner = await ownerOf(protocol, port)
  const by = owner === null ? 'another program' : owner
  return new Problem('port-taken', { what, why: `${by} uses ${protocol.toUpperCase()} port ${port}` })
}

/** A port's program, `dnsmasq (process 812)`, by ss(8); null, e.g. without root or for the kernel's own sockets. */
export async function ownerOf(protocol: 'udp' | 'tcp', port: number): Promise<string | null> {
  const flags = protocol === 'udp' ? '-Hlunp' : '-Hltnp'
  const result = await tryCommand('ss', [flags, `sport = :${port}`], { timeoutMs: 3_000 }).catch(() => null)
  const match = /users:\(\("([^"]+)",pid=(\d+)/.exec(result?.stdout ?? '')
  return match === null ? null : `${match[1]} (process ${match[2]})`
}

/** Whether UDP can be bound for both families, as WireGuard does. */
async function canBindUdp(port: number): Promise<boolean> {
  return (await canBind('udp4', port)) && (await canBind('udp6', port))
}

function canBind(type: 'udp4' | 'udp6', port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type, ipv6Only: type === 'udp6' })
    socket.once('error', (error) => judge(error, resolve, reject))
    socket.bind({ port, exclusive: true }, () => socket.close(() => resolve(true)))
  })
}

function canBindTcp(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', (error) => judge(error, resolve, reject))
    server.listen({ port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}

function judge(
  error: NodeJS.ErrnoException,
  resolve: (free: boolean) => void,
  reject: (problem: Problem) => void,
): void {
  if (error.code === 'EADDRINUSE') return resolve(false)
  // On a machine without IPv6 nobody is at its ports there.
  if (error.code === 'EAFNOSUPPORT' || error.code === 'EADDRNOTAVAIL') return resolve(true)
  if (error.code === 'EACCES')
    return reject(new Problem('no-root', { what: 'trying the port', why: error.message, cause: error }))
  reject(new Problem('internal', { what: 'trying the port', why: error.message, cause: error }))
}
