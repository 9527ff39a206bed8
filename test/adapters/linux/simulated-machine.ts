import type { Observation, ObservedInterface } from '../../../adapters/observation.ts'
import { tunnelIn } from '../../../adapters/tunnel-in.ts'
import type { PublishedPort } from '../../../adapters/spec.ts'
import type { LinuxStep } from '../../../adapters/linux/steps.ts'
import { firewallTable } from '../../../adapters/linux/firewall/firewall.ts'
import { NO_OTHERS } from '../../../adapters/linux/others/other-firewall.ts'
import { fingerprintsOf } from '../../../adapters/linux/firewall/nft-table.ts'
import type { PeerState } from '../../../wireguard/dump.ts'
import type { PeerSpec } from '../../../wireguard/spec.ts'

/**
 * A Linux machine as far as the planner is concerned. It refuses what a kernel would refuse, and what would let packets
 * pass that nothing judges yet, so that a plan in the wrong order fails here.
 */
export function carryOut(step: LinuxStep, machine: Observation): Observation {
  switch (step.kind) {
    case 'create-interface': {
      refuseIf(tunnelIn(machine, step.interface) !== null, 'File exists')
      refuseIf(machine.remains.includes(step.interface), 'File exists')
      return { ...machine, interfaces: [...machine.interfaces, freshInterface(step.interface)] }
    }
    case 'remove-interface': {
      const isThere = tunnelIn(machine, step.interface) !== null || machine.remains.includes(step.interface)
      refuseIf(!isThere, 'Cannot find device')
      const interfaces = machine.interfaces.filter(({ name }) => name !== step.interface)
      const remains = machine.remains.filter((name) => name !== step.interface)
      return withoutWays({ ...machine, interfaces, remains }, step.interface)
    }
    case 'enable-forwarding':
      refuseIf(machine.firewall === null, 'everything would be forwarded, judged by nothing')
      refuseIf(!machine.forwardingIsOurs, 'a crash now would leave forwarding on for ever')
      return { ...machine, forwarding: true }
    case 'disable-forwarding':
      refuseIf(machine.interfaces.length > 0, 'a tunnel still stands')
      return { ...machine, forwarding: false }
    case 'set-firewall': {
      const firewall = fingerprintsOf(firewallTable(step.tunnels))
      refuseIf(machine.forwardingIsOurs && !step.forwardingWasOff, 'the mark would be lost')
      const published = step.replaces === null ? [] : machine.published
      return {
        ...machine,
        firewall,
        published,
        forwardingIsOurs: step.forwardingWasOff,
        replaceable: ['chain forward'],
      }
    }
    case 'remove-firewall': {
      refuseIf(machine.firewall === null, 'No such file or directory')
      refuseIf(machine.interfaces.length > 0, 'the tunnels would reach everything')
      return { ...machine, firewall: null, published: [], replaceable: [], forwardingIsOurs: false }
    }
    case 'set-other-firewall': {
      const { place, add, remove } = step
      const { strict, ours: before } = machine.otherFirewalls[place] ?? NO_OTHERS.nftables
      const ours = [...before]
      for (const rule of remove) {
        const at = ours.findIndex((own) => (place === 'nftables' ? handleOf(own) : own) === rule)
        refuseIf(at < 0, 'Bad rule (does a matching rule exist in that chain?)')
        ours.splice(at, 1)
      }
      const added = place === 'nftables' ? add.map((rule, index) => listed(rule, 100 + index)) : add
      return {
        ...machine,
        otherFirewalls: { ...machine.otherFirewalls, [place]: { strict, ours: [...added, ...ours] } },
      }
    }
    case 'loosen-reverse-path': {
      refuseIf(tunnelIn(machine, step.interface) === null, 'No such file or directory')
      return { ...machine, strictReversePath: machine.strictReversePath.filter((name) => name !== step.interface) }
    }
    case 'lead-own-ways':
      return { ...machine, ownWays: step.selectors }
    case 'lead-exits':
      return {
        ...machine,
        exits: { interface: step.devices.length === 0 ? null : step.interface, devices: step.devices },
      }
    case 'lead-visitors': {
      refuseIf(tunnelIn(machine, step.interface)?.up !== true, 'Device for nexthop is not up')
      const others = machine.visitors.filter(({ slot }) => slot !== step.slot)
      return { ...machine, visitors: [...others, { slot: step.slot, interface: step.interface, isWhole: true }] }
    }
    case 'unlead-visitors':
      refuseIf(!machine.visitors.some(({ slot }) => slot === step.slot), 'No such file or directory')
      return { ...machine, visitors: machine.visitors.filter(({ slot }) => slot !== step.slot) }
    case 'change-published': {
      refuseIf(machine.firewall === null, 'No such file or directory')
      const there = machine.published ?? []
      const isSame = (a: PublishedPort) => (b: PublishedPort) => JSON.stringify(a) === JSON.stringify(b)
      const left = there.filter((one) => !step.remove.some(isSame(one)))
      refuseIf(left.length + step.remove.length !== there.length, 'No such file or directory')
      return { ...machine, published: [...step.add, ...left] }
    }
    default: {
      const own = tunnelIn(machine, step.interface)
      if (own === null) throw new Error('Cannot find device')
      const changed = carryOutOn(own, step, machine)
      return { ...machine, interfaces: machine.interfaces.map((one) => (one === own ? changed : one)) }
    }
  }
}

/** The routes into an interface go along with it; the rules stay. */
function withoutWays(machine: Observation, name: string): Observation {
  const { visitors, exits } = machine
  return {
    ...machine,
    visitors: visitors.map((way) => (way.interface === name ? { ...way, interface: null, isWhole: false } : way)),
    exits: exits?.interface === name ? null : exits,
  }
}

function handleOf(own: string): string {
  const [family, table, chain, , handle] = own.split(' ')
  return `${family} ${table} ${chain} handle ${handle}`
}

/** A rule that was added, as it is listed. */
function listed(rule: string, handle: number): string {
  const [, chain, digest] = /^(\S+ \S+ \S+) .* comment "homeward ([0-9a-f]{12})"$/.exec(rule) ?? []
  return `${chain} ${digest} ${handle}`
}

type InterfaceStep = Extract<
  LinuxStep,
  {
    kind:
      | 'set-private-key'
      | 'set-listen-port'
      | 'set-mtu'
      | 'add-address'
      | 'remove-address'
      | 'lead-network'
      | 'set-peers'
      | 'remove-peers'
      | 'bring-up'
      | 'add-route'
      | 'set-route-mtu'
      | 'remove-route'
  }
>

function carryOutOn(own: ObservedInterface, step: InterfaceStep, machine: Observation): ObservedInterface {
  switch (step.kind) {
    case 'set-private-key':
      return { ...own, publicKey: step.publicKey }
    case 'set-listen-port':
      return { ...own, listenPort: step.port }
    case 'set-mtu':
      return { ...own, mtu: step.mtu }
    case 'add-address':
      refuseIf(own.addresses.includes(step.address), 'File exists')
      return { ...own, addresses: [...own.addresses, step.address] }
    case 'remove-address':
      refuseIf(!own.addresses.includes(step.address), 'Cannot assign requested address')
      refuseIf(own.addresses.length === 1, 'the last address takes all routes with it')
      return {
        ...own,
        addresses: own.addresses.filter((address) => address !== step.address),
        cutOff: own.cutOff.filter((address) => address !== step.address),
      }
    case 'lead-network':
      refuseIf(!own.cutOff.includes(step.address), 'File exists')
      return { ...own, cutOff: own.cutOff.filter((address) => address !== step.address) }
    case 'set-peers':
      refuseIf(own.publicKey === null, 'a peer without a key of our own')
      return { ...own, peers: step.peers.reduce(withPeer, own.peers) }
    case 'remove-peers':
      for (const key of step.publicKeys) refuseIf(!own.peers.some((peer) => peer.publicKey === key), 'no such peer')
      return { ...own, peers: own.peers.filter((peer) => !step.publicKeys.includes(peer.publicKey)) }
    case 'bring-up':
      refuseIf(machine.firewall === null, 'the tunnel would reach everything')
      return { ...own, up: true, listenPort: own.listenPort === 0 ? 40_001 : own.listenPort }
    case 'add-route':
      refuseIf(!own.up, 'Device for nexthop is not up')
      refuseIf(leads(own, step.prefix), 'File exists')
      return { ...own, routes: [...own.routes, { prefix: step.prefix, mtu: step.mtu }] }
    case 'set-route-mtu':
      refuseIf(!leads(own, step.prefix), 'No such file or directory')
      return {
        ...own,
        routes: own.routes.map((route) => (route.prefix === step.prefix ? { ...route, mtu: step.mtu } : route)),
      }
    case 'remove-route':
      refuseIf(!leads(own, step.prefix), 'No such process')
      return { ...own, routes: own.routes.filter(({ prefix }) => prefix !== step.prefix) }
    default:
      return step satisfies never
  }
}

function leads({ routes }: ObservedInterface, prefix: string): boolean {
  return routes.some((route) => route.prefix === prefix)
}

/** `wg addconf`: what a peer is given it takes from whoever had it. */
function withPeer(peers: readonly PeerState[], wanted: PeerSpec): readonly PeerState[] {
  const old = peers.find((peer) => peer.publicKey === wanted.publicKey)
  const others = peers
    .filter((peer) => peer !== old)
    .map((peer) => ({ ...peer, allowedIps: peer.allowedIps.filter((prefix) => !wanted.allowedIps.includes(prefix)) }))
  return [
    ...others,
    {
      publicKey: wanted.publicKey,
      presharedKeyId: wanted.presharedKeyId,
      endpoint: wanted.endpoint ?? old?.endpoint ?? null,
      // In whatever order: wg prints them as its tree holds them.
      allowedIps: [...wanted.allowedIps].reverse(),
      lastHandshakeAt: old?.lastHandshakeAt ?? null,
      rxBytes: old?.rxBytes ?? 0,
      txBytes: old?.txBytes ?? 0,
      keepaliveSeconds: wanted.keepaliveSeconds,
    },
  ]
}

function freshInterface(name: string): ObservedInterface {
  const empty = { publicKey: null, listenPort: 0, fwmark: 0, peers: [], addresses: [], cutOff: [], routes: [] }
  return { ...empty, name, up: false, mtu: 1420 }
}

function refuseIf(condition: boolean, why: string): void {
  if (condition) throw new Error(why)
}
