import type { ClosedFirewall, ForeignMark, OtherFirewall, OtherFirewallPlace } from '../../observation.ts'
import { TABLE } from '../firewall/mark.ts'
import { marksInRuleset, marksInSaved } from '../routing/foreign-marks.ts'
import { contentOf, parseNative, tableOf } from './native-firewall.ts'
import { probeNative } from './native-probe.ts'
import { familyOf, NO_OTHERS, parseIptables } from './other-firewall.ts'
import { type IptablesReply, readIptables, tellsOfNftTable } from './read-iptables.ts'
import type { Ruleset } from './read-ruleset.ts'

/** The firewalls of this machine other than ours. */
export interface Others {
  readonly otherFirewalls: Readonly<Partial<Record<OtherFirewallPlace, OtherFirewall>>>
  readonly closedFirewalls: readonly ClosedFirewall[]
  /** Marks in their rules. */
  readonly foreignMarks: readonly ForeignMark[]
}

/** Reads all other firewalls. One that cannot be read is reported, and hinders nothing: it is not ours. */
export async function readOthers(ruleset: Ruleset, signal: AbortSignal): Promise<Others> {
  const hasFilter = (table: string): boolean =>
    'listed' in ruleset ? contentOf(ruleset.listed, table).length > 0 : true
  const families = await Promise.all([
    readIptables('iptables', hasFilter('ip filter'), signal),
    readIptables('ip6tables', hasFilter('ip6 filter'), signal),
  ])
  const replies = families.flat()
  const native = 'listed' in ruleset ? nativeOf(ruleset.listed, replies) : NO_OTHERS.nftables
  const all = joined([native, ...replies.flatMap(asNative)])
  const refused = await probeNative(all, signal)
  const isOpen = (place: string): boolean => !refused.has(tableOf(place))
  return {
    otherFirewalls: {
      ...NO_OTHERS,
      ...Object.fromEntries(
        replies.flatMap((reply) =>
          'saved' in reply && asNative(reply).every(({ strict, ours }) => [...strict, ...ours].every(isOpen))
            ? [[reply.program, parseIptables(reply.saved)] as const]
            : [],
        ),
      ),
      nftables: { strict: native.strict.filter(isOpen), ours: native.ours.filter(isOpen) },
    },
    closedFirewalls: [
      ...('refused' in ruleset ? [unread('nftables', ruleset.refused)] : []),
      ...replies.flatMap((reply) => ('refused' in reply ? [unread(reply.program, reply.refused)] : [])),
      ...[...refused].map(([name, why]) => {
        const isIn = (place: string): boolean => tableOf(place) === name
        const content = 'listed' in ruleset ? contentOf(ruleset.listed, name) : null
        return { name, why, content, strict: all.strict.filter(isIn), holdsOurs: all.ours.some(isIn) }
      }),
    ],
    foreignMarks: [
      ...('listed' in ruleset ? marksInRuleset(ruleset.listed, TABLE) : []),
      ...replies.flatMap((reply) => ('saved' in reply ? marksInSaved(reply.program, reply.saved) : [])),
    ],
  }
}

function unread(name: string, why: string): ClosedFirewall {
  return { name, why, content: null, strict: [], holdsOurs: false }
}

/** Tables that no program of iptables reports are read and changed as nft sees them. */
function nativeOf(listed: string, replies: readonly IptablesReply[]): OtherFirewall {
  return parseNative(listed, new Set(replies.filter(tellsOfNftTable).map(({ program }) => familyOf(program))))
}

/** The chains of iptables in nf_tables, as nft names them: the same table, which also refuses. */
function asNative(reply: IptablesReply): readonly OtherFirewall[] {
  if (!('saved' in reply) || !tellsOfNftTable(reply)) return []
  const { strict, ours } = parseIptables(reply.saved)
  const table = familyOf(reply.program) === 'ipv4' ? 'ip filter' : 'ip6 filter'
  return [
    {
      strict: strict.map((chain) => `${table} ${chain} ${chain.toLowerCase()}`),
      ours: ours.map((rule) => `${table} ${rule.split(' ')[0]}`),
    },
  ]
}

function joined(all: readonly OtherFirewall[]): OtherFirewall {
  return { strict: all.flatMap(({ strict }) => strict), ours: all.flatMap(({ ours }) => ours) }
}
