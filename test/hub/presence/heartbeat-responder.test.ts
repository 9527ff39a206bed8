import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type HeartbeatResponder, makeHeartbeatResponder } from '../../../hub/presence/heartbeat-responder.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import type { Home } from '../../../hub/core/store-document.ts'
import { decodeAnswer, encodeRequest, type HeartbeatAnswer } from '../../../protocol/datagrams/heartbeat.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { parsePublicKey, type PublicKey } from '../../../wireguard/keys.ts'
import type { Endpoint } from '../../../wireguard/spec.ts'
import { captureLog } from '../captured-log.ts'

// All of 127.0.0.0/8 is this machine, so that hub and homes have addresses of their own.
const HUB = '127.86.0.1'
const CABIN = '127.86.0.2'
const STRANGER = '127.86.0.3'
const KEY = parsePublicKey(`${'A'.repeat(43)}=`)
const cabin: Home = {
  name: 'cabin',
  address: CABIN,
  publicKey: KEY,
  secretHash: hashOf('x'),
  lan: [],
  joinedAt: '2026-11-23T10:00:00.000Z',
}

let endpoints: Map<PublicKey, Endpoint>
let responder: HeartbeatResponder
let port: number
let lines: readonly Record<string, unknown>[]
const sockets: Socket[] = []

beforeEach(async () => {
  endpoints = new Map([[KEY, { address: '198.51.100.11', port: 40233 }]])
  port = await freePort()
  const captured = captureLog()
  lines = captured.lines
  responder = makeHeartbeatResponder((key) => seen(key), systemClock, captured.log, port)
})
afterEach(() => {
  responder.close()
  for (const socket of sockets.splice(0)) socket.close()
})

function seen(key: PublicKey) {
  const endpoint = endpoints.get(key)
  return endpoint === undefined ? null : { endpoint, rxBytes: 0, txBytes: 0 }
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0, HUB)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

async function bound(address: string): Promise<Socket> {
  const socket = createSocket('udp4')
  sockets.push(socket)
  socket.bind(0, address)
  await once(socket, 'listening')
  return socket
}

/** Asks until an answer comes; null when none does. */
async function beat(socket: Socket, datagram: Uint8Array, tries = 20): Promise<HeartbeatAnswer | null> {
  for (let attempt = 0; attempt < tries; attempt += 1) {
    socket.send(datagram, port, HUB)
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(100) }) as Promise<[Uint8Array]>
    const [answer] = await answered.catch(() => [null])
    if (answer !== null) return decodeAnswer(answer)
  }
  return null
}

test('a home is told its mapping, and its heartbeat is remembered', async () => {
  responder.serve(HUB, [cabin], () => false)
  expect(responder.heardSeconds(CABIN)).toBeNull()
  const answer = await beat(await bound(CABIN), encodeRequest(7))
  expect(answer).toEqual({
    sequence: 7,
    endpoint: { address: '198.51.100.11', port: 40233 },
    inUse: false,
    asks: false,
  })
  expect(responder.heardSeconds(CABIN)).toBeLessThan(5)
})

test('while the witness has not looked, the answer says so', async () => {
  endpoints.clear()
  responder.serve(HUB, [cabin], () => false)
  expect(await beat(await bound(CABIN), encodeRequest(1))).toEqual({
    sequence: 1,
    endpoint: null,
    inUse: false,
    asks: false,
  })
})

test('strangers and garbage get no answer, and it goes on', async () => {
  responder.serve(HUB, [cabin], () => false)
  const home = await bound(CABIN)
  expect(await beat(home, encodeRequest(1))).not.toBeNull()
  expect(await beat(await bound(STRANGER), encodeRequest(2), 3)).toBeNull()
  for (const garbage of [Buffer.alloc(0), Buffer.alloc(12), Buffer.alloc(60_000, 0xff)])
    expect(await beat(home, garbage, 2)).toBeNull()
  expect(await beat(home, encodeRequest(3))).toMatchObject({ sequence: 3 })
})

test('a home that was removed is no longer answered; the others keep what is remembered of them', async () => {
  const lodge: Home = { ...cabin, name: 'lodge', address: STRANGER, publicKey: parsePublicKey(`${'B'.repeat(42)}A=`) }
  responder.serve(HUB, [cabin, lodge], () => false)
  const [home, other] = [await bound(CABIN), await bound(STRANGER)]
  expect(await beat(home, encodeRequest(1))).not.toBeNull()
  expect(await beat(other, encodeRequest(1))).not.toBeNull()
  responder.serve(HUB, [cabin], () => false)
  expect(await beat(other, encodeRequest(2), 3)).toBeNull()
  expect(responder.heardSeconds(CABIN)).not.toBeNull()
  expect(responder.heardSeconds(STRANGER)).toBeNull()
})

test('another key at the same address has not been heard yet', async () => {
  responder.serve(HUB, [cabin], () => false)
  expect(await beat(await bound(CABIN), encodeRequest(1))).not.toBeNull()
  responder.serve(HUB, [{ ...cabin, publicKey: parsePublicKey(`${'B'.repeat(42)}A=`) }], () => false)
  expect(responder.heardSeconds(CABIN)).toBeNull()
})

test('an address that is not there yet is waited for; said once, and answered when it comes', async () => {
  const blocker = createSocket('udp4')
  blocker.bind({ port, address: HUB, exclusive: true })
  await once(blocker, 'listening')
  responder.serve(HUB, [cabin], () => false)
  const home = await bound(CABIN)
  expect(await beat(home, encodeRequest(1), 14)).toBeNull()
  expect(lines.map((line) => line['msg'])).toEqual(['cannot answer heartbeats yet'])
  blocker.close()
  expect(await beat(home, encodeRequest(2))).toMatchObject({ sequence: 2 })
})

test('an address that no interface has yet, as at a boot, is no warning', async () => {
  // Of nobody (RFC 5737). Bound again after a second, and a second time: not complained of by then.
  responder.serve('192.0.2.1', [cabin], () => false)
  await new Promise((resolve) => setTimeout(resolve, 2_500))
  expect(lines).toEqual([])
  responder.serve(HUB, [cabin], () => false)
  expect(await beat(await bound(CABIN), encodeRequest(1))).not.toBeNull()
})

test('after the end nothing is answered and nothing is bound again', async () => {
  responder.serve(HUB, [cabin], () => false)
  const home = await bound(CABIN)
  expect(await beat(home, encodeRequest(1))).not.toBeNull()
  responder.close()
  expect(await beat(home, encodeRequest(2), 3)).toBeNull()
})
