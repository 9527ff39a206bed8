import { expect, test } from 'vitest'
import { homeAddresses } from '../../../hub/presence/home-addresses.ts'
import { makeHomeSources } from '../../../hub/registrar/home-sources.ts'
import type { PublicKey } from '../../../wireguard/keys.ts'
import { newKey } from '../loopback-hub.ts'
import { turnedClock } from '../turned-clock.ts'

test('an address is a home’s by its IPv4 address or its /64, a second after the home moved', () => {
  const clock = turnedClock()
  let at = ['192.0.2.7', '2001:db8:1:2::5']
  const isHome = makeHomeSources(() => at, clock)
  expect(['192.0.2.7', '::ffff:192.0.2.7', '2001:db8:1:2:9::1'].map(isHome)).toEqual([true, true, true])
  expect(['192.0.2.8', '2001:db8:1:3::5', '', 'x'].map(isHome)).toEqual([false, false, false, false])
  at = ['192.0.2.8']
  clock.turn(1_000)
  expect(['192.0.2.7', '192.0.2.8'].map(isHome)).toEqual([false, true])
})

test('homes are where WireGuard heard them within a day, and after its restart where they were last', () => {
  const homes = [newKey(), newKey(), newKey(), newKey()].map((publicKey) => ({ publicKey }))
  const [here, gone, restarted] = homes.map(({ publicKey }) => publicKey)
  const statsOf = (key: PublicKey) => {
    const stats = { rxBytes: 0, txBytes: 0, heardSeconds: null }
    if (key === restarted) return { ...stats, endpoint: null, lastHandshakeSeconds: null }
    if (key !== here && key !== gone) return null
    const lastHandshakeSeconds = key === gone ? 86_401 : 86_399
    return { ...stats, endpoint: { address: key === gone ? '192.0.2.2' : '192.0.2.1', port: 1 }, lastHandshakeSeconds }
  }
  const of = (key: PublicKey) => (key === restarted ? { address: '192.0.2.3', port: 1 } : null)
  expect(homeAddresses(homes, { statsOf }, { of })).toEqual(['192.0.2.1', '192.0.2.3'])
})
