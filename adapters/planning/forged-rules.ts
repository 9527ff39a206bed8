/** Before connection tracking's -200, so that what is forged makes no flow. */
export const BEFORE_CONNTRACK = -290

/**
 * Rules of nftables that drop what says that it is of the tunnel and came another way: whoever shares a link with this
 * end could else answer heartbeats of a tunnel that is dead, or send into flows of it. They belong into a chain of
 * prerouting with the priority BEFORE_CONNTRACK. Pure.
 * @param tunnel the interface's name, in quotes. @param address this end's own in the tunnel. @param network the tunnel's.
 */
export function forgedRules(tunnel: string, address: string, network: string): readonly string[] {
  const byAnother = `iifname != { "lo", ${tunnel} }`
  return [
    `${byAnother} ip daddr ${address} drop`,
    // A network of this end's owner may come to overlap the tunnel's: its hosts are reached by the interface that they come by.
    `${byAnother} ip saddr ${network} fib saddr . iif oif missing drop`,
    // What this end sends from there goes by the tunnel alone, and so do errors that it causes (RFC 5927, 4.3): sockets
    // take them from any interface and sender.
    `${byAnother} icmp type { destination-unreachable, time-exceeded, parameter-problem } ${quotedSource(address)} drop`,
  ]
}

/** The source of the packet that an ICMP error quotes: behind eight bytes of ICMP, twelve into an IPv4 header. */
function quotedSource(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
  return `@th,160,32 0x${bytes.join('')}`
}
