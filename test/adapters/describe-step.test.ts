import { expect, test } from 'vitest'
import type { Step } from '../../adapters/step.ts'
import { describeStep } from '../../adapters/describe-step.ts'
import type { PresharedKeyId, PublicKey } from '../../wireguard/keys.ts'
import { homeForwarding } from './forwarding.ts'

const key = (letter: string): PublicKey => `${letter.repeat(42)}A=` as PublicKey
const peer = (letter: string) => ({
  publicKey: key(letter),
  presharedKeyId: '0011223344556677' as PresharedKeyId,
  endpoint: letter === 'B' ? { address: '203.0.113.10', port: 443 } : null,
  allowedIps: ['10.86.0.0/16'],
  keepaliveSeconds: 25,
})

test.each<[Step, string]>([
  [{ kind: 'create-interface', interface: 'hw0' }, 'create the WireGuard interface hw0'],
  [
    { kind: 'set-peers', interface: 'hw0', peers: [peer('B')] },
    `set the peer ${key('B')} at 203.0.113.10:443 for 10.86.0.0/16 on hw0`,
  ],
  [
    { kind: 'remove-peers', interface: 'hw0', publicKeys: ['C', 'D', 'E', 'F', 'G'].map(key) },
    `remove peer ${key('C')}; peer ${key('D')}; peer ${key('E')} and 2 more from hw0`,
  ],
  [
    {
      kind: 'set-firewall',
      tunnels: [
        {
          interface: 'hw0',
          listenPort: null,
          forwarding: homeForwarding({ lan: [], mode: 'routed' }),
          address: '10.86.0.2',
          network: '10.86.0.0/16',
          visitorSlot: 0,
        },
      ],
      forwardingWasOff: false,
      replaces: null,
      files: ['/etc/nftables.d/homeward-hw0-0123456789ab.inc'],
    },
    'set the firewall table of homeward: let the tunnel reach no network here (routed), with the file /etc/nftables.d/homeward-hw0-0123456789ab.inc',
  ],
  [{ kind: 'remove-firewall' }, 'remove the firewall table of homeward'],
  [
    { kind: 'remove-firewall', files: ['/etc/x', '/etc/y'] },
    'remove the firewall table of homeward, and the files /etc/x; /etc/y',
  ],
  [
    { kind: 'add-route', interface: 'hw0', prefix: '192.168.1.0/24', mtu: 1280 },
    'route 192.168.1.0/24 through hw0 with an MTU of 1280 bytes',
  ],
  [
    { kind: 'set-route-mtu', interface: 'hw0', prefix: '10.86.0.2/32', mtu: null },
    'route 10.86.0.2/32 through hw0 with its own MTU',
  ],
  [{ kind: 'disable-forwarding' }, 'turn IPv4 forwarding off, as it was before homeward'],
])('a step is one line for people: %#', (step, line) => {
  expect(describeStep(step)).toBe(line)
})

test('a thousand peers are still one short line', () => {
  const peers = Array.from({ length: 1000 }, () => peer('C'))
  expect(describeStep({ kind: 'set-peers', interface: 'hw0', peers }).length).toBeLessThan(400)
})
