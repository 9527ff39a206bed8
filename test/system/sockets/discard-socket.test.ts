import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { discardSocket } from '../../../system/sockets/discard-socket.ts'

/** Brings a socket to the moment at which it is discarded. */
type Moment = (socket: Socket) => unknown

const MOMENTS: Readonly<Record<string, Moment>> = {
  'just made': () => undefined,
  'being bound': (socket) => socket.bind(0, '127.0.0.1'),
  bound: (socket) => once(socket.bind(0, '127.0.0.1'), 'listening'),
  'being connected, and bound for it': (socket) => socket.connect(9, '127.0.0.1'),
  'being connected, bound before': async (socket) => {
    await once(socket.bind(0, '127.0.0.1'), 'listening')
    socket.connect(9, '127.0.0.1')
  },
  connected: (socket) => new Promise<void>((resolve) => socket.connect(9, '127.0.0.1', resolve)),
  'sending, and bound for it': (socket) => socket.send('x', 9, '127.0.0.1'),
  // Nobody's address here (RFC 5737): binding fails, with a connect waiting for it.
  'failing to bind, with a connect queued': (socket) => {
    socket.bind(0, '192.0.2.1')
    socket.connect(9, '127.0.0.1')
  },
}

test.for(Object.keys(MOMENTS))('a socket that is %s is closed, and nobody hears of it', async (name) => {
  const socket = createSocket('udp4')
  let heard = 0
  for (const event of ['message', 'connect', 'error']) socket.on(event, () => (heard += 1))
  await MOMENTS[name]?.(socket)
  heard = 0
  const closed = new Promise<void>((resolve) => {
    discardSocket(socket)
    // After it, since one that takes all listeners away must not take this one. Without it the process would not end.
    socket.once('close', resolve)
  })
  await closed
  expect(heard).toBe(0)
})

test('one that is discarded twice is closed once', async () => {
  const socket = createSocket('udp4')
  discardSocket(socket)
  discardSocket(socket)
  await once(socket, 'close')
})
