import type { NftChain, NftMap } from './nft-table.ts'

/**
 * Lets this machine's own UDP services answer from the address that they were asked at. A socket that is bound to no
 * address takes for each answer the address of the route to whoever asked (Linux: udp_sendmsg in net/ipv4/udp.c;
 * ip(7), IP_PKTINFO): most game, voice and name servers are so. An answer to a visitor would then bear the LAN address
 * of the default route, belong to no flow that connection tracking knows, and leave by the home's own line. So the
 * address that was asked is remembered for each flow out of a tunnel, and is put into answers before connection
 * tracking looks at them: from there on they are part of the flow, and go back as they came.
 */

const FILTER = 0
/** The priority before connection tracking's -200: nft(8), "Standard priority names", raw. */
const RAW = -300

const ANSWERS: NftMap = {
  name: 'udp_answers',
  type: 'ipv4_addr . inet_service . inet_service : ipv4_addr',
  // Silence after which a flow is forgotten: above the kernel's own for a flow that was answered, 120 s (Linux:
  // Documentation/networking/nf_conntrack-sysctl.rst, nf_conntrack_udp_timeout_stream).
  recent: { keptSeconds: 180, size: 16_384 },
}

/** WireGuard's four messages, by their first four bytes (its paper, 5.4): sockets of it answer as they were asked. */
const WIREGUARD = '{ 0x01000000, 0x02000000, 0x03000000, 0x04000000 }'

/** @param tunnels the interfaces' names of a home, in quotes. Pure. */
export function udpAnswers(tunnels: readonly string[]): { readonly map: NftMap; readonly chains: readonly NftChain[] } {
  const peer = `ip daddr . udp dport . udp sport`
  return {
    map: ANSWERS,
    chains: [
      {
        name: 'asked',
        type: 'filter',
        hook: 'input',
        priority: FILTER,
        // Input comes after every translation, ours and others': this is the address that the service is asked at.
        rules: [
          `iifname { ${tunnels.join(', ')} } ct direction original update @${ANSWERS.name} { ip saddr . udp sport . udp dport : ip daddr }`,
        ],
      },
      {
        name: 'answered',
        type: 'filter',
        hook: 'output',
        priority: RAW,
        rules: [
          // Whoever forges the hub's own address and port must not draw the tunnel's packets into the tunnel.
          `meta l4proto udp @th,64,32 ${WIREGUARD} return`,
          `ip saddr set ${peer} map @${ANSWERS.name}`,
        ],
      },
    ],
  }
}
