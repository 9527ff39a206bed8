import { type AskedProgram, askedProgram } from './asked-program.ts'
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

/** Serves one port of a host; it lives as long as the host. @param as the words before the program; such as setpriv; default: none. */
export async function serveEcho(
  host: Host,
  name: string,
  port: number,
  as: readonly string[] = [],
): Promise<LabProcess> {
  const [command, ...words] = [...as, process.execPath, '-e', SERVER, name, String(port)]
  const server = host.start(command, words)
  await server.waitForLine(/^ready$/)
  return server
}

/** One program for all questions of a host: a start of Node's each costs more than what is asked. */
const ASKER = `
const from = { tcp, udp }
function tcp(port, host, done) {
  const socket = require('node:net').connect(port, host)
  const end = (said) => { socket.destroy(); done(said) }
  socket.setTimeout(10000, () => end(null))
  socket.on('error', () => end(null))
  socket.once('data', (data) => end(String(data)))
  socket.on('end', () => end(null))
}
function udp(port, host, done) {
  const socket = require('node:dgram').createSocket('udp4')
  const late = setTimeout(() => end(null), 10000)
  let asking
  const end = (said) => { clearTimeout(late); clearInterval(asking); socket.close(); done(said) }
  const ask = () => socket.send('?')
  // As clients do: an answer from another address than the asked one is none. Refusals are asked again.
  socket.on('error', () => undefined)
  socket.connect(port, host, () => { ask(); asking = setInterval(ask, 500) })
  socket.once('message', (data) => end(String(data)))
}
const say = (id, answer) => console.log(JSON.stringify({ id, answer }))
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, protocol, address, port } = JSON.parse(line)
  from[protocol](port, address, (said) => say(id, said))
})
say(0, null)
`

interface Asker {
  /** The host's first process, another one after a reboot: the program died with that. */
  readonly boot: number
  readonly program: Promise<AskedProgram>
}
const askers = new WeakMap<Host, Asker>()

/** What a service answers, e.g. `cam sees 198.18.0.20`; null when nothing comes within ten seconds. */
export async function askService(
  from: Host,
  protocol: 'tcp' | 'udp',
  address: string,
  port: number,
): Promise<string | null> {
  const said = await (await askerOf(from)).ask<string | null>({ protocol, address, port })
  return said?.trim() ?? null
}

function askerOf(host: Host): Promise<AskedProgram> {
  const known = askers.get(host)
  if (known?.boot === host.pid) return known.program
  const program = startAsker(host)
  askers.set(host, { boot: host.pid, program })
  return program
}

async function startAsker(host: Host): Promise<AskedProgram> {
  const asker = askedProgram(`what asks services on ${host.name}`)
  await asker.begin(host.start(process.execPath, ['-e', ASKER]))
  return asker
}
