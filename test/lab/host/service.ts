import type { Host } from './host.ts'
import type { LabProcess } from './process.ts'

/** Says over TCP and UDP whom it sees, as `NAME sees ADDRESS`; TCP at once, UDP to each datagram. */
const SERVER = `
const [name, port] = process.argv.slice(1)
const plain = (address) => address.replace('::ffff:', '')
const line = (address) => name + ' sees ' + plain(address) + '\\n'
const tcp = require('node:net').createServer((socket) => {
  socket.on('error', () => undefined)
  socket.write(line(socket.remoteAddress))
  socket.on('data', (data) => socket.write(data))
})
const udp = require('node:dgram').createSocket('udp4')
udp.on('message', (_, from) => udp.send(line(from.address), from.port, from.address))
tcp.listen(Number(port), '0.0.0.0', () => udp.bind(Number(port), () => console.log('ready')))
`

/** Serves one port of a host; it lives as long as the host. */
export async function serveEcho(host: Host, name: string, port: number): Promise<LabProcess> {
  const server = host.start(process.execPath, ['-e', SERVER, name, String(port)])
  await server.waitForLine(/^ready$/)
  return server
}

const ASK = {
  tcp: `
const [host, port] = process.argv.slice(1)
const socket = require('node:net').connect(Number(port), host)
socket.setTimeout(10000, () => process.exit(3))
socket.on('error', (error) => { console.log(error.code); process.exit(4) })
socket.once('data', (data) => { process.stdout.write(data); process.exit(0) })
socket.on('end', () => process.exit(5))
`,
  udp: `
const [host, port] = process.argv.slice(1)
const socket = require('node:dgram').createSocket('udp4')
setTimeout(() => process.exit(3), 10000)
const ask = () => socket.send('?')
// As clients do: an answer from another address than the asked one is none. Refusals are asked again.
socket.on('error', () => undefined)
socket.connect(Number(port), host, () => { ask(); setInterval(ask, 500) })
socket.once('message', (data) => { process.stdout.write(data); process.exit(0) })
`,
}

/** What a service answers, e.g. `cam sees 198.18.0.20`; null when nothing comes within ten seconds. */
export async function askService(
  from: Host,
  protocol: 'tcp' | 'udp',
  address: string,
  port: number,
): Promise<string | null> {
  const args = ['-e', ASK[protocol], address, String(port)]
  const { exitCode, stdout } = await from.run(process.execPath, args, { allowFailure: true })
  return exitCode === 0 ? stdout.trim() : null
}
