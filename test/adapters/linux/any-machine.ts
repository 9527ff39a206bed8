import * as fc from '../../properties.ts'
import type { ExitRoute, Observation, ObservedInterface, ReplyRoute } from '../../../adapters/observation.ts'
import { firewallTable } from '../../../adapters/linux/firewall/firewall.ts'
import { fingerprintsOf } from '../../../adapters/linux/firewall/nft-table.ts'
import { address, forwarding, key, mtu, name, peers, PUBLISHED, routes } from './any-tunnel.ts'

const ownInterface: fc.Arbitrary<ObservedInterface> = fc
  .record({
    name,
    up: fc.boolean(),
    isCutOff: fc.boolean(),
    mtu,
    addresses: fc.uniqueArray(address),
    routes,
    publicKey: fc.option(key),
    listenPort: fc.constantFrom(0, 443, 51_820, 40_000),
    peers,
  })
  .map((own) => ({
    ...own,
    fwmark: 0,
    cutOff: own.up && own.isCutOff ? own.addresses.slice(0, 1) : [],
    routes: own.up ? own.routes : [],
    peers: own.peers.map((peer) => ({ ...peer, lastHandshakeAt: 7, rxBytes: 1, txBytes: 2 })),
  }))

const firewall = fc.oneof(
  fc.constant(null),
  fc.constant(['rule forward somebody’s']),
  fc
    .record({
      interface: name,
      listenPort: fc.constantFrom(null, 443),
      address: fc.constantFrom('10.86.0.1', '10.86.0.2'),
      network: fc.constant('10.86.0.0/16'),
      forwarding,
      visitorSlot: fc.constantFrom(0, 1),
    })
    .map((of) => fingerprintsOf(firewallTable([of]))),
)

const comment = '-m comment --comment homeward -j ACCEPT'
const otherFirewall = fc.record({
  strict: fc.subarray(['INPUT', 'FORWARD']),
  ours: fc.array(
    fc.constantFrom(
      `FORWARD -i hw0 ${comment}`,
      `INPUT -p udp -m udp --dport 443 ${comment}`,
      `INPUT -s 1.1.1.1 ${comment}`,
    ),
    {
      maxLength: 4,
    },
  ),
})

const nativeFirewall = fc.record({
  strict: fc.subarray(['inet filter forward forward', 'ip other in input']),
  ours: fc
    .uniqueArray(
      fc.record({
        chain: fc.constantFrom('inet filter forward', 'ip other in'),
        digest: fc.constantFrom('0123456789ab', 'ba9876543210'),
        handle: fc.nat(20),
      }),
      { maxLength: 4, selector: ({ handle }) => handle },
    )
    .map((rules) => rules.map(({ chain, digest, handle }) => `${chain} ${digest} ${handle}`)),
})

const replyRoutes: fc.Arbitrary<readonly ReplyRoute[]> = fc.uniqueArray(
  fc.record({ slot: fc.nat(2), interface: fc.constantFrom(null, 'hw0', 'hw1'), isWhole: fc.boolean() }),
  { maxLength: 3, selector: ({ slot }) => slot },
)

const exitRoute: fc.Arbitrary<ExitRoute | null> = fc.oneof(
  fc.constant(null),
  fc.constant({ interface: null, devices: [] }),
  fc.record({ interface: fc.constantFrom('hw0', 'hw1'), devices: fc.subarray(['10.86.0.5', '10.86.0.6']) }),
)

/** Any machine, also one that no plan of ours would leave behind. */
export const machine: fc.Arbitrary<Observation> = fc
  .record({
    interfaces: fc.uniqueArray(ownInterface, { maxLength: 2, selector: ({ name: own }) => own }),
    remains: fc.subarray(['hw1', 'old0']),
    firewall,
    forwarding: fc.boolean(),
    networks: fc.constant([]),
    otherFirewalls: fc.record({ iptables: otherFirewall, ip6tables: otherFirewall, nftables: nativeFirewall }),
    exits: exitRoute,
    visitors: replyRoutes,
    diversion: fc.record({
      specific: fc.constantFrom(null, 'ip rule 5270'),
      internet: fc.record({
        ipv4: fc.constantFrom(null, 'ip rule 8599'),
        ipv6: fc.constantFrom(null, 'ip rule 8599'),
      }),
      addresses: fc.subarray(['203.0.113.10', '203.0.113.11', '2001:db8::10']),
    }),
    ownWays: fc.constantFrom(null, [], ['iif hw0'], ['iif hw0', 'to 10.86.0.0/16']),
    foreignMarks: fc.subarray([
      { mask: 0x00_ff_00_00, value: 0x00_08_00_00, by: 'ip rule 5210' },
      { mask: 0xff_ff_ff_ff, value: 51_820, by: 'ip rule 8599' },
    ]),
    wasOff: fc.boolean(),
    published: fc.constantFrom(null, PUBLISHED.slice(0, 1), PUBLISHED.slice(1)),
  })
  .map(({ wasOff, published, remains, ...rest }) => ({
    ...rest,
    strictReversePath: rest.interfaces.slice(0, 1).map((own) => own.name),
    // One is there, or a wreck of its name.
    remains: remains.filter((one) => rest.interfaces.every(({ name: own }) => own !== one)),
    foreignInterfaces: ['eth0'],
    published: rest.firewall === null ? [] : published,
    replaceable: rest.firewall === null ? [] : ['chain forward'],
    closedFirewalls: [],
    forwardingIsOurs: rest.firewall !== null && wasOff,
    clashes: [],
    warnings: [],
  }))
