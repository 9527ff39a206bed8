import { createSocket } from 'node:dgram'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { type HeartbeatSocket, openHeartbeats } from '../../../agent/probes/heartbeat.ts'
import { decodeRequest, encodeAnswer, type HeartbeatAnswer } from '../../../protocol/datagrams/heartbeat.ts'
import { type HeartbeatHub, startHeartbeatHub } from './heartbeat-hub.ts'

const open: (HeartbeatSocket | HeartbeatHub)[] = []
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

function beats(port: number, from: string | null = '127.0.0.1') {
  const answers: HeartbeatAnswer[] = []
  const refusals: string[] = []
  const socket = openHeartbeats({ from, hubAddress: '127.0.0.1', port }, (heard) => {
    if (heard === 'refused') refusals.push(heard)
    else answers.push(heard)
  })
  open.push(socket)
  return { socket, answers, refusals }
}

async function hub(port = 0): Promise<HeartbeatHub> {
  const started = await startHeartbeatHub(port)
  open.push(started)
  return started
}

describe('heartbeats', () => {
  test('the first one is sent and answered, though the socket is opened only then', async () => {
    const { port } = await hub()
    const { socket, answers } = beats(port)
    socket.send(7)
    await vi.waitFor(() =>
      expect(answers).toEqual([
        { sequence: 7, endpoint: { address: '198.51.100.11', port: 40_233 }, inUse: false, asks: false },
      ]),
    )
  })

  test('from an address that is not there are lost, and nothing is thrown', async () => {
    const { port, sequences } = await hub()
    const { socket, answers } = beats(port, '192.0.2.77')
    for (let sequence = 0; sequence < 5; sequence += 1) {
      socket.send(sequence)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect([answers, sequences]).toEqual([[], []])
  })

  test('through a router take another port when they are not answered, and late answers still count', async () => {
    const ports: number[] = []
    const server = createSocket('udp4')
    server.on('message', (datagram, sender) => {
      if (!ports.includes(sender.port)) ports.push(sender.port)
      const { sequence } = decodeRequest(datagram)!
      // As a flow that the router leads elsewhere: the first is answered too late, and by nobody else.
      if (ports.length === 1) return
      if (ports.length === 2)
        server.send(encodeAnswer({ sequence: 0, endpoint: null, inUse: false, asks: false }), ports[0])
      server.send(encodeAnswer({ sequence, endpoint: null, inUse: false, asks: false }), sender.port)
    })
    await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve))
    open.push({ close: () => server.close() } as unknown as HeartbeatSocket)
    const { socket, answers } = beats(server.address().port, null)
    for (let sequence = 1; answers.length < 2; sequence += 1) {
      socket.send(sequence)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(ports).toHaveLength(2)
    expect(answers.map(({ sequence }) => sequence)).toContain(0)
  })

  test('go on when the hub’s daemon comes back', async () => {
    const first = await hub()
    const { socket, answers } = beats(first.port)
    socket.send(1)
    await vi.waitFor(() => expect(answers.length).toBe(1))
    await first.close()
    open.splice(open.indexOf(first), 1)
    // Refused by the kernel now (ICMP port unreachable).
    socket.send(2)
    socket.send(3)
    await hub(first.port)
    await vi.waitFor(() => {
      socket.send(4)
      expect(answers.at(-1)?.sequence).toBe(4)
    })
  })

  test('a machine where nobody listens says so, and that is heard', async () => {
    const gone = await hub()
    await gone.close()
    open.splice(open.indexOf(gone), 1)
    const { socket, answers, refusals } = beats(gone.port)
    await vi.waitFor(() => {
      socket.send(1)
      expect(refusals.length).toBeGreaterThan(0)
    })
    expect(answers).toEqual([])
  })
})
