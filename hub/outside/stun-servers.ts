import * as v from 'valibot'
import { Problem } from '../../problems/problem.ts'
import { HostSchema, PortSchema } from '../../protocol/addresses.ts'

/** Where a STUN server is: a name or an address, and a UDP port. */
export interface StunServer {
  readonly host: string
  readonly port: number
}

/** STUN's own port (RFC 8489, 17.3). */
const STUN_PORT = 3478

/**
 * The servers that are asked by default, the one place that names them. They are of two operators, so that one that lies
 * or is wrong is contradicted, are free for anybody, and answer over both families. Both see the address that asked.
 */
export const STUN_SERVERS: readonly StunServer[] = [
  { host: 'stun.cloudflare.com', port: STUN_PORT },
  { host: 'stun.l.google.com', port: 19_302 },
]

/** How many are asked at most. */
const MOST = 4

/** Reads `HOST[:PORT],…`, an IPv6 address in brackets; `none`: nobody is asked. @throws {Problem} `wrong-usage`. */
export function stunServersIn(text: string): readonly StunServer[] {
  if (text === 'none') return []
  const servers = text.split(',').map((one) => serverIn(one.trim()))
  if (servers.length <= MOST) return servers
  throw new Problem('wrong-usage', { what: 'reading --stun', why: `more than ${MOST} servers are given` })
}

function serverIn(text: string): StunServer {
  const [, inBrackets, plain, port = String(STUN_PORT)] = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const host = v.safeParse(HostSchema, inBrackets ?? plain)
  const number = v.safeParse(PortSchema, Number(port))
  if (host.success && number.success) return { host: host.output, port: number.output }
  throw new Problem('wrong-usage', {
    what: `reading --stun ${JSON.stringify(text)}`,
    why: 'it is not the name or address of a server, with or without a port',
    next: 'Write it as HOST or HOST:PORT, several with commas; or none',
  })
}
