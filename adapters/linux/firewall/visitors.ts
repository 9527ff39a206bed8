import { hex } from '../../marks.ts'
import { slotMark } from '../routing/slots.ts'
import type { NftChain } from './nft-table.ts'

/**
 * How answers to visitors of published ports find back into the tunnel, while the machine's own default route stays as
 * it is: a connection that came out of the tunnel with an address from elsewhere gets a mark, packets that answer on it
 * get the same, and a rule routes packets with that mark by a routing table whose only route is the tunnel (ip-rule(8),
 * fwmark).
 */

/** Before everybody's in this hook, and before connections are known. */
const FIRST = -350
/**
 * After everybody's in this hook. Routing comes next, and whoever writes a whole mark (`MARK --set-mark 1`, `CONNMARK
 * --restore-mark`) has done so: among chains of one priority, such as iptables' mangle, the older one comes last.
 */
const LAST = 350

/** The connection mark as a condition of nft. */
export function visitorCondition(slot: number): string {
  return conditionOf('ct', slot)
}

/** The connection mark as iptables-save prints a match for it. */
export function visitorMatch(slot: number): string {
  const { mark, mask } = slotMark(slot)
  return `-m connmark --mark 0x${mark.toString(16)}/0x${mask.toString(16)}`
}

/** A statement that gives the slot's mark to a connection or a packet; others' bits of it stay. */
export function setVisitorMark(key: 'ct' | 'meta', slot: number): string {
  const { mark, mask } = slotMark(slot)
  return `${key} mark set ${key} mark and ${hex(~mask >>> 0)} or ${hex(mark)}`
}

function conditionOf(key: 'ct' | 'meta', slot: number): string {
  const { mark, mask } = slotMark(slot)
  return `${key} mark and ${hex(mask)} == ${hex(mark)}`
}

/** @param tunnel the interface's name, in quotes. @param network the tunnel's own, whose addresses have a route there. */
export function visitorChains(tunnel: string, network: string, slot: number): readonly NftChain[] {
  const rest = hex(~slotMark(slot).mask >>> 0)
  const set = (key: 'ct' | 'meta'): string => setVisitorMark(key, slot)
  const answers = `ct direction reply ${visitorCondition(slot)} ${set('meta')}`
  const isVisitor = `iifname ${tunnel} ip saddr != ${network}`
  return [
    {
      name: 'visitors_early',
      type: 'filter',
      hook: 'prerouting',
      priority: FIRST,
      // Filters of forged sources look for the route back, by the packet's mark where they are made well (nft(8), "FIB
      // EXPRESSIONS"): for this mark it is the tunnel.
      rules: [`${isVisitor} ${set('meta')}`],
    },
    {
      name: 'visitors',
      type: 'filter',
      hook: 'prerouting',
      priority: LAST,
      rules: [
        `${isVisitor} ct state new ${set('ct')}`,
        // What comes in goes on by its own way. wg-quick and others copy the connection's mark to every packet of it.
        `iifname ${tunnel} ${conditionOf('meta', slot)} meta mark set meta mark and ${rest}`,
        // Answers of a host behind this machine, or of a container on it.
        `iifname != ${tunnel} ${answers}`,
      ],
    },
    {
      name: 'visitors_on',
      type: 'filter',
      hook: 'postrouting',
      priority: LAST,
      // Whoever copies the packet's mark to the connection (`CONNMARK --save-mark`) has copied none of ours.
      rules: [`${isVisitor} ct direction original ${set('ct')}`],
    },
    // Answers of this machine itself. Only a chain of this type has a packet routed again (nft(8), "CHAINS").
    { name: 'answers', type: 'route', hook: 'output', priority: LAST, rules: [answers] },
  ]
}
