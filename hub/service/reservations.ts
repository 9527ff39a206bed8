import type { ReservedBy } from '../core/publications.ts'
import type { HubConfig } from '../settings/config.ts'

/** A program of this machine that was looked for by a port of its own. */
export interface Owner {
  readonly port: number
  /** null: the name could not be found out. */
  readonly name: string | null
}

/** Ports that no publication may take: the hub's own, those of programs of this machine, and those of ssh. Pure. */
export function reservations(
  { port: own, alternatePorts }: Pick<HubConfig, 'port' | 'alternatePorts'>,
  machine: {
    readonly served: ReadonlySet<number>
    readonly owner: Owner | null
    readonly sshPorts: ReadonlySet<number>
    /** Ports whose packets from outside are led elsewhere by rules of somebody else, and how. Default: none. */
    readonly ledAway?: ReadonlyMap<number, string>
  },
): ReservedBy {
  const { served, owner, sshPorts, ledAway } = machine
  const user = (...[protocol, port]: Parameters<ReservedBy>): string | null => {
    if (port === own) return protocol === 'udp' ? 'WireGuard' : 'the registrar'
    if (protocol === 'udp' && alternatePorts.includes(port)) return 'WireGuard, as one of alternatePorts in hub.yaml,'
    if (!served.has(port)) return null
    return (port === owner?.port ? owner.name : null) ?? 'another program'
  }
  return (protocol, port) => {
    const by = user(protocol, port)
    if (by !== null) return `${by} uses ${protocol.toUpperCase()} port ${port} of the hub`
    const elsewhere = ledAway?.get(port)
    if (elsewhere !== undefined)
      return `what comes from outside to ${protocol.toUpperCase()} port ${port} of the hub goes elsewhere: ${elsewhere}`
    return protocol === 'tcp' && sshPorts.has(port) ? `TCP port ${port} of the hub is kept for ssh` : null
  }
}
