import { expect, test } from 'vitest'
import { exposition } from '../../../system/sockets/exposition.ts'
import { wireguardFamilies } from '../../../wireguard/metrics.ts'

test('labels are escaped, and what is not known is left out', () => {
  const text = exposition([
    { name: 'a_total', help: 'of\nA', type: 'counter', samples: [{ labels: { home: 'x"\\\n' }, value: 2 }] },
    { name: 'b', help: 'B', type: 'gauge', samples: [{ value: null }] },
    { name: 'c', help: 'C', type: 'gauge', samples: [{ value: 0.5 }] },
  ])
  expect(text).toBe(
    '# HELP a_total of\\nA\n# TYPE a_total counter\na_total{home="x\\"\\\\\\n"} 2\n# HELP c C\n# TYPE c gauge\nc 0.5\n',
  )
})

test('WireGuard’s have the names and labels that dashboards know', () => {
  const peer = {
    interface: 'hw0',
    publicKey: 'KEY=',
    allowedIps: ['10.86.0.2/32', '192.168.1.0/24'],
    friendlyName: 'cabin',
    rxBytes: 7,
    txBytes: 8,
    lastHandshakeAt: 1_795_403_525,
  }
  const labels = 'interface="hw0",public_key="KEY=",allowed_ips="10.86.0.2/32,192.168.1.0/24",friendly_name="cabin"'
  expect(
    exposition(wireguardFamilies([peer]))
      .split('\n')
      .filter((line) => !line.startsWith('#')),
  ).toEqual([
    `wireguard_sent_bytes_total{${labels}} 8`,
    `wireguard_received_bytes_total{${labels}} 7`,
    `wireguard_latest_handshake_seconds{${labels}} 1795403525`,
    '',
  ])
})
