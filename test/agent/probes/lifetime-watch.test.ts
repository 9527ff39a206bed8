import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type LifetimeWatch, makeLifetimeWatch } from '../../../agent/probes/lifetime-watch.ts'
import { type UplinkMemory, openUplinkMemory } from '../../../agent/memory/uplink-memory.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { makeLog } from '../../../system/process/log.ts'

const log = makeLog('agent')
log.level = 'silent'
const endpoint = { address: '203.0.113.10', port: 51_820 }

let folder: string
let uplink: UplinkMemory
let ending: AbortController
let running: Promise<void>
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'homeward-life-'))
  uplink = await openUplinkMemory(folder)
  ending = new AbortController()
  running = Promise.resolve()
})
afterEach(async () => {
  ending.abort()
  await running
  await rm(folder, { recursive: true })
})

function watch(lives: (number | null)[], isUp = () => true) {
  let now = 0
  const measured: (number | null)[] = []
  const lifetime: LifetimeWatch = makeLifetimeWatch({
    uplink,
    endpoint: () => (isUp() ? endpoint : null),
    measure: async () => {
      const lifeSeconds = lives.shift() ?? null
      measured.push(lifeSeconds)
      return { lifeSeconds }
    },
    onMeasured: () => undefined,
    clock: { ...systemClock, now: () => now },
    log,
    lookEveryMs: 2,
  })
  running = lifetime.run(ending.signal)
  const pass = async (ms: number): Promise<void> => {
    now += ms
    // Some of its looks.
    await sleep(50)
  }
  return { lifetime, measured, pass }
}

test('at the first start it is measured once the tunnel is up, and kept', async () => {
  let up = false
  const { measured, pass } = watch([120], () => up)
  await pass(60_000)
  expect(measured).toEqual([])
  up = true
  await pass(10_000)
  await vi.waitFor(() => expect(uplink.current.lifeSeconds).toBe(120))
  await pass(7_200_000)
  expect(measured).toEqual([120])
})

test('asked to, it is measured again, an hour later at the soonest; what fails changes nothing', async () => {
  const { lifetime, measured, pass } = watch([120, null, 60])
  await pass(10_000)
  await vi.waitFor(() => expect(uplink.current.lifeSeconds).toBe(120))
  lifetime.request()
  await pass(60_000)
  expect(measured).toEqual([120])
  await pass(3_600_000)
  await vi.waitFor(() => expect(measured).toEqual([120, null]))
  expect(uplink.current.lifeSeconds).toBe(120)
})
