import type { OutgoingFlow, OutgoingForwarding } from '../../spec.ts'
import { braced, withoutContained } from './braced.ts'
import { NOT_INTERNET, NOT_INTERNET_IPV6 } from '../../../net/internet.ts'
import type { NftChain } from './nft-table.ts'
import { setVisitorMark, visitorCondition } from './visitors.ts'

/**
 * What is sent from here to the internet by the hub. A connection of that kind gets the mark of visitors' connections
 * (visitors.ts) as it begins, and its packets the mark by which they are routed into the tunnel. Answers come out of the
 * tunnel as visitors do. In the table that they are routed by stands nothing but the tunnel: while it is down, nothing
 * leaves by the home's own line, from an address that is not the service's.
 */

const MANGLE = -150
/** Before everybody's translation of sources: one is enough for the kernel, and the first. */
const BEFORE_SRCNAT = 99

/** @param tunnel the interface's name, in quotes. @param lan networks here, which have no internet in them. */
export function homeOutgoing(
  tunnel: string,
  lan: readonly string[],
  slot: number,
  { flows, except }: OutgoingForwarding,
): readonly NftChain[] {
  const begins = 'ct state new ct direction original'
  const elsewhere = (more: readonly string[]): string =>
    `ip daddr != ${braced(withoutContained([...NOT_INTERNET, ...lan, ...more.map((one) => `${one}/32`)]))}`
  const sent = `ct direction original ${visitorCondition(slot)} ${setVisitorMark('meta', slot)}`
  const of = (which: 'here' | 'behind') => flows.filter(({ from }) => (from === null) === (which === 'here'))
  return [
    {
      name: 'outgoing',
      type: 'filter',
      hook: 'prerouting',
      priority: MANGLE,
      rules: [
        ...of('behind').flatMap((flow) =>
          portsOf(flow).map(
            (ports) =>
              `iifname != ${tunnel} ${begins} ip saddr ${flow.from} ${elsewhere([])} ${ports} ${setVisitorMark('ct', slot)}`,
          ),
        ),
        `iifname != ${tunnel} ${sent}`,
      ],
    },
    // Only a chain of this type has a packet of this machine routed again (nft(8), "CHAINS").
    {
      name: 'outgoing_here',
      type: 'route',
      hook: 'output',
      priority: MANGLE,
      rules: [
        ...of('here').flatMap((flow) =>
          portsOf(flow).map((ports) => `${begins} ${elsewhere(except)} ${ports} ${setVisitorMark('ct', slot)}`),
        ),
        // The tunnel is IPv4 inside: over IPv6 the same would leave from here, and whoever sends it tries IPv4 next.
        ...of('here').flatMap((flow) =>
          portsOf(flow).map((ports) => `${begins} ip6 daddr != ${braced(NOT_INTERNET_IPV6)} ${ports} reject`),
        ),
        sent,
      ],
    },
    // The hub takes each sender by the one address that it knows it by.
    {
      name: 'outgoing_seen',
      type: 'nat',
      hook: 'postrouting',
      priority: BEFORE_SRCNAT,
      rules: flows.flatMap((flow) =>
        portsOf(flow).map(
          (ports) =>
            `oifname ${tunnel} ${visitorCondition(slot)} ${flow.from === null ? 'fib saddr type local' : `ip saddr ${flow.from}`} ${ports} snat ip to ${flow.seenAs}`,
        ),
      ),
    },
  ]
}

/** Conditions of which one is enough: to these ports of the internet, or from the sender's own. */
function portsOf({ protocol, port, lastPort, ownPort }: OutgoingFlow): readonly string[] {
  const range = (first: number): string => (lastPort === port ? `${first}` : `${first}-${first + lastPort - port}`)
  return [`${protocol} dport ${range(port)}`, `${protocol} sport ${range(ownPort)}`]
}
