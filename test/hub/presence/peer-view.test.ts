import { expect, test } from 'vitest'
import { hashOf } from '../../../hub/core/secret.ts'
import type { Home } from '../../../hub/core/store-document.ts'
import type { PeerStats } from '../../../hub/presence/peer-monitor.ts'
import { makePeerView } from '../../../hub/presence/peer-view.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'

const cabin: Home = {
  name: 'cabin',
  address: '10.86.0.2',
  publicKey: parsePublicKey(`${'A'.repeat(43)}=`),
  secretHash: hashOf('x'),
  lan: [],
  joinedAt: '2026-11-23T10:00:00.000Z',
}
const seen: PeerStats = { endpoint: null, lastHandshakeSeconds: 9, rxBytes: 1, txBytes: 2, heardSeconds: 4 }

const wordOf = (statsOf: PeerStats | null, heartbeatSeconds: number | null, initiated: number | null) =>
  makePeerView(
    { statsOf: () => statsOf, ageSeconds: () => 0, look: async () => undefined },
    { heardSeconds: () => heartbeatSeconds },
    async (address) => (address === '198.51.100.7' ? initiated : null),
  )(cabin, '198.51.100.7')

test('what was heard last is what counts, in a heartbeat or as bytes', async () => {
  expect(await wordOf(seen, 2, 1)).toEqual({
    peerKnown: true,
    handshakeSeconds: 9,
    heardSeconds: 2,
    initiatedSeconds: 1,
  })
  expect(await wordOf(seen, 7, null)).toMatchObject({ heardSeconds: 4, initiatedSeconds: null })
  expect(await wordOf(seen, null, null)).toMatchObject({ heardSeconds: 4 })
  expect(await wordOf({ ...seen, heardSeconds: null }, 7, null)).toMatchObject({ heardSeconds: 7 })
})

test('a peer that WireGuard does not have is said to be unknown', async () => {
  expect(await wordOf(null, null, 3)).toEqual({
    peerKnown: false,
    handshakeSeconds: null,
    heardSeconds: null,
    initiatedSeconds: 3,
  })
})

test('a peer that was added since the last look is not said to be unknown', async () => {
  for (const [ageSeconds, peerKnown] of [
    [0.9, true],
    [null, true],
    [0.1, false],
  ] as const) {
    let now: PeerStats | null = null
    const look = async (): Promise<void> => {
      now = seen
    }
    const view = makePeerView({ statsOf: () => now, ageSeconds: () => ageSeconds, look }, null, async () => null)
    expect(await view(cabin, '198.51.100.7')).toMatchObject({ peerKnown })
  }
})
