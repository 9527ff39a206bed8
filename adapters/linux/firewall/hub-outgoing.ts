import type { PublishedPort } from '../../spec.ts'
import { braced } from './braced.ts'
import { NOT_INTERNET } from '../../../net/internet.ts'
import { type NftTable, SENDER } from './nft-table.ts'

/**
 * What services at homes send to the internet by the hub: a connection to a published port of the internet (mail), or
 * from the service's own port (game servers tell their directory where they are). Which home a packet is of, WireGuard
 * has proven by its address. Only what is in these sets leaves, and only to the internet.
 */

const SRCNAT = 100

/** Senders with the ports of the internet that they may send to. */
export const SENT_TO = 'outgoing_to'
/** Senders with the ports that they may send from. */
const SENT_FROM = 'outgoing_from'
/** The hub's ports for those, where the numbers differ. */
const SENT_AS = 'outgoing_as'

/** The objects that hold them, as `KIND NAME`. */
export const OUTGOING_HOLDERS = [`set ${SENT_TO}`, `set ${SENT_FROM}`, `map ${SENT_AS}`] as const

/** What was sent last, and what came back: hub/presence/outgoing-seen.ts reads them. */
const SEEN = ['outgoing_seen', 'outgoing_answered'] as const
/** How long that is remembered: mail may be rare. */
const SEEN_KEPT_SECONDS = 86_400
const MOST_SEEN = 4096

/** @param tunnel the interface's name, in quotes. `forward` goes before any rule that lets known flows pass. */
export function hubOutgoing(
  tunnel: string,
): Pick<NftTable, 'sets' | 'maps' | 'recentSets' | 'chains'> & { readonly forward: readonly string[] } {
  const leaving = `iifname ${tunnel} oifname != ${tunnel} ct direction original`
  const back = `iifname != ${tunnel} oifname ${tunnel} ct direction reply`
  const to = 'ip saddr . meta l4proto . th dport'
  const from = 'ip saddr . meta l4proto . th sport'
  const answered = (set: string, key: string): string => `${back} ${key} @${set} update @outgoing_answered { ${key} }`
  const sent = (set: string, key: string): string =>
    `${leaving} ip daddr != ${braced(NOT_INTERNET)} ${key} @${set} update @outgoing_seen { ${key} } accept`
  return {
    sets: [SENT_TO, SENT_FROM].map((name) => ({ name, type: SENDER, isOfRanges: true, elements: [] })),
    maps: [{ name: SENT_AS, type: `${SENDER} : inet_service` }],
    recentSets: SEEN.map((name) => ({ name, type: SENDER, keptSeconds: SEEN_KEPT_SECONDS, size: MOST_SEEN })),
    forward: [
      sent(SENT_TO, to),
      sent(SENT_FROM, from),
      // What was taken back is cut off at once, whatever conntrack remembers.
      `${leaving} ct state { new, established } ip saddr != @full_devices drop`,
      answered(SENT_TO, 'ip daddr . meta l4proto . th sport'),
      answered(SENT_FROM, 'ip daddr . meta l4proto . th dport'),
    ],
    chains: [
      {
        name: 'outgoing',
        type: 'nat',
        hook: 'postrouting',
        priority: SRCNAT,
        rules: [
          `iifname ${tunnel} oifname != ${tunnel} meta l4proto { tcp, udp } masquerade to :${from} map @${SENT_AS}`,
          ...[`${from} @${SENT_FROM}`, `${to} @${SENT_TO}`].map(
            (sender) => `iifname ${tunnel} oifname != ${tunnel} ${sender} masquerade`,
          ),
        ],
      },
    ],
  }
}

/** What these sets hold of published ports, each name with its elements; none of those without outgoing. */
export function outgoingElements(published: readonly PublishedPort[]): ReadonlyMap<string, readonly string[]> {
  const outgoing = published.filter((one) => one.outgoing === true)
  const sender = ({ address, protocol }: PublishedPort, ports: string): string => `${address} . ${protocol} . ${ports}`
  const ports = ({ port, lastPort }: PublishedPort): string =>
    lastPort === undefined || lastPort === port ? String(port) : `${port}-${lastPort}`
  return new Map([
    [SENT_TO, outgoing.map((one) => sender(one, ports(one)))],
    // A range keeps its numbers.
    [SENT_FROM, outgoing.map((one) => sender(one, one.lastPort === undefined ? `${one.targetPort}` : ports(one)))],
    [
      SENT_AS,
      outgoing
        .filter(({ port, targetPort }) => port !== targetPort)
        .map((one) => `${sender(one, `${one.targetPort}`)} : ${one.port}`),
    ],
  ])
}
