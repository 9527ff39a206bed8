import type { HomeForwarding } from '../../spec.ts'
import { BEFORE_CONNTRACK, forgedRules } from '../../planning/forged-rules.ts'
import { NOT_INTERNET } from '../../../net/internet.ts'
import { hex } from '../../marks.ts'
import { slotOf } from './marks.ts'

/** A base chain with policy accept, in fw4's own table. */
export interface Chain {
  readonly type: 'filter' | 'nat'
  readonly hook: 'prerouting' | 'postrouting'
  readonly priority: number
  readonly rules: readonly string[]
}

export interface ChainsSpec {
  readonly interface: string
  /** This end's own address in the tunnel. */
  readonly address: string
  /** The tunnel's own network, canonical CIDR. */
  readonly network: string
  readonly forwarding: HomeForwarding
  readonly visitorSlot: number
}

const DSTNAT = -100
/** Before fw4's translation of sources: the first one counts. */
const BEFORE_SRCNAT = 99
/** After everybody's marks, and before the packet is routed. */
const LAST = 350

/**
 * What fw4 has no options for, as chains: fw4 accepts packets of known flows before it asks the rules of any zone, knows
 * no marks of connections, and maps no networks. Pure.
 */
export function tunnelChains({
  interface: name,
  address,
  network,
  forwarding: { seenAs, visitors, exit },
  visitorSlot,
}: ChainsSpec): readonly Chain[] {
  const tunnel = JSON.stringify(name)
  return [
    forged(tunnel, address, network),
    ...(seenAs.length === 0
      ? []
      : [
          {
            type: 'nat',
            hook: 'prerouting',
            priority: DSTNAT,
            // One to one, host by host (nft(8), "NAT STATEMENTS": prefix). Answers are translated back by nft.
            rules: seenAs.map(({ prefix, seen }) => `iifname ${tunnel} ip daddr ${seen} dnat ip prefix to ${prefix}`),
          } as const,
        ]),
    ...(exit
      ? [
          {
            type: 'nat',
            hook: 'postrouting',
            priority: BEFORE_SRCNAT,
            rules: [
              `iifname ${tunnel} oifname != ${tunnel} ip saddr ${network} ip daddr != { ${NOT_INTERNET.join(', ')} } masquerade`,
            ],
          } as const,
        ]
      : []),
    ...(visitors ? answers(tunnel, network, visitorSlot) : []),
  ]
}

/** In force whatever fw4 lets pass of flows that it knows. */
function forged(tunnel: string, address: string, network: string): Chain {
  return {
    type: 'filter',
    hook: 'prerouting',
    priority: BEFORE_CONNTRACK,
    rules: forgedRules(tunnel, address, network),
  }
}

/**
 * A connection that came out of the tunnel with an address from elsewhere gets a mark, and packets that answer on it get
 * the same, by which they are routed back into the tunnel (answers.ts). Others' bits of the marks stay.
 */
function answers(tunnel: string, network: string, slot: number): readonly Chain[] {
  const { mark, mask } = slotOf(slot)
  const rest = hex(~mask >>> 0)
  const set = (key: 'ct' | 'meta'): string => `${key} mark set ${key} mark and ${rest} or ${hex(mark)}`
  const has = (key: 'ct' | 'meta'): string => `${key} mark and ${hex(mask)} == ${hex(mark)}`
  const isVisitor = `iifname ${tunnel} ip saddr != ${network}`
  return [
    {
      type: 'filter',
      hook: 'prerouting',
      priority: LAST,
      rules: [
        `${isVisitor} ct state new ${set('ct')}`,
        // What comes in goes on by its own way, also where somebody copies the connection's mark to every packet of it.
        `iifname ${tunnel} ${has('meta')} meta mark set meta mark and ${rest}`,
        `iifname != ${tunnel} ct direction reply ${has('ct')} ${set('meta')}`,
      ],
    },
    {
      type: 'filter',
      hook: 'postrouting',
      priority: LAST,
      // Whoever copies the packet's mark to the connection (`CONNMARK --save-mark`) has copied none of ours.
      rules: [`${isVisitor} ct direction original ${set('ct')}`],
    },
  ]
}
