import { connect } from 'node:net'

/** The outcome of a connection. A refusal answers too; `unreachable` is the word of a router, or of the kernel. */
export type TcpReply = 'answered' | 'unreachable' | 'silent'

export interface TcpPlace {
  readonly address: string
  readonly port: number
  /** This machine's address that the connection goes from; default: what the route says. */
  readonly from?: string
}

/**
 * Opens a TCP connection and closes it again. Whoever answers has seen the SYN: an answer must acknowledge its 32-bit
 * number, and an ICMP error must quote it (RFC 9293, 3.10.7.3; RFC 5927, 4), which nobody off the path can guess.
 */
export function tcpHello({ address, port, from }: TcpPlace, signal: AbortSignal): Promise<TcpReply> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, signal, ...(from === undefined ? {} : { localAddress: from }) })
    const end = (reply: TcpReply): void => {
      socket.destroy()
      resolve(reply)
    }
    socket.once('connect', () => end('answered'))
    socket.on('error', ({ code }: NodeJS.ErrnoException) => end(replyIn(code)))
  })
}

function replyIn(code: string | undefined): TcpReply {
  switch (code) {
    // An RST, or ICMP port unreachable from the host itself (tcp(7)): packets go there and come back.
    case 'ECONNREFUSED':
    case 'ECONNRESET':
      return 'answered'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return 'unreachable'
    default:
      return 'silent'
  }
}
