import type { PublicKey } from '../wireguard/keys.ts'
import type { PeerSpec } from '../wireguard/spec.ts'
import type { OtherFirewallPlace, Refusal } from './observation.ts'
import type { FirewallForwarding, PublishedPort, TunnelFirewall } from './spec.ts'

/**
 * One change, as data: tests compare it, `plan` prints it, the log keeps it. Each kind of machine declares those it
 * executes.
 */
export type Step = TunnelStep | KeyStep | HostStep | RollbackStep | StagingStep

/** Steps of a tunnel and of what may pass through it: every kind of machine executes them. */
export type TunnelStep<Forwarding extends FirewallForwarding = FirewallForwarding> =
  | { readonly kind: 'create-interface'; readonly interface: string }
  | { readonly kind: 'set-listen-port'; readonly interface: string; readonly port: number }
  | { readonly kind: 'set-mtu'; readonly interface: string; readonly mtu: number }
  | { readonly kind: 'add-address'; readonly interface: string; readonly address: string }
  | { readonly kind: 'remove-address'; readonly interface: string; readonly address: string }
  /** Puts back the route to the address's own network, which came with the address. */
  | { readonly kind: 'lead-network'; readonly interface: string; readonly address: string }
  | { readonly kind: 'set-peers'; readonly interface: string; readonly peers: readonly PeerSpec[] }
  | { readonly kind: 'remove-peers'; readonly interface: string; readonly publicKeys: readonly PublicKey[] }
  | { readonly kind: 'bring-up'; readonly interface: string }
  | { readonly kind: 'add-route'; readonly interface: string; readonly prefix: string; readonly mtu: number | null }
  | { readonly kind: 'remove-route'; readonly interface: string; readonly prefix: string }
  /** Sets one firewall for all tunnels of the machine, which changes as a whole. */
  | {
      readonly kind: 'set-firewall'
      readonly tunnels: readonly TunnelFirewall<Forwarding>[]
      /** Whether forwarding was off before, kept in the table as a mark, for undo. */
      readonly forwardingWasOff: boolean
      /** Parts of it that are made again while published ports stay; null: all of it, and no published port is left. */
      readonly replaces: readonly string[] | null
      /** Files that it takes on the machine, by their paths. Default: none. */
      readonly files?: readonly string[]
    }
  | { readonly kind: 'remove-firewall'; readonly files?: readonly string[] }
  | { readonly kind: 'remove-interface'; readonly interface: string }

/** The step of a machine that is given its key; others make it themselves. */
export type KeyStep = { readonly kind: 'set-private-key'; readonly interface: string; readonly publicKey: PublicKey }

/** Steps of a Linux host that forwards for others: a hub, or a home without a router of its own kind. */
export type HostStep =
  /** Changes only the MTU; the route stays, so no packet takes another way. */
  | { readonly kind: 'set-route-mtu'; readonly interface: string; readonly prefix: string; readonly mtu: number | null }
  | { readonly kind: 'enable-forwarding' }
  | { readonly kind: 'disable-forwarding' }
  /** Sets rules of ours, marked, in another firewall; all other rules in it stay. */
  | {
      readonly kind: 'set-other-firewall'
      readonly place: OtherFirewallPlace
      readonly add: readonly string[]
      readonly remove: readonly string[]
    }
  /** Routes answers to visitors of published ports back into the tunnel; the machine's own default route stays. */
  | {
      readonly kind: 'lead-visitors'
      readonly interface: string
      readonly slot: number
      /** Other programs in the way, which the new rule steps aside of or before. */
      readonly because?: string
    }
  | { readonly kind: 'unlead-visitors'; readonly slot: number }
  /** Leaves packets with these selectors to the main table, and no others: another program's rules would take them. */
  | { readonly kind: 'lead-own-ways'; readonly selectors: readonly string[]; readonly because: string | null }
  /** Has the kernel take visitors' packets in by the tunnel: loose reverse path filtering on this interface alone. */
  | { readonly kind: 'loosen-reverse-path'; readonly interface: string }
  /** Routes these devices, and no others, to the internet through the tunnel. */
  | { readonly kind: 'lead-exits'; readonly interface: string; readonly devices: readonly string[] }
  /** Changes the published ports, apart from all else. The last step of a plan: nothing waits for it. */
  | {
      readonly kind: 'change-published'
      readonly interface: string
      readonly add: readonly PublishedPort[]
      readonly remove: readonly PublishedPort[]
    }

/** Steps of a machine that is reached over the network, and undoes by itself what would cut it off. */
export type RollbackStep =
  /**
   * First in a plan: whatever becomes of us, the machine undoes what follows to these tunnels, unless it is told in
   * time to keep it.
   */
  | { readonly kind: 'arm-rollback'; readonly interfaces: readonly string[]; readonly seconds: number }
  /** The last step of such a plan, once the tunnel is proven: the changes stay. */
  | { readonly kind: 'keep-changes' }
  /** A step in no plan: undoes now what was changed since the rollback was armed. */
  | { readonly kind: 'revert-changes' }

/** Steps of a machine whose configuration takes effect as a whole, and that may lack WireGuard at first. */
export type StagingStep =
  /** Installs WireGuard's tools from the machine's own package feeds. They stay when all else is undone. */
  | { readonly kind: 'install-wireguard' }
  /** Restarts the network service, which learns the protocol only then. All interfaces are away for about a second. */
  | { readonly kind: 'restart-network' }
  /** Commits the staged configuration, all at once, and verifies the result. */
  | { readonly kind: 'activate-changes' }

/** @template Executed the steps that the plan's adapter executes. */
export interface Plan<Executed extends Step = Step> {
  /** The steps in order; empty when what is there is what is wanted. */
  readonly steps: readonly Executed[]
  /** Reasons why the plan must not be executed; empty when it may. */
  readonly refusals: readonly Refusal[]
  /** Warnings of the observation, and of what no step can do. */
  readonly warnings: readonly string[]
}
