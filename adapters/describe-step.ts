import { formatEndpoint, type PeerSpec } from '../wireguard/spec.ts'
import type { FirewallForwarding, MappedNetwork, OutgoingForwarding } from './spec.ts'
import type { Step } from './step.ts'

/** Describes for people, on one line, what a step does. */
export function describeStep(step: Step): string {
  switch (step.kind) {
    case 'create-interface':
      return `create the WireGuard interface ${step.interface}`
    case 'set-private-key':
      return `set ${step.interface}’s private key (public key ${step.publicKey})`
    case 'set-listen-port':
      return `let ${step.interface} listen on UDP port ${step.port}`
    case 'set-mtu':
      return `set the MTU of ${step.interface} to ${step.mtu} bytes`
    case 'add-address':
      return `add the address ${step.address} to ${step.interface}`
    case 'remove-address':
      return `remove the address ${step.address} from ${step.interface}`
    case 'lead-network':
      return `restore the route to the network of ${step.address} through ${step.interface}`
    case 'set-peers':
      return `set ${step.peers.length === 1 ? 'the peer' : `${step.peers.length} peers`} ${some(step.peers.map(describePeer))} on ${step.interface}`
    case 'remove-peers':
      return `remove ${some(step.publicKeys.map((key) => `peer ${key}`))} from ${step.interface}`
    case 'bring-up':
      return `bring ${step.interface} up`
    case 'add-route':
      return `route ${step.prefix} through ${step.interface}${step.mtu === null ? '' : ` with an MTU of ${step.mtu} bytes`}`
    case 'set-route-mtu':
      return `route ${step.prefix} through ${step.interface} with ${step.mtu === null ? 'its own MTU' : `an MTU of ${step.mtu} bytes`}`
    case 'remove-route':
      return `remove the route to ${step.prefix} through ${step.interface}`
    case 'enable-forwarding':
      return 'turn IPv4 forwarding on'
    case 'disable-forwarding':
      return 'turn IPv4 forwarding off, as it was before homeward'
    case 'set-firewall':
      return `set the firewall table of homeward: ${step.tunnels.map(({ forwarding }) => describeForwarding(forwarding)).join('; ')}${filesText('with', step.files)}`
    case 'remove-firewall':
      return `remove the firewall table of homeward${filesText('and', step.files)}`
    case 'set-other-firewall':
      return `${step.add.length > 0 ? 'let the tunnel’s packets through' : 'remove homeward’s rules from'} the machine’s other firewall (${step.place}): ${[...step.add.map((rule) => `+ ${rule}`), ...step.remove.map((rule) => `- ${rule}`)].join(', ')}`
    case 'lead-visitors':
      return `route answers to visitors of published ports through ${step.interface}${step.because === undefined ? '' : ` (${step.because})`}`
    case 'unlead-visitors':
      return 'stop routing answers to visitors through the tunnel'
    case 'lead-own-ways':
      return step.because === null
        ? 'stop routing the tunnel’s packets past other programs’ rules: none takes them any more'
        : `route the tunnel’s packets by the main table (${some(step.selectors)}), before ${step.because}, which is another program’s and takes all that this machine sends`
    case 'loosen-reverse-path':
      return `let visitors’ packets in by ${step.interface}: loose reverse path filtering there (rp_filter 2)`
    case 'lead-exits':
      return step.devices.length === 0
        ? 'stop routing devices to the internet through a home'
        : `route ${some(step.devices)} to the internet through a home`
    case 'change-published':
      return `change the published ports: ${step.add.length} to add, ${step.remove.length} to remove`
    case 'remove-interface':
      return `remove the interface ${step.interface}`
    case 'install-wireguard':
      return 'install wireguard-tools on the router, from its own package feeds'
    case 'restart-network':
      return 'restart the router’s network service, so that it learns the protocol: all its interfaces go away for about a second'
    case 'activate-changes':
      return 'commit the router’s configuration, all at once, and check that it runs'
    case 'arm-rollback':
      return `have the router undo all of this by itself after ${step.seconds} s, unless the changes are confirmed`
    case 'keep-changes':
      return 'confirm the changes on the router, once the tunnel works'
    case 'revert-changes':
      return 'undo what was changed'
    default:
      return step satisfies never
  }
}

/** Steps that may be refused, and hinder nothing else then. */
export type RefusableStep = Extract<Step, { kind: 'set-other-firewall' | 'loosen-reverse-path' }>

/** Tells a person that such a step was refused. */
export function describeRefused(step: RefusableStep, why: string): string {
  if (step.kind === 'loosen-reverse-path')
    return `strict reverse path filtering (rp_filter 1) drops visitors of published ports, and homeward may not change it on ${step.interface} (${why}): put net.ipv4.conf.all.rp_filter=2 into /etc/sysctl.d/90-homeward.conf and run sysctl --system`
  const { place, add } = step
  return add.length > 0
    ? `homeward’s rules could not be set in another firewall of this machine (${place}): ${why}. Until they can, it may stop the tunnel’s packets`
    : `homeward’s rules could not be taken out of another firewall of this machine (${place}): ${why}`
}

function describePeer(peer: PeerSpec): string {
  const where = peer.endpoint === null ? '' : ` at ${formatEndpoint(peer.endpoint)}`
  return `${peer.publicKey}${where} for ${peer.allowedIps.join(', ')}`
}

function seenText(prefix: string, seenAs: readonly MappedNetwork[]): string {
  const seen = seenAs.find((one) => one.prefix === prefix)?.seen
  return seen === undefined ? prefix : `${prefix} seen as ${seen}`
}

function filesText(before: 'with' | 'and', files: readonly string[] = []): string {
  return files.length === 0 ? '' : `, ${before} the file${files.length === 1 ? '' : 's'} ${some(files)}`
}

function outgoingText(outgoing: OutgoingForwarding | undefined): string {
  const flows = (outgoing?.flows ?? []).map(({ protocol, from, port, lastPort }) => {
    const ports = port === lastPort ? `${port}` : `${port}-${lastPort}`
    return `what ${from ?? 'this machine'} sends to ${protocol} ${ports} of the internet leaves by the hub`
  })
  return flows.map((flow) => `, and ${flow}`).join('')
}

function describeForwarding(forwarding: FirewallForwarding): string {
  switch (forwarding.role) {
    case 'home':
      return `let the tunnel reach ${forwarding.lan.map((prefix) => seenText(prefix, forwarding.seenAs)).join(', ') || 'no network here'} (${forwarding.mode})${forwarding.visitors ? ', and visitors of published ports come in' : ''}${forwarding.exit ? ', and devices go out to the internet' : ''}${outgoingText(forwarding.outgoing)}`
    case 'hub':
      return `let ${forwarding.devices.length} devices reach the homes, take WireGuard on ${forwarding.alternatePorts.join(', ') || 'no other port'} too`
    default:
      return forwarding satisfies never
  }
}

function some(texts: readonly string[]): string {
  return texts.length <= 3 ? texts.join('; ') : `${texts.slice(0, 3).join('; ')} and ${texts.length - 3} more`
}
