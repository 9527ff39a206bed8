import { createServer, type Server } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { makeTunnelProof } from '../../../agent/probes/tunnel-proof.ts'

const never = new AbortController().signal
const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close()
})

/** A TCP port of this machine that answers: by a listener, or by the kernel's refusal. */
async function hub(listens = true): Promise<{ readonly hubAddress: string; readonly port: number }> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  if (listens) servers.push(server)
  else await new Promise((resolve) => server.close(resolve))
  return { hubAddress: '127.0.0.1', port }
}

/** A proof whose readings of the counter are these, one after the other; the clock is turned by hand. */
function proof(
  target: { readonly hubAddress: string; readonly port: number; readonly from?: string },
  ...readings: readonly (number | null)[]
) {
  const left = [...readings]
  let now = 0
  const prove = makeTunnelProof({
    target: () => target,
    receivedBytes: async () => left.shift() ?? null,
    clock: { now: () => now, wall: () => new Date() },
  })
  return { prove: () => prove(never), left, go: (ms: number) => void (now += ms) }
}

test('a machine that answers is a proof where WireGuard received something meanwhile, listener or not', async () => {
  for (const listens of [true, false]) expect(await proof(await hub(listens), 100, 101).prove()).toBe(true)
})

test('an answer is none where the bytes did not grow, began again, or are not told', async () => {
  for (const readings of [[100, 100], [100, 40], [null], [100, null]] as const)
    expect(await proof(await hub(), ...readings).prove()).toBe(false)
})

test('bytes that grow are none where nobody answers', async () => {
  // The address is of no interface of this machine, so nothing leaves.
  const { prove, left } = proof({ ...(await hub()), from: '192.0.2.77' }, 100, 200)
  expect(await prove()).toBe(false)
  expect(left).toEqual([100, 200])
})

test('one proof after another compares with the reading of the one before; after a while it reads twice again', async () => {
  const { prove, go } = proof(await hub(), 100, 200, 300, 300, 400, 400, 500)
  expect(await prove()).toBe(true)
  go(6_000)
  expect(await prove()).toBe(true)
  go(6_000)
  expect(await prove()).toBe(false)
  // 400 is not compared with 300, which is too old: with the second reading, which is the same.
  go(6_001)
  expect(await prove()).toBe(false)
  expect(await prove()).toBe(true)
})

test('an end by the signal, or a reading that fails, is no proof and no error', async () => {
  const target = await hub()
  const ended = AbortSignal.abort()
  const clock = { now: () => 0, wall: () => new Date() }
  const failing = makeTunnelProof({
    target: () => target,
    receivedBytes: () => Promise.reject(new Error('gone')),
    clock,
  })
  expect(await failing(never)).toBe(false)
  expect(await failing(ended)).toBe(false)
})
