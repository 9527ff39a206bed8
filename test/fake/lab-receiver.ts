import { readFileSync } from 'node:fs'
import { openAlertReceiver, type Manner } from './alert-receiver.ts'
import { serveLines } from './serve-lines.ts'

/** The receiver as a program on a host of the laboratory: `lab-receiver PORT KEY CERTIFICATE`. */
const [port, key = '', certificate = ''] = process.argv.slice(2)
const tls = { key: readFileSync(key, 'utf8'), certificate: readFileSync(certificate, 'utf8') }
const receiver = await openAlertReceiver(tls, { address: '0.0.0.0', port: Number(port) })

serveLines({ port: receiver.port }, async (request) => {
  const { what, path, manner } = request as {
    readonly what: 'received' | 'behave'
    readonly path?: string
    readonly manner?: Manner
  }
  if (what === 'received') return receiver.received
  if (path === undefined || manner === undefined) throw new TypeError('behave wants a path and a manner')
  return receiver.behave(path, manner)
})
