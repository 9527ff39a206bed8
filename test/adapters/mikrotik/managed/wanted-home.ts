import type { TunnelSpec } from '../../../../adapters/spec.ts'
import type { PublicKey } from '../../../../wireguard/keys.ts'
import { homeForwarding } from '../../forwarding.ts'

export const HUB = 'H2pKuKFYwb+EFfLkcyZRtBp2MWeJzFSm0Jf2LQSdI1o=' as PublicKey

export const HOME: TunnelSpec = {
  interface: 'hw0',
  publicKey: null,
  address: '10.86.0.2/16',
  mtu: 1420,
  listenPort: null,
  peers: [
    {
      publicKey: HUB,
      presharedKeyId: null,
      endpoint: { address: '203.0.113.10', port: 51_820 },
      allowedIps: ['10.86.0.0/16'],
      keepaliveSeconds: 25,
    },
  ],
  routes: [],
  forwarding: homeForwarding({ lan: ['192.168.1.0/24'], mode: 'masquerade' }),
}
export const [PEER] = HOME.peers
