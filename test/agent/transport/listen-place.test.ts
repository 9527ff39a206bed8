import { expect, test } from 'vitest'
import { listenPlace } from '../../../agent/transport/listen-place.ts'
import { sampleRouter } from '../sample-config.ts'

test('where WireGuard runs here, only this machine reaches the carrier', async () => {
  expect(await listenPlace({ kind: 'linux' })).toEqual({ address: '127.0.0.1', from: '127.0.0.1' })
})

test('where it runs on a router, the carrier is where that one reaches us, and listens to nobody else', async () => {
  // The whole 127.0.0.0/8 is this machine, which speaks to it from 127.0.0.1 or from that very address.
  const place = await listenPlace({ ...sampleRouter, host: '127.0.0.7' } as typeof sampleRouter)
  expect(place.from).toBe('127.0.0.7')
  expect(place.address).toMatch(/^127\.0\.0\./)
})

test('without a way to the router there is none', async () => {
  await expect(listenPlace({ ...sampleRouter, host: 'router.invalid' } as typeof sampleRouter)).rejects.toMatchObject({
    code: 'router-unreachable',
  })
})
