import { afterAll, beforeAll, expect, test } from 'vitest'
import { openChannel } from '../../../alerts/channels/open-channel.ts'
import { testMessage } from '../../../alerts/record/compose.ts'
import { type AlertReceiver, openAlertReceiver } from '../../fake/alert-receiver.ts'

/** A server in the home's own networks. */
let receiver: AlertReceiver
beforeAll(async () => {
  receiver = await openAlertReceiver(null)
})
afterAll(() => receiver.close())

const message = testMessage('t', 'cabin', 'home', new Date(0))
const post = async (url: string, fromHub: boolean) => {
  const settings = { kind: 'webhook', url, ...(fromHub ? { fromHub: true as const } : {}) } as const
  await (await openChannel(settings, 'home', null)).send!(message, AbortSignal.timeout(20_000))
}

test('the home’s own channel may go to its own networks', async () => {
  await post(`http://127.0.0.1:${receiver.port}/own`, false)
  expect(receiver.received.map(({ path }) => path)).toEqual(['/own'])
})

test.each([
  ['without TLS', (port: number) => `http://127.0.0.1:${port}/x`, 'over HTTPS only'],
  ['an address', (port: number) => `https://127.0.0.1:${port}/x`, 'not on the internet'],
  ['an IPv6 address', (port: number) => `https://[::1]:${port}/x`, 'not on the internet'],
  // As a name server would answer that leads a name of its own into the home's networks.
  ['a name', (port: number) => `https://localhost:${port}/x`, 'not on the internet'],
])('one that the hub gave never does: %s', async (_what, urlAt, why) => {
  const before = receiver.received.length
  await expect(post(urlAt(receiver.port), true)).rejects.toThrow(why)
  expect(receiver.received).toHaveLength(before)
})
