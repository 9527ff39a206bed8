import { branchSignal } from '../../system/time/branch-signal.ts'
import { within } from '../../system/time/within.ts'
import { parseEndpoint } from '../../wireguard/spec.ts'
import { tcpHello, type TcpPlace, type TcpReply } from './tcp-hello.ts'
import { gatewayIsGone, type Gateway, readGateway } from '../lan/gateway.ts'

/** Whether the uplink works, tested without the hub. null: that cannot be told. */
export interface Uplink {
  /** Whether the router next to this machine answers. */
  readonly gateway: boolean | null
  /** Whether somebody on the internet answers who is not the hub. */
  readonly beacon: boolean | null
}

/** How long answers are waited for: above three round trips to anywhere, and below what a person calls a while. */
const ANSWER_MS = 1_500

/** Ports that home routers listen on, of DNS and the web page. Any answer counts. */
const GATEWAY_PORTS = [53, 80]

/**
 * Tells "the hub is away" from "my line is away", in 1.5 s at most. Never throws.
 * @param beacons literals with a TCP port, such as `1.1.1.1:443`.
 * @public
 */
export async function testUplink(beacons: readonly string[], signal: AbortSignal): Promise<Uplink> {
  return await within(ANSWER_MS, signal, async (inTime) => {
    const asked = branchSignal(inTime)
    try {
      const [gateway, beacon] = await Promise.all([testGateway(asked.signal), testBeacons(beacons, asked.signal)])
      // A test that was cut off says nothing of the line.
      return signal.aborted ? { gateway: null, beacon: null } : { gateway, beacon }
    } finally {
      asked.end()
    }
  })
}

async function testBeacons(beacons: readonly string[], signal: AbortSignal): Promise<boolean | null> {
  const places = beacons.map(parseEndpoint).filter((place) => place !== null)
  if (places.length === 0) return null
  return (await bestReply(places, signal)) === 'answered'
}

async function testGateway(signal: AbortSignal): Promise<boolean | null> {
  const gateway = await readGateway(signal)
  if (typeof gateway === 'string') return gateway === 'none' ? false : null
  const reply = await bestReply(gatewayPlaces(gateway), signal)
  if (reply === 'answered') return true
  if (await gatewayIsGone(gateway)) return false
  // The gateway's link address resolves, so the router itself said so: many a firewall answers with an ICMP error.
  return reply === 'unreachable' ? true : null
}

function gatewayPlaces({ address, device }: Gateway): readonly TcpPlace[] {
  const scoped = address.startsWith('fe80:') ? `${address}%${device}` : address
  return GATEWAY_PORTS.map((port) => ({ address: scoped, port }))
}

/** Ends with the first answer, else when every place has replied. */
async function bestReply(places: readonly TcpPlace[], signal: AbortSignal): Promise<TcpReply> {
  const replies = places.map((place) => tcpHello(place, signal))
  const first = replies.map(async (reply) => {
    if ((await reply) !== 'answered') throw new TypeError('no answer')
  })
  try {
    await Promise.any(first)
    return 'answered'
  } catch {
    return (await Promise.all(replies)).includes('unreachable') ? 'unreachable' : 'silent'
  }
}
