import type { ForwardingSpec, Observation, OtherFirewall, Step } from '../adapter.ts'
import { VISITOR_MATCH } from './visitors.ts'

/**
 * A firewall of this machine's own besides ours, in the chains of iptables: Docker sets FORWARD to DROP, Oracle's images end
 * INPUT and FORWARD in a REJECT, ufw does both. Every base chain must let a packet pass (nft(8), "CHAINS"), so ours accepting
 * it is not enough: what the tunnel needs is put before their rules, in their own way and with our mark. Nothing of theirs
 * is changed. What passes between the tunnel and the rest is still judged, by our table. Pure.
 */

type Family = 'ipv4' | 'ipv6'

/** A machine without any. */
export const NO_OTHERS: NonNullable<Observation['otherFirewalls']> = {
  ipv4: { strict: [], ours: [] },
  ipv6: { strict: [], ours: [] },
}

/** The mark of our rules, as iptables-save prints it. */
const COMMENT = '-m comment --comment homeward'

const CHAINS = ['INPUT', 'FORWARD'] as const
/** @param saved what `iptables-save -t filter` said of one family; null: there is none here. */
export function parseOtherFirewall(saved: string | null): OtherFirewall {
  const lines = (saved ?? '').split('\n')
  const rules = lines.flatMap((line) => (line.startsWith('-A ') ? [line.slice(3)] : []))
  const strict = CHAINS.filter(
    (chain) =>
      lines.some((line) => line.startsWith(`:${chain} `) && !line.startsWith(`:${chain} ACCEPT`)) ||
      rules.some((rule) => rule.startsWith(`${chain} `) && !isOurs(rule)),
  )
  return { strict, ours: rules.filter(isOurs) }
}

function isOurs(rule: string): boolean {
  return rule.includes(` ${COMMENT} `)
}

export interface OtherFirewallSpec {
  readonly interface: string
  /** UDP of WireGuard, and TCP of the registrar. */
  readonly listenPort: number | null
  readonly forwarding: ForwardingSpec
}

/** The changes that bring both families to what is wanted; null wants nothing of ours. */
export function otherFirewallSteps(
  observed: Readonly<Record<Family, OtherFirewall>>,
  spec: OtherFirewallSpec | null,
): readonly Extract<Step, { kind: 'set-other-firewall' }>[] {
  return (['ipv4', 'ipv6'] as const).flatMap((family) => {
    const { strict, ours } = observed[family]
    const wanted =
      spec === null ? [] : needs(spec, family).filter((rule) => strict.some((chain) => rule.startsWith(`${chain} `)))
    const add = wanted.filter((rule) => !ours.includes(rule))
    // One that is there twice goes once.
    const remove = ours.filter((rule, index) => !wanted.includes(rule) || ours.indexOf(rule) !== index)
    return add.length + remove.length === 0 ? [] : [{ kind: 'set-other-firewall', family, add, remove } as const]
  })
}

/** In the words in which iptables-save prints them, so that they can be compared. */
function needs({ interface: name, listenPort, forwarding }: OtherFirewallSpec, family: Family): readonly string[] {
  const pass = [`FORWARD -i ${name} ${COMMENT} -j ACCEPT`, `FORWARD -o ${name} ${COMMENT} -j ACCEPT`]
  const input = (match: string): string => `INPUT ${match} ${COMMENT} -j ACCEPT`
  // Inside, the tunnel is IPv4.
  const inside = family === 'ipv4'
  switch (forwarding.role) {
    case 'home':
      return inside ? [...pass, ...(forwarding.visitors === true ? [input(`-i ${name} ${VISITOR_MATCH}`)] : [])] : []
    case 'hub':
      return [
        ...(inside ? [...pass, ...insideOf(name, forwarding.heartbeatPort).map(input)] : []),
        ...(listenPort === null
          ? []
          : [
              input(`-p udp -m udp --dport ${listenPort}`),
              input(`-p tcp -m tcp --dport ${listenPort}`),
              input(`-p udp -m udp --dport ${forwarding.echo.port}`),
            ]),
      ]
    default:
      return forwarding satisfies never
  }
}

function insideOf(name: string, heartbeatPort: number | undefined): readonly string[] {
  return [
    `-i ${name} -p icmp`,
    ...(heartbeatPort === undefined ? [] : [`-i ${name} -p udp -m udp --dport ${heartbeatPort}`]),
  ]
}

/** For `iptables-restore --noflush`: one transaction. */
export function otherFirewallText({ add, remove }: Extract<Step, { kind: 'set-other-firewall' }>): string {
  return ['*filter', ...remove.map((rule) => `-D ${rule}`), ...add.map((rule) => `-I ${rule}`), 'COMMIT', ''].join('\n')
}
