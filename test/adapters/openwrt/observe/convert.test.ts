import { expect, test } from 'vitest'
import { toObservation } from '../../../../adapters/openwrt/observe/convert.ts'

/** As OpenWrt 23.05 prints them. */
const PARTS: Readonly<Record<string, string>> = {
  now: '1700000000\n',
  network: `network.hw0=interface
network.hw0.proto='wireguard'
network.hw0.homeward='hw0'
`,
  addresses: `1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
8: br-lan    inet 192.168.8.1/24 brd 192.168.8.255 scope global br-lan\\       valid_lft forever preferred_lft forever
9: hw0    inet 10.86.0.2/16 scope global hw0\\       valid_lft forever preferred_lft forever
`,
  routes: `default via 100.64.1.1 dev eth0 proto static src 100.64.1.2
192.168.77.0/24 via 192.168.8.9 dev br-lan proto static
`,
  interfaces: '{"interface":[]}',
}

test('tells the networks that the router is on, the tunnel’s apart, and those of its routes', () => {
  const { networks } = toObservation({ part: (name) => PARTS[name] ?? '' }, 1_700_000_000)
  expect(networks).toEqual([
    { interface: 'br-lan', prefix: '192.168.8.0/24' },
    { interface: null, prefix: '192.168.77.0/24' },
  ])
})
