import { expect, test } from 'vitest'
import { whyUnproven } from '../../../../agent/membership/proof/prove.ts'
import type { HubView } from '../../../../protocol/messages.ts'
import { sampleTunnel } from '../../sample-config.ts'

const silent = { lastHandshakeAt: null, rxBytes: 0, txBytes: 592 }
const view: HubView = {
  peerKnown: true,
  endpoint: null,
  lastHandshakeSeconds: null,
  rxBytes: 0,
  txBytes: 0,
  lastHeartbeatSeconds: null,
  heardSeconds: null,
  initiatedSeconds: null,
}

test.each([
  ['the interface is gone', null, view],
  ['the hub does not know this home’s key', silent, { ...view, peerKnown: false }],
  ['there was no WireGuard handshake, and the hub’s registrar does not answer any more either', silent, null],
  [
    'WireGuard shook hands with the hub, but nobody answers at 10.86.0.1 port 8686',
    { ...silent, lastHandshakeAt: 1_795_000_000 },
    view,
  ],
])('%s', (why, peer, seen) => {
  expect(whyUnproven(sampleTunnel, peer, seen)).toBe(why)
})

test('who drops the packets is asked where neither end knows better', () => {
  for (const rxBytes of [0, 148]) expect(whyUnproven(sampleTunnel, silent, { ...view, rxBytes })).toBeNull()
})
