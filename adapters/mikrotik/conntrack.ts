import type { Endpoint } from '../../wireguard/spec.ts'
import type { Row } from './api.ts'
import { isGone } from './change.ts'
import { oneSpelling } from './network.ts'
import type { Place } from './place.ts'

const CONNECTIONS = '/ip/firewall/connection'

/** A table of many thousand rows takes a small router this long. */
const LONG_MS = 30_000

const PROPERTIES = [
  '.id',
  'src-address',
  'src-port',
  'dst-address',
  'dst-port',
  'reply-src-address',
  'reply-src-port',
  'reply-dst-address',
  'reply-dst-port',
]

/** The router forgets the tunnel's flow to this place, and with it the address and port that it gave the flow outside. */
export async function forgetFlow(endpoint: Endpoint, { exec, signal }: Place): Promise<void> {
  const attributes = { '.proplist': PROPERTIES.join(',') }
  const { rows } = await exec(
    { command: `${CONNECTIONS}/print`, attributes, queries: ['?protocol=udp'] },
    signal,
    LONG_MS,
  )
  for (const row of rows.filter((row) => leadsTo(endpoint, row)))
    try {
      await exec({ command: `${CONNECTIONS}/remove`, attributes: { '.id': row['.id'] ?? '' } }, signal)
    } catch (thrown) {
      // It ended by itself meanwhile.
      if (!isGone(thrown)) throw thrown
    }
}

/** Whether it goes to the hub, or comes from there: an entry that the hub's packet made is as stale. */
export function leadsTo(endpoint: Endpoint, row: Row): boolean {
  return (['dst', 'src', 'reply-src'] as const).some((end) => isAt(endpoint, row[`${end}-address`], row[`${end}-port`]))
}

/** `ip:port`, `[ip]:port`, or the two apart, by build. */
function isAt(endpoint: Endpoint, address: string | undefined, port: string | undefined): boolean {
  if (address === undefined) return false
  const place = port === undefined ? split(address) : { address, port: Number(port) }
  return place !== null && place.port === endpoint.port && oneSpelling(place.address) === oneSpelling(endpoint.address)
}

function split(text: string): Endpoint | null {
  const match = /^\[?(.+?)\]?:(\d+)$/.exec(text)
  return match?.[1] === undefined ? null : { address: match[1], port: Number(match[2]) }
}
