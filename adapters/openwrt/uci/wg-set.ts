import { formatEndpoint, type PeerSpec } from '../../../wireguard/spec.ts'

/** The command that makes a running peer as wanted; public keys are no secret. */
export function wgSetPeer(
  name: string,
  {
    publicKey,
    endpoint,
    allowedIps,
    keepaliveSeconds,
  }: Pick<PeerSpec, 'publicKey' | 'endpoint' | 'allowedIps' | 'keepaliveSeconds'>,
): string {
  return [
    `wg set ${name} peer '${publicKey}'`,
    ...(endpoint === null ? [] : [`endpoint '${formatEndpoint(endpoint)}'`]),
    `persistent-keepalive ${keepaliveSeconds} allowed-ips '${allowedIps.join(',')}'`,
  ].join(' ')
}
