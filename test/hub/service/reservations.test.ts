import { expect, test } from 'vitest'
import { reservations } from '../../../hub/service/reservations.ts'

const reservedBy = reservations(
  { port: 51_820, alternatePorts: [443, 53] },
  {
    served: new Set([25, 80, 2222]),
    owner: { port: 80, name: 'nginx (process 812)' },
    sshPorts: new Set([22, 2222]),
  },
)

test.each<['tcp' | 'udp', number, string | null]>([
  ['udp', 51_820, 'WireGuard uses UDP port 51820 of the hub'],
  ['tcp', 51_820, 'the registrar uses TCP port 51820 of the hub'],
  ['udp', 443, 'WireGuard, as one of alternatePorts in hub.yaml, uses UDP port 443 of the hub'],
  // WireGuard takes none of them over TCP.
  ['tcp', 443, null],
  ['tcp', 80, 'nginx (process 812) uses TCP port 80 of the hub'],
  ['tcp', 25, 'another program uses TCP port 25 of the hub'],
  ['tcp', 22, 'TCP port 22 of the hub is kept for ssh'],
  ['udp', 22, null],
  ['tcp', 2222, 'another program uses TCP port 2222 of the hub'],
  ['tcp', 8443, null],
])('%s port %i is reserved by %j', (protocol, port, why) => {
  expect(reservedBy(protocol, port)).toBe(why)
})

test('a program that could not be found out is another one', () => {
  const unnamed = { served: new Set([80]), owner: { port: 80, name: null }, sshPorts: new Set<number>() }
  expect(reservations({ port: 1, alternatePorts: [] }, unnamed)('tcp', 80)).toBe(
    'another program uses TCP port 80 of the hub',
  )
})
