import { describe, expect, test } from 'vitest'
import { measureBindingLifetime } from '../../../agent/probes/binding-lifetime.ts'
import { type EchoRequest, echoKey } from '../../../protocol/datagrams/echo.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { startEchoHub } from './echo-hub.ts'

const KEY = echoKey('ab'.repeat(32))
const never = new AbortController().signal

/** The life of a line whose answers are lost as said. The hub answers delayed echoes at once: only losses take time. */
async function lifeOf(
  silences: readonly number[],
  isAnswered: (request: EchoRequest, before: number) => boolean,
  signal = never,
) {
  const hub = await startEchoHub(KEY, isAnswered)
  const endpoint = { address: '127.0.0.1', port: hub.port }
  const lifetime = await measureBindingLifetime(
    endpoint,
    { home: '10.86.0.2', key: KEY, clock: systemClock, silences },
    signal,
  )
  await hub.close()
  return { ...lifetime, requests: hub.requests }
}

// Each has to wait for what does not come.
describe.concurrent('the life of a mapping', { timeout: 60_000 }, () => {
  test('is the longest silence that survived, each on a flow of its own that had settled', async () => {
    const { lifeSeconds, requests } = await lifeOf([1, 2, 3, 4], ({ delaySeconds }) => delaySeconds <= 2)
    expect(lifeSeconds).toBe(2)
    const flows = requests.filter(({ delaySeconds }) => delaySeconds > 0)
    expect(new Set(flows.map(({ delaySeconds }) => delaySeconds))).toEqual(new Set([1, 2, 3, 4]))
    for (const { from } of flows) {
      const flow = requests.filter((request) => request.from === from)
      expect(flow.map(({ delaySeconds }) => delaySeconds === 0)).toEqual([true, true, false])
    }
  })

  test('is nothing where not even the shortest survived', async () => {
    expect(await lifeOf([1, 2], ({ delaySeconds }) => delaySeconds === 0)).toMatchObject({ lifeSeconds: 0 })
  })

  test('is measured again where a shorter silence died and a longer one did not', async () => {
    const lost = new Set<number>()
    const losesOnce = ({ delaySeconds }: EchoRequest): boolean => {
      if (delaySeconds !== 1 || lost.has(delaySeconds)) return true
      lost.add(delaySeconds)
      return false
    }
    expect(await lifeOf([1, 2], losesOnce)).toMatchObject({ lifeSeconds: 2 })
  })

  test('is unknown where nothing is answered', async () => {
    expect(await lifeOf([1, 2], () => false)).toMatchObject({ lifeSeconds: null })
  })

  test('is unknown where the line went away during the silence', async () => {
    // Two plain echoes for each of the two silences, and then nothing.
    expect(await lifeOf([1, 2], (_request, before) => before < 4)).toMatchObject({ lifeSeconds: null })
  })

  test('is unknown when it was ended', async () => {
    const ending = new AbortController()
    setTimeout(() => ending.abort(), 500)
    const began = systemClock.now()
    expect(await lifeOf([1, 300], () => true, ending.signal)).toMatchObject({ lifeSeconds: null })
    expect(systemClock.now() - began).toBeLessThan(60_000)
  })
})
