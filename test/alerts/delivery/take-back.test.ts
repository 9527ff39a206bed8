import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { makeTakeBack } from '../../../alerts/delivery/take-back.ts'
import { openRetained } from '../../../alerts/transport/retained.ts'
import { makeLog } from '../../../system/process/log.ts'
import { turnedClock } from '../../hub/turned-clock.ts'

const log = makeLog('agent')
log.level = 'silent'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-take-back-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('a broker that is away is asked again after pauses that grow from two minutes to an hour', async () => {
  const retained = await openRetained(folder, log)
  const broker = `mqtt://127.0.0.1:${await closedPort()}`
  await retained.remember({ broker, discoveryPrefix: 'homeassistant' }, ['homeassistant/device/cabin/config'])
  const clock = turnedClock()
  const takeBack = makeTakeBack({ retained, channels: () => [], clock, log })
  const pausesMs: number[] = []
  for (let attempts = 0; attempts < 6; attempts += 1) {
    expect(await takeBack.attempt(new AbortController().signal)).toBe(false)
    const failedAt = clock.now()
    while (!takeBack.isDue()) clock.turn(60_000)
    pausesMs.push(clock.now() - failedAt)
  }
  expect(pausesMs.map((ms) => ms / 60_000)).toEqual([2, 4, 8, 16, 32, 60])
  expect(takeBack.left()).toEqual([broker.replace('mqtt://', '')])
})

/** One that nobody listens at. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return typeof address === 'object' && address !== null ? address.port : 0
}
