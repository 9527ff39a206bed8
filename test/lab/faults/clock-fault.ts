import type { Host } from '../host/host.ts'
import { forgeInitiation } from './forged-initiation.ts'
import { tunnelFlow } from '../traffic/tunnel-flow.ts'

/**
 * What is left when the clock of a home was ahead and went back: the hub has seen an initiation of its key from the
 * future, the home's session is gone and its source port another, as after a loss of power. From then on the hub refuses
 * every initiation of the home without a word (the paper, 5.1: the greatest timestamp of each peer is kept). The clock of a
 * namespace cannot be turned, so the initiation from the future is forged, and sent on the tunnel's own flow.
 */
export async function stepClockBack(home: Host, device: string, aheadSeconds = 3600): Promise<void> {
  const show = async (what: string) => (await home.run('wg', ['show', device, what])).stdout.trim()
  const [privateKey, peer] = [await show('private-key'), await show('peers')]
  const initiation = forgeInitiation(Buffer.from(privateKey, 'base64'), Buffer.from(peer, 'base64'), {
    unixSeconds: Date.now() / 1000 + aheadSeconds,
  })
  const { localPort, remoteAddress, remotePort } = await tunnelFlow(home, device)
  const flow = [String(localPort), remoteAddress, String(remotePort)]
  await home.run('perl', ['-e', SEND_AS, ...flow], { input: initiation.toString('hex') })
  await home.shell(`
umask 077
wg show ${device} dump | sed -n 2p | tr '\\t' '\\n' > /run/peer
set -- $(cat /run/peer)
printf '%s' "$2" | sed 's/^(none)$//' > /run/peer.psk
wg set ${device} peer "$1" remove
wg set ${device} listen-port 0
wg set ${device} peer "$1" preshared-key /run/peer.psk endpoint "$3" allowed-ips "$4" persistent-keepalive "$8"
rm /run/peer /run/peer.psk
`)
}

/** One UDP datagram from a port that another program holds: a raw socket, checksum left out (RFC 768). */
const SEND_AS = String.raw`
use strict; use warnings; use Socket;
my ($from, $address, $to) = @ARGV;
socket(my $socket, AF_INET, SOCK_RAW, 17) or die "raw socket: $!";
my $data = pack('H*', scalar <STDIN>);
send($socket, pack('nnnn', $from, $to, 8 + length $data, 0) . $data, 0, pack_sockaddr_in(0, inet_aton($address))) or die "send: $!";
`
