import { createSocket, type Socket, type SocketType } from 'node:dgram'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type EchoResponder, makeEchoResponder } from '../../../hub/presence/echo-responder.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import type { Home } from '../../../hub/core/store-document.ts'
import {
  ECHO_BYTES,
  type EchoRequest,
  type EchoKey,
  echoKey,
  encodeEchoAnswer,
  encodeEchoRequest,
  type PeerView,
  readEchoAnswer,
} from '../../../protocol/datagrams/echo.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { parsePublicKey } from '../../../wireguard/keys.ts'
import { captureLog } from '../captured-log.ts'
import { type TurnedClock, turnedClock } from '../turned-clock.ts'

const cabin: Home = {
  name: 'cabin',
  address: '10.86.0.2',
  publicKey: parsePublicKey(`${'A'.repeat(43)}=`),
  secretHash: hashOf('x'),
  lan: [],
  joinedAt: '2026-11-23T10:00:00.000Z',
}
const KEY = echoKey(cabin.secretHash)
const SAID: PeerView = { peerKnown: true, handshakeSeconds: 12, heardSeconds: 0.5, initiatedSeconds: null }

let port: number
let responder: EchoResponder
let clock: TurnedClock
let lines: readonly Record<string, unknown>[]
let asked: [string, string][]
let nonce = 0n
const sockets: Socket[] = []

beforeEach(async () => {
  port = await freePort()
  clock = turnedClock()
  asked = []
  const captured = captureLog()
  lines = captured.lines
  const view = async (home: Home, source: string): Promise<PeerView> => {
    asked.push([home.name, source])
    return SAID
  }
  responder = makeEchoResponder(view, clock, captured.log, port)
  responder.serve([cabin])
})
afterEach(() => {
  responder.close()
  for (const socket of sockets.splice(0)) socket.close()
})

async function freePort(): Promise<number> {
  const socket = createSocket('udp4')
  socket.bind(0)
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  return port
}

function request(more: Partial<EchoRequest> = {}): EchoRequest {
  nonce += 1n
  return { home: cabin.address, nonce, delaySeconds: 0, bytes: ECHO_BYTES, ...more }
}

/** A home's socket and everything that came to it. */
async function principal(type: SocketType = 'udp4') {
  const socket = createSocket(type)
  sockets.push(socket)
  const heard: Buffer[] = []
  socket.on('message', (datagram) => heard.push(datagram))
  socket.connect(port, type === 'udp4' ? '127.0.0.1' : '::1')
  // The kernel says so when nothing listens yet.
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return {
    heard,
    send: (datagram: Uint8Array) => socket.send(datagram, () => undefined),
    /** Until `count` answers came; what came when they do not within twenty seconds. */
    until: async (count: number) => {
      const signal = AbortSignal.timeout(20_000)
      while (heard.length < count && !signal.aborted) await once(socket, 'message', { signal }).catch(() => undefined)
      return heard
    },
  }
}
type Principal = Awaited<ReturnType<typeof principal>>

/** Asks until an answer comes: the responder may still be opening its socket. */
async function begin(type: SocketType = 'udp4'): Promise<Principal> {
  const mine = await principal(type)
  for (let attempt = 0; attempt < 500 && mine.heard.length === 0; attempt += 1) {
    mine.send(encodeEchoRequest(request(), KEY))
    await wait(20)
  }
  expect(mine.heard.length).toBeGreaterThan(0)
  mine.heard.length = 0
  return mine
}

/** Whatever was asked before, was it answered? An echo behind it tells, since they are answered in turn. */
async function answersUpToNow(mine: Principal): Promise<readonly Buffer[]> {
  const last = request()
  mine.send(encodeEchoRequest(last, KEY))
  const isLast = (datagram: Buffer): boolean => readEchoAnswer(datagram, KEY)?.nonce === last.nonce
  while (!mine.heard.some(isLast)) await mine.until(mine.heard.length + 1)
  return mine.heard.filter((datagram) => !isLast(datagram))
}

describe('an echo', () => {
  test.each(['udp4', 'udp6'] as const)(
    'is answered over %s with what the hub knows, in as many bytes',
    async (type) => {
      const mine = await begin(type)
      for (const bytes of [48, 700, 1472]) {
        const sent = request({ bytes })
        mine.send(encodeEchoRequest(sent, KEY))
        const [answer] = await mine.until(1)
        expect(readEchoAnswer(answer!, KEY)).toEqual({ nonce: sent.nonce, seen: SAID, bytes })
        expect(answer).toHaveLength(bytes)
        mine.heard.length = 0
      }
      expect(asked.at(-1)).toEqual(['cabin', type === 'udp4' ? '127.0.0.1' : '::1'])
    },
  )

  test('of a stranger, of another key, and garbage are met with silence', async () => {
    const mine = await begin()
    mine.send(encodeEchoRequest(request({ home: '10.86.0.9' }), KEY))
    mine.send(encodeEchoRequest(request(), echoKey(hashOf('y'))))
    mine.send(encodeEchoAnswer(request(), SAID, KEY))
    for (const garbage of [Buffer.alloc(0), Buffer.alloc(48), Buffer.alloc(2000, 0x68)]) mine.send(garbage)
    expect(await answersUpToNow(mine)).toEqual([])
  })

  test('of a home that was removed or joined anew is not answered any more', async () => {
    const mine = await begin()
    const anew: Home = { ...cabin, secretHash: hashOf('new') }
    responder.serve([anew])
    mine.send(encodeEchoRequest(request(), KEY))
    mine.send(encodeEchoRequest(request(), echoKey(anew.secretHash)))
    await mine.until(1)
    expect(mine.heard.map((datagram) => readEchoAnswer(datagram, echoKey(anew.secretHash)))).not.toContain(null)
  })

  test('are answered by either secret until the home came by the next one', async () => {
    const mine = await begin()
    const next = hashOf('next')
    const heardBy = (key: EchoKey) => mine.heard.filter((datagram) => readEchoAnswer(datagram, key) !== null).length
    responder.serve([{ ...cabin, nextSecretHash: next }])
    for (const key of [KEY, echoKey(next)]) mine.send(encodeEchoRequest(request(), key))
    await mine.until(2)
    expect([heardBy(KEY), heardBy(echoKey(next))]).toEqual([1, 1])
    responder.serve([{ ...cabin, secretHash: next }])
    for (const key of [KEY, echoKey(next)]) mine.send(encodeEchoRequest(request(), key))
    await mine.until(3)
    expect([heardBy(KEY), heardBy(echoKey(next))]).toEqual([1, 2])
  })

  test('comes 60 at once and 30 a second at most, whatever is asked', async () => {
    const mine = await begin()
    clock.turn(60_000)
    // A few at a time, so that no socket's buffer is what limits them.
    const flood = async (count: number): Promise<void> => {
      for (let sent = 0; sent < count; sent += 20) {
        for (let index = 0; index < 20; index += 1) mine.send(encodeEchoRequest(request(), KEY))
        await wait(10)
      }
    }
    await flood(200)
    await mine.until(60)
    clock.turn(1_000)
    await flood(100)
    await mine.until(90)
    await wait(100)
    expect(mine.heard).toHaveLength(90)
  })

  test('costs the hub 80 kB at once at most', async () => {
    const mine = await begin()
    clock.turn(60_000)
    for (let index = 0; index < 60; index += 1) mine.send(encodeEchoRequest(request({ bytes: 1472 }), KEY))
    await mine.until(54)
    await wait(100)
    expect(mine.heard).toHaveLength(54)
  })

  test('leaves no line in the log', async () => {
    const mine = await begin()
    const before = lines.length
    for (const key of [KEY, echoKey(hashOf('y'))]) mine.send(encodeEchoRequest(request(), key))
    await answersUpToNow(mine)
    expect(lines).toHaveLength(before)
  })
})

describe('a delayed echo', () => {
  test('comes when it was asked for, once for each nonce', async () => {
    const mine = await begin()
    const sent = encodeEchoRequest(request({ delaySeconds: 1 }), KEY)
    const began = systemClock.now()
    for (let index = 0; index < 3; index += 1) mine.send(sent)
    await mine.until(1)
    // A timer of Node's may end a millisecond early.
    expect(systemClock.now() - began).toBeGreaterThan(990)
    mine.send(sent)
    await wait(1_200)
    expect(await answersUpToNow(mine)).toHaveLength(1)
  })

  test('is one of 16 a home at most', async () => {
    const mine = await begin()
    for (let index = 0; index < 20; index += 1) mine.send(encodeEchoRequest(request({ delaySeconds: 1 }), KEY))
    await mine.until(16)
    await wait(300)
    expect(mine.heard).toHaveLength(16)
  })

  test('of more than five minutes, or of a home that is gone by then, never comes', async () => {
    const mine = await begin()
    mine.send(encodeEchoRequest(request({ delaySeconds: 301 }), KEY))
    mine.send(encodeEchoRequest(request({ delaySeconds: 1 }), KEY))
    expect(await answersUpToNow(mine)).toEqual([])
    responder.serve([])
    responder.serve([cabin])
    mine.heard.length = 0
    await wait(1_200)
    expect(mine.heard).toEqual([])
  })

  test('outlives a change of anything but the secret', async () => {
    const mine = await begin()
    const delayed = request({ delaySeconds: 1 })
    mine.send(encodeEchoRequest(delayed, KEY))
    await answersUpToNow(mine)
    responder.serve([{ ...cabin, lan: ['192.168.1.0/24'] }])
    const nonces = (await mine.until(2)).map((datagram) => readEchoAnswer(datagram, KEY)?.nonce)
    expect(nonces).toContain(delayed.nonce)
  })
})

test('a port that is taken is waited for; said once, and answered when it comes', async () => {
  responder.close()
  const blocker = createSocket('udp4')
  blocker.bind({ port, exclusive: true })
  await once(blocker, 'listening')
  const captured = captureLog()
  responder = makeEchoResponder(async () => SAID, clock, captured.log, port)
  responder.serve([cabin])
  const complaints = () => captured.lines.filter((line) => line['msg'] === 'cannot answer echoes yet')
  await vi.waitFor(() => expect(complaints()).toHaveLength(1))
  await wait(1_500)
  expect(complaints()).toHaveLength(1)
  blocker.close()
  const mine = await principal()
  for (let attempt = 0; attempt < 200 && mine.heard.length === 0; attempt += 1) {
    clock.turn(1_000)
    mine.send(encodeEchoRequest(request(), KEY))
    await wait(100)
  }
  expect(mine.heard.length).toBeGreaterThan(0)
})
