import { afterEach, describe, expect, test } from 'vitest'
import { type Echoes, openEchoes } from '../../../agent/probes/echo.ts'
import { echoKey } from '../../../protocol/datagrams/echo.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { type EchoHub, SAID, startEchoHub } from './echo-hub.ts'

const KEY = echoKey('ab'.repeat(32))
const HOME = '10.86.0.2'
const never = new AbortController().signal

const open: (Echoes | EchoHub)[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

async function hub(...args: Parameters<typeof startEchoHub> extends [unknown, ...infer Rest] ? Rest : never) {
  const started = await startEchoHub(KEY, ...args)
  open.push(started)
  return started
}

function echoes(key = KEY): Echoes {
  const made = openEchoes(HOME, key, systemClock)
  open.push(made)
  return made
}

const at = (port: number, address = '127.0.0.1') => ({ address, port })

/** How long it took, and what came of it. */
async function timed<Result>(work: () => Promise<Result>): Promise<[number, Result]> {
  const began = systemClock.now()
  const result = await work()
  return [systemClock.now() - began, result]
}

describe('an echo', () => {
  test.each(['127.0.0.1', '::1'])('to %s brings the hub’s word', async (address) => {
    const { port, requests } = await hub(undefined, { address })
    const endpoint = at(port, address)
    const answer = await echoes().ask(endpoint, { timeoutMs: 5_000 }, never)
    expect(answer).toEqual({ endpoint, roundTripMs: expect.any(Number), view: SAID })
    expect(answer!.roundTripMs).toBeGreaterThan(0)
    expect(requests[0]).toMatchObject({ home: HOME, bytes: 48, delaySeconds: 0 })
  })

  test('is as long as it was asked to be', async () => {
    const { port, requests } = await hub()
    expect(await echoes().ask(at(port), { timeoutMs: 5_000, bytes: 1400 }, never)).not.toBeNull()
    expect(requests[0]?.bytes).toBe(1400)
  })

  test('comes from another port each time', async () => {
    const { port, requests } = await hub()
    const mine = echoes()
    await Promise.all(Array.from({ length: 20 }, () => mine.ask(at(port), { timeoutMs: 5_000 }, never)))
    expect(new Set(requests.map(({ from }) => from)).size).toBe(20)
  })

  test('survives the loss of two datagrams: it goes out three times, with one nonce', async () => {
    const { port, requests } = await hub((_request, before) => before >= 2)
    const [milliseconds, answer] = await timed(() => echoes().ask(at(port), { timeoutMs: 5_000 }, never))
    expect(answer).not.toBeNull()
    expect(milliseconds).toBeGreaterThan(590)
    expect(requests).toHaveLength(3)
    expect(new Set(requests.map(({ nonce }) => nonce)).size).toBe(1)
    expect(new Set(requests.map(({ from }) => from)).size).toBe(1)
  })

  test('that is delayed goes out once', async () => {
    const { port, requests } = await hub(() => false)
    expect(await echoes().ask(at(port), { timeoutMs: 1_000, delaySeconds: 15 }, never)).toBeNull()
    expect(requests).toHaveLength(1)
    expect(requests[0]?.delaySeconds).toBe(15)
  })
})

describe('no answer is null', () => {
  test('when nobody answers in time', async () => {
    const { port, requests } = await hub(() => false)
    const [milliseconds, answer] = await timed(() => echoes().ask(at(port), { timeoutMs: 800 }, never))
    expect(answer).toBeNull()
    expect(milliseconds).toBeGreaterThan(790)
    expect(requests).toHaveLength(3)
  })

  test('when the answer bears another key’s tag', async () => {
    const { port } = await hub()
    expect(await echoes(echoKey('cd'.repeat(32))).ask(at(port), { timeoutMs: 300 }, never)).toBeNull()
  })

  test('when the port is closed: soon, though it was to wait for long', async () => {
    const { port, close } = await startEchoHub(KEY)
    await close()
    const [milliseconds, answer] = await timed(() => echoes().ask(at(port), { timeoutMs: 20_000 }, never))
    expect(answer).toBeNull()
    expect(milliseconds).toBeGreaterThan(1_590)
    expect(milliseconds).toBeLessThan(10_000)
  })

  test.each([
    ['a broadcast address, which the kernel refuses', '255.255.255.255'],
    ['a name', 'hub.example'],
    ['nothing', ''],
  ])('at once for %s', async (_what, address) => {
    const [milliseconds, answer] = await timed(() => echoes().ask(at(9, address), { timeoutMs: 20_000 }, never))
    expect(answer).toBeNull()
    expect(milliseconds).toBeLessThan(10_000)
  })

  test('when the signal ends it, before or in the midst', async () => {
    const { port } = await hub(() => false)
    const ending = new AbortController()
    const mine = echoes()
    const asked = timed(() => mine.ask(at(port), { timeoutMs: 20_000 }, ending.signal))
    setTimeout(() => ending.abort(), 50)
    expect(await asked).toEqual([expect.any(Number), null])
    expect((await asked)[0]).toBeLessThan(10_000)
    expect(await mine.ask(at(port), { timeoutMs: 20_000 }, ending.signal)).toBeNull()
  })

  test('when everything is closed', async () => {
    const { port } = await hub(() => false)
    const mine = echoes()
    const asked = timed(() => mine.ask(at(port), { timeoutMs: 20_000 }, never))
    setTimeout(() => mine.close(), 50)
    expect((await asked)[1]).toBeNull()
    expect((await asked)[0]).toBeLessThan(10_000)
    expect(await mine.ask(at(port), { timeoutMs: 20_000 }, never)).toBeNull()
  })
})

test('a port that opens in time is answered, though the first datagram was refused', async () => {
  const { port, close } = await startEchoHub(KEY)
  await close()
  const asked = echoes().ask(at(port), { timeoutMs: 20_000 }, never)
  setTimeout(() => void hub(undefined, { port }), 100)
  expect(await asked).not.toBeNull()
})
