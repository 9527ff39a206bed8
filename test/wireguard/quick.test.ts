import { expect, test } from 'vitest'
import { presharedKeyFrom, privateKeyFrom, type PublicKey } from '../../wireguard/keys.ts'
import { wgQuickText } from '../../wireguard/quick.ts'

test('a device’s file has what wg-quick and the apps read, and says what it is', () => {
  const text = wgQuickText({
    name: 'phone',
    privateKey: privateKeyFrom(new Uint8Array(32).fill(1)),
    address: '10.86.0.5/32',
    mtu: 1380,
    hub: {
      publicKey: `${'B'.repeat(42)}A=` as PublicKey,
      presharedKey: presharedKeyFrom(new Uint8Array(32).fill(2)),
      endpoint: { address: 'vps.example.org', port: 51_820 },
      allowedIps: ['10.86.0.0/16', '192.168.1.0/24'],
      keepaliveSeconds: 25,
    },
  })
  expect(text).toBe(`# phone, by homeward. Anyone who has this file can connect as this device: keep it secret.
[Interface]
PrivateKey = AAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAUE=
Address = 10.86.0.5/32
MTU = 1380

[Peer]
PublicKey = ${'B'.repeat(42)}A=
PresharedKey = AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=
Endpoint = vps.example.org:51820
AllowedIPs = 10.86.0.0/16, 192.168.1.0/24
PersistentKeepalive = 25
`)
})
