import { expect, test } from 'vitest'
import { routeEnds } from '../../../system/sockets/route-ends.ts'

test('both ends of a way are asked of the routing table', async () => {
  expect(await routeEnds('127.0.0.1')).toEqual({ own: '127.0.0.1', theirs: '127.0.0.1' })
  expect(await routeEnds('localhost')).not.toBeNull()
})

test('a name that nobody knows has none', async () => {
  expect(await routeEnds('router.invalid')).toBeNull()
})
