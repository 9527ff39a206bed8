import { isIPv4 } from 'node:net'
import type { OutgoingForwarding } from '../../../adapters/spec.ts'
import { isIn } from '../../../net/prefix.ts'
import { parseEndpoint } from '../../../wireguard/spec.ts'
import { ownAddress } from '../../lan/mapped-lan.ts'
import type { UplinkFacts } from '../../memory/uplink-memory.ts'
import { targetsFor } from '../../probes/reachability-targets.ts'
import type { TunnelConfig } from '../../settings/config.ts'

/**
 * What leaves by the hub, as this machine leads it; null: nothing. Visitors must be answered too, since answers to what
 * was sent come out of the tunnel as visitors do. Of hosts only those of the LAN, whatever the hub says. Pure.
 * @param here this machine's own addresses.
 */
export function outgoingForwarding(
  { hub, lan, beacons, router }: Pick<TunnelConfig, 'hub' | 'lan' | 'beacons' | 'router'>,
  { outgoing, visitors, provenHub }: Pick<UplinkFacts, 'outgoing' | 'visitors' | 'provenHub'>,
  here: readonly string[],
): OutgoingForwarding | null {
  const flows = outgoing.flatMap(({ protocol, address: seenAs, port, lastPort, targetPort: ownPort }) => {
    const address = ownAddress(lan, seenAs)
    const isHere = address === hub.address || here.includes(address)
    if (!isHere && !isIn(address, lan.prefixes)) return []
    return [{ protocol, from: isHere ? null : address, seenAs, port, lastPort, ownPort }]
  })
  if (router.kind !== 'linux' || !visitors || flows.length === 0) return null
  // What tells whether this line or the hub is down goes by this line, and so does who looks at the hub from outside.
  const targets = targetsFor(beacons, []).map((target) => parseEndpoint(target)?.address ?? '')
  const except = [...hub.addresses, provenHub?.address ?? '', ...targets].filter((one) => isIPv4(one))
  const isHere = flows.some(({ from }) => from === null)
  return { flows, except: isHere ? [...new Set(except)].sort() : [] }
}
