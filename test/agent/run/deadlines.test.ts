import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as v from 'valibot'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openTlsLink } from '../../../agent/transport/tls-link.ts'
import { callRegistrar } from '../../../protocol/registrar-client.ts'
import { systemClock } from '../../../system/time/clock.ts'

/** Somebody who takes connections and says nothing, while the garbage collector runs again and again. */
let silent: Server
let taken: Socket[]
let collecting: NodeJS.Timeout
beforeEach(async () => {
  taken = []
  silent = createServer((socket) => taken.push(socket)).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  collecting = setInterval(collect, 100)
})
afterEach(() => {
  clearInterval(collecting)
  for (const socket of taken) socket.destroy()
  silent.close()
})

const registrar = () => ({ port: (silent.address() as AddressInfo).port, certificate: '00'.repeat(32) })
const forever = new AbortController().signal

test('a call of a silent registrar ends in time, with a signal of its caller’s too', async () => {
  const call = { method: 'GET', path: '/x', answer: v.object({}), timeoutMs: 1_000, signal: forever } as const
  await expect(callRegistrar({ host: '127.0.0.1', ...registrar() }, call)).rejects.toMatchObject({
    code: 'hub-unreachable',
    why: 'no answer in time',
  })
})

test('a carrier to a silent registrar is given up in time', async () => {
  const paths = { hosts: ['127.0.0.1'], ...registrar() }
  await expect(openTlsLink(paths, 'cabin.secret', systemClock, forever, () => undefined)).rejects.toMatchObject({
    code: 'hub-unreachable',
    why: 'no answer in time',
  })
})
