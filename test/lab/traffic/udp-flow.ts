import type { Host } from '../host/host.ts'
import type { LabProcess } from '../host/process.ts'

/** How the far end sees a datagram's sender. */
interface SeenAs {
  readonly address: string
  readonly port: number
}

interface Ask {
  /** How long the far end waits with its answer. */
  readonly delayMs?: number
  /** Length of the UDP payload, both ways. */
  readonly bytes?: number
  /** When to give up, counted from the answer's due time. */
  readonly timeoutMs?: number
}

/** One UDP 5-tuple: the same socket for every question. */
export interface UdpFlow {
  readonly localPort: number
  /** Sends one datagram; undefined when no answer came. */
  ask(question?: Ask): Promise<SeenAs | undefined>
  close(): Promise<void>
}

/** Answers each datagram, after the delay it asks for, with the address it came from, in as many bytes. */
const ANSWERER = `
const socket = require('node:dgram').createSocket('udp4')
socket.on('message', (message, { address, port }) => {
  const { id, delayMs } = JSON.parse(message.toString())
  const answer = JSON.stringify({ id, address, port }).padEnd(message.length)
  setTimeout(() => socket.send(answer, port, address, () => {}), delayMs)
})
socket.on('error', () => {})
socket.bind(Number(process.argv[1]), '0.0.0.0', () => console.log('ready'))
`

/** Sends each line of standard input as a datagram, prints each answer as a line. */
const ASKER = `
const [address, port, localPort] = process.argv.slice(1)
const socket = require('node:dgram').createSocket('udp4')
socket.on('message', (message) => console.log('answer ' + message.toString().trim()))
socket.on('error', () => {})
socket.bind(Number(localPort), () => console.log('port ' + socket.address().port))
require('node:readline').createInterface({ input: process.stdin })
  .on('line', (line) => socket.send(line, Number(port), address, () => {}))
`

/** Answers on a UDP port of `host` until stopped. */
export async function answerUdp(host: Host, port: number): Promise<LabProcess> {
  const answerer = host.start(process.execPath, ['-e', ANSWERER, String(port)])
  await answerer.waitForLine(/^ready$/)
  return answerer
}

/** A flow from `host` to where `answerUdp` listens. */
export async function openUdpFlow(host: Host, address: string, port: number, localPort = 0): Promise<UdpFlow> {
  const asker = host.start(process.execPath, ['-e', ASKER, address, String(port), String(localPort)])
  const bound = await asker.waitForLine(/^port (\d+)$/)
  let lastId = 0
  return {
    localPort: Number(bound[1]),
    async ask({ delayMs = 0, bytes = 0, timeoutMs = 30_000 } = {}) {
      const id = ++lastId
      asker.write(`${JSON.stringify({ id, delayMs }).padEnd(bytes)}\n`)
      const answer = new RegExp(`^answer (\\{"id":${id},.*)`)
      const line = await asker.waitForLine(answer, { timeoutMs: delayMs + timeoutMs }).catch(() => undefined)
      if (line === undefined) return undefined
      const { address: from, port: fromPort } = JSON.parse(line[1] ?? '') as SeenAs
      return { address: from, port: fromPort }
    },
    close: async () => {
      await asker.kill()
      await asker.exited
    },
  }
}
