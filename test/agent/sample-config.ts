import { type AgentConfig, type RouterConfig, tunnelsOf } from '../../agent/settings/config.ts'
import type { PublicKey } from '../../wireguard/keys.ts'

/** A home as join leaves it. Both keys are of nobody. */
export const sampleConfig: AgentConfig = {
  home: 'cabin',
  publicKey: 'xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=' as PublicKey,
  router: { kind: 'linux' },
  interface: 'hw0',
  mtu: 1420,
  keepaliveSeconds: 25,
  heartbeatSeconds: 5,
  economy: false,
  beacons: ['1.1.1.1:443', '9.9.9.9:443', '[2606:4700:4700::1111]:443', '[2620:fe::fe]:443'],
  rotateKeys: null,
  lan: { mode: 'masquerade', prefixes: ['192.168.1.0/24'] },
  hubs: [
    {
      addresses: ['203.0.113.10', 'hub.example'],
      port: 51_820,
      alternatePorts: [4_500, 443, 53],
      publicKey: 'HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=' as PublicKey,
      certificate: 'ab'.repeat(32),
      network: '10.86.0.0/16',
      address: '10.86.0.2',
      hubAddress: '10.86.0.1',
      heartbeatPort: 8_686,
    },
  ],
}

/** Its one tunnel. */
export const [sampleTunnel] = tunnelsOf(sampleConfig)

/** What such a home's tunnel may end on instead of its own machine. */
export const sampleRouter: RouterConfig = {
  kind: 'mikrotik',
  host: '192.168.1.1',
  port: 8729,
  user: 'homeward',
  certificate: 'cd'.repeat(32),
}
