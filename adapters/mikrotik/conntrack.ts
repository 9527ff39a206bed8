import { type Endpoint, parseEndpoint } from '../../wireguard/spec.ts'
import type { Row } from './api/session.ts'
import { isGone } from './objects/change.ts'
import { readMenu } from './objects/menus.ts'
import { canonicalAddress } from '../../net/address.ts'
import type { Place } from './objects/place.ts'

const CONNECTIONS = '/ip/firewall/connection'

/** How long reading the table may take: a small router needs this long for many thousand rows. */
const LONG_MS = 30_000

const PROPERTIES = ['.id', 'src-address', 'src-port', 'dst-address', 'dst-port']

/**
 * Makes the router forget the tunnel's flow to this place, and with it the address and port that it gave the flow
 * outside. Flows of other machines to the same place, such as the agent's own echoes, stay.
 */
export async function forgetFlow(interfaceName: string, endpoint: Endpoint, place: Place): Promise<void> {
  const { exec, signal } = place
  const attributes = { '.proplist': PROPERTIES.join(',') }
  const [interfaces, { rows }] = await Promise.all([
    readMenu(exec, 'interface', signal),
    exec({ command: `${CONNECTIONS}/print`, attributes, queries: ['?protocol=udp'] }, signal, LONG_MS),
  ])
  const listenPort = Number(interfaces.find((row) => row['name'] === interfaceName)?.['listen-port'])
  for (const row of rows.filter((row) => isFlow(row, endpoint, listenPort)))
    try {
      await exec({ command: `${CONNECTIONS}/remove`, attributes: { '.id': row['.id'] ?? '' } }, signal)
    } catch (thrown) {
      // The flow ended by itself in the meantime.
      if (!isGone(thrown)) throw thrown
    }
}

/** Whether a row is WireGuard's flow to the hub, or one that a packet of the hub's began: that is as stale. */
export function isFlow(row: Row, endpoint: Endpoint, listenPort: number): boolean {
  const [source, destination] = [placeIn(row, 'src'), placeIn(row, 'dst')]
  if (source === null || destination === null) return false
  return (isSame(destination, endpoint) && source.port === listenPort) || isSame(source, endpoint)
}

function isSame(a: Endpoint, b: Endpoint): boolean {
  return a.port === b.port && canonicalAddress(a.address) === canonicalAddress(b.address)
}

/** One end of a connection: `ip:port`, `[ip]:port`, or the two apart, by build. */
function placeIn(row: Row, end: 'src' | 'dst'): Endpoint | null {
  const address = row[`${end}-address`]
  const port = row[`${end}-port`]
  if (address === undefined) return null
  if (port !== undefined) return { address, port: Number(port) }
  return parseEndpoint(address)
}
