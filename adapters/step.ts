import type { PublicKey } from '../wireguard/keys.ts'
import type { PeerSpec } from '../wireguard/spec.ts'
import type { OtherFirewallPlace, Refusal } from './observation.ts'
import type { FirewallForwarding, PublishedPort, TunnelFirewall } from './spec.ts'

/** One change, as data: tests compare it, `plan` prints it, the log keeps it. Each kind of machine declares those it carries out. */
export type Step = TunnelStep | KeyStep | HostStep | RollbackStep | StagingStep

/** Of a tunnel and of what may pass through it: every kind of machine carries them out. */
export type TunnelStep<Forwarding extends FirewallForwarding = FirewallForwarding> =
  | { readonly kind: 'create-interface'; readonly interface: string }
  | { readonly kind: 'set-listen-port'; readonly interface: string; readonly port: number }
  | { readonly kind: 'set-mtu'; readonly interface: string; readonly mtu: number }
  | { readonly kind: 'add-address'; readonly interface: string; readonly address: string }
  | { readonly kind: 'remove-address'; readonly interface: string; readonly address: string }
  /** The route to the address's own network, which came with the address, is put back. */
  | { readonly kind: 'lead-network'; readonly interface: string; readonly address: string }
  | { readonly kind: 'set-peers'; readonly interface: string; readonly peers: readonly PeerSpec[] }
  | { readonly kind: 'remove-peers'; readonly interface: string; readonly publicKeys: readonly PublicKey[] }
  | { readonly kind: 'bring-up'; readonly interface: string }
  | { readonly kind: 'add-route'; readonly interface: string; readonly prefix: string; readonly mtu: number | null }
  | { readonly kind: 'remove-route'; readonly interface: string; readonly prefix: string }
  /** One for all tunnels of the machine: it changes as a whole. */
  | {
      readonly kind: 'set-firewall'
      readonly tunnels: readonly TunnelFirewall<Forwarding>[]
      /** Kept in the table as a mark, for undo. */
      readonly forwardingWasOff: boolean
      /** Only these parts of it are made again, and published ports stay as they are; null: all of it, and none is left. */
      readonly replaces: readonly string[] | null
    }
  | { readonly kind: 'remove-firewall' }
  | { readonly kind: 'remove-interface'; readonly interface: string }

/** Of a machine that is given its key; others make it themselves. */
export type KeyStep = { readonly kind: 'set-private-key'; readonly interface: string; readonly publicKey: PublicKey }

/** Of a Linux host that forwards for others: a hub, or a home without a router of its own kind. */
export type HostStep =
  /** The route stays: nothing takes another way meanwhile. */
  | { readonly kind: 'set-route-mtu'; readonly interface: string; readonly prefix: string; readonly mtu: number | null }
  | { readonly kind: 'enable-forwarding' }
  | { readonly kind: 'disable-forwarding' }
  /** Rules of ours in a firewall that is not, marked; whatever else is in it stays. */
  | {
      readonly kind: 'set-other-firewall'
      readonly place: OtherFirewallPlace
      readonly add: readonly string[]
      readonly remove: readonly string[]
    }
  /** What answers a visitor of a published port goes back into the tunnel; the machine's own default route stays. */
  | { readonly kind: 'lead-visitors'; readonly interface: string; readonly slot: number }
  | { readonly kind: 'unlead-visitors'; readonly slot: number }
  /** These devices, and no others, have their way to the internet through the tunnel. */
  | { readonly kind: 'lead-exits'; readonly interface: string; readonly devices: readonly string[] }
  /** Published ports follow, whatever else there is. The last step of a plan: nothing waits for it. */
  | {
      readonly kind: 'change-published'
      readonly interface: string
      readonly add: readonly PublishedPort[]
      readonly remove: readonly PublishedPort[]
    }

/** Of a machine that is reached over the network, and undoes by itself what would cut it off. */
export type RollbackStep =
  /** The first step of a plan: the machine undoes what follows to these tunnels, whatever becomes of us, unless it is told in time to keep it. */
  | { readonly kind: 'arm-rollback'; readonly interfaces: readonly string[]; readonly seconds: number }
  /** The last step of such a plan, once the tunnel is proven: what was changed stays. */
  | { readonly kind: 'keep-changes' }
  /** In no plan: what was changed since the rollback was armed is undone now. */
  | { readonly kind: 'revert-changes' }

/** Of a machine whose configuration takes effect as a whole, and that may lack WireGuard at first. */
export type StagingStep =
  /** WireGuard's tools, from the machine's own package feeds. They stay when all else is undone. */
  | { readonly kind: 'install-wireguard' }
  /** Its network service learns the protocol at its start alone. All its interfaces go away for about a second. */
  | { readonly kind: 'restart-network' }
  /** The machine was only told what shall be; now it makes it so, all at once, and it is seen that it did. */
  | { readonly kind: 'activate-changes' }

/** @template Executed the steps that its adapter carries out. */
export interface Plan<Executed extends Step = Step> {
  /** Empty when what is there is what is wanted. */
  readonly steps: readonly Executed[]
  /** Not empty: the plan must not be executed, and why. */
  readonly refusals: readonly Refusal[]
  /** Those of the observation, and what no step can do. */
  readonly warnings: readonly string[]
}
