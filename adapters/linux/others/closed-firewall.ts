import * as v from 'valibot'
import type { ClosedFirewall } from '../../observation.ts'
import type { TunnelFirewall } from '../../spec.ts'
import { firewalldCommands, isFirewalld } from './firewalld.ts'
import { covers, nativeRule } from './native-firewall.ts'
import { passes } from './passes.ts'
import { needsOfTunnel, type TunnelNeed } from './tunnel-needs.ts'

/** A chain, among a table's chains and rules. */
const Named = v.object({ name: v.string() })

/**
 * What a person can do where another firewall could not be read or takes no rules of ours: a sentence each, with lines
 * to paste below where there are any. None for a firewall whose own rules let pass all that the tunnel needs. Pure.
 * @param tunnels none: nothing of ours stays.
 */
export function closedWarnings(
  closed: readonly ClosedFirewall[],
  tunnels: readonly TunnelFirewall[],
): readonly string[] {
  if (tunnels.length === 0)
    return closed
      .filter(({ holdsOurs }) => holdsOurs)
      .map(({ name, why }) => `rules of homeward stay in the table ${name}, which takes no changes (${why})`)
  return closed.flatMap((one) => {
    if (one.content === null) return [unreadWarning(one)]
    const { content } = one
    return tunnels.flatMap((tunnel) => {
      const missing = missingIn(one, content, tunnel)
      if (missing.length === 0) return []
      return [isFirewalld(one.name) ? firewalldWarning(one, content, tunnel, missing) : tableWarning(one, missing)]
    })
  })
}

function unreadWarning({ name, why }: ClosedFirewall): string {
  return `${name} could not be looked at (${why}): where it holds a firewall, that may stop the tunnel’s packets`
}

function firewalldWarning(
  { why }: ClosedFirewall,
  content: readonly unknown[],
  tunnel: TunnelFirewall,
  missing: readonly Missing[],
): string {
  const chains = new Set(content.flatMap((one) => (v.is(Named, one) ? [one.name] : [])))
  const commands = firewalldCommands(
    tunnel,
    missing.map(({ need }) => need),
    chains,
  )
  return [
    `firewalld takes no rules of homeward (${why}), and its own do not let pass what the tunnel needs. These lines do, as root, and for good; they give ${tunnel.interface} a zone of its own, so add there what else on this machine should be reachable through the tunnel:`,
    ...commands,
  ].join('\n')
}

function tableWarning({ name, why }: ClosedFirewall, missing: readonly Missing[]): string {
  return [
    `the nftables table ${name} takes no rules of homeward (${why}), and it is not certain that its own let pass what the tunnel needs. Its owner can add these:`,
    ...missing.map(({ chain, need }) => `insert rule ${name} ${chain} ${nativeRule(need)}`),
  ].join('\n')
}

/** A need that does not pass, and the chain that stops it. */
interface Missing {
  readonly chain: string
  readonly need: TunnelNeed
}

function missingIn(
  { name, strict }: ClosedFirewall,
  content: readonly unknown[],
  tunnel: TunnelFirewall,
): readonly Missing[] {
  const of = { tunnel: tunnel.interface, network: tunnel.network }
  const [family = ''] = name.split(' ')
  return strict.flatMap((place) => {
    const [, , chain = '', hook] = place.split(' ')
    const isMissing = (need: TunnelNeed): boolean =>
      need.hook === hook &&
      need.families.some(
        (one) =>
          covers(family, one) &&
          !waysOf(need, tunnel).every((way) => passes(content, chain, { ...of, need: way, family: one })),
      )
    return needsOfTunnel(tunnel)
      .filter(isMissing)
      .map((need) => ({ chain, need }))
  })
}

/** The ways of a packet of this need. At a hub also from the tunnel into the tunnel: from a device to a home. */
function waysOf(need: TunnelNeed, { interface: tunnel, forwarding }: TunnelFirewall): readonly TunnelNeed[] {
  const isWithin = forwarding.role === 'hub' && need.hook === 'forward'
  return isWithin ? [need, { ...need, from: tunnel, to: tunnel }] : [need]
}
