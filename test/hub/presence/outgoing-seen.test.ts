import { expect, test } from 'vitest'
import { outgoingSeen } from '../../../hub/presence/outgoing-seen.ts'

const game = { protocol: 'udp', address: '192.168.7.20', port: 27_016, lastPort: 27_018, targetPort: 27_115 } as const

/** As nft 1.0.6 lists a set whose elements are forgotten after a day. */
const listing = (...seen: readonly (readonly [readonly unknown[], number])[]): string => {
  const elem = seen.map(([concat, expires]) => ({ elem: { val: { concat }, expires } }))
  return JSON.stringify({ nftables: [{ metainfo: {} }, { set: { timeout: 86_400, elem } }] })
}
const ask = (sent: string, answered = listing()) =>
  outgoingSeen(game, async (set) => (set === 'outgoing_seen' ? sent : answered))

test('the last of what a service sent counts, to its published ports or from its own', async () => {
  const sent = listing(
    [['192.168.7.20', 'udp', 27_018], 86_300],
    [['192.168.7.20', 'udp', 27_117], 86_390],
    [['192.168.7.20', 'udp', 27_118], 86_400],
    [['192.168.7.20', 'tcp', 27_016], 86_400],
    [['192.168.7.21', 'udp', 27_016], 86_400],
  )
  expect(await ask(sent)).toEqual({ sentSeconds: 10, answeredSeconds: null })
  expect(await ask(sent, sent)).toEqual({ sentSeconds: 10, answeredSeconds: 10 })
  expect(await ask(listing())).toEqual({ sentSeconds: null, answeredSeconds: null })
})

test('a firewall that cannot be read says nothing', async () => {
  expect(await ask('{}')).toBeNull()
  expect(await ask('Error: No such file or directory')).toBeNull()
})
