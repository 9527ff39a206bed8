import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { fingerprintOf, makeCertificate } from '../../hub/settings/certificate.ts'
import { DeviceList } from '../../protocol/messages.ts'
import { callRegistrar } from '../../protocol/registrar-client.ts'
import { TRANSPORT_PROTOCOL, upgradeToTransport } from '../../protocol/registrar-upgrade.ts'
import { joinAs, type LoopbackHub, loopbackHub } from '../hub/loopback-hub.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const WAIT = { timeoutMs: 20_000 }
const listing = (bearer: string) =>
  ({ method: 'GET', path: '/v1/devices', answer: DeviceList, bearer, ...WAIT }) as const

/** A registrar on all addresses of this machine, as a home knows it that has an IPv6 literal of its hub. */
async function hubAt(host: string): Promise<LoopbackHub> {
  const scene = await loopbackHub()
  closing.push(scene.close)
  return { ...scene, registrar: { ...scene.registrar, host } }
}

describe.each(['::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::1%lo'])('a registrar at %s', (host) => {
  test('lets a home join, and answers it', async () => {
    const scene = await hubAt(host)
    const { bearer } = await joinAs(scene, 'cabin')
    expect(await callRegistrar(scene.registrar, listing(bearer))).toEqual({ devices: [] })
  })

  test('becomes a carrier', async () => {
    const scene = await hubAt(host)
    const { bearer } = await joinAs(scene, 'cabin')
    const { socket } = await upgradeToTransport(scene.registrar, bearer, AbortSignal.timeout(20_000))
    expect(socket.remoteFamily).toBe('IPv6')
    socket.destroy()
  })

  test('is told its own address as a URL takes it, when asked and when it becomes a carrier', async () => {
    const heard: (string | undefined)[] = []
    const tls = makeCertificate([])
    const server = createServer({ key: tls.key, cert: tls.certificate }, ({ headers }, answer) => {
      heard.push(headers.host)
      answer.end('{"devices":[]}')
    })
    server.on('upgrade', ({ headers }, stream) => {
      heard.push(headers.host)
      stream.end(`HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${TRANSPORT_PROTOCOL}\r\n\r\n`)
    })
    server.listen(0, '::')
    await once(server, 'listening')
    closing.push(async () => server.close())
    const { port } = server.address() as AddressInfo
    const registrar = { host, port, certificate: fingerprintOf(tls.certificate) }
    await callRegistrar(registrar, listing('cabin.x'))
    const { socket } = await upgradeToTransport(registrar, 'cabin.x', AbortSignal.timeout(20_000))
    socket.destroy()
    const field = `[${host === '::ffff:127.0.0.1' ? '::ffff:7f00:1' : '::1'}]:${port}`
    expect(heard).toEqual([field, field])
  })

  test('is named in brackets where it does not answer', async () => {
    const registrar = { host, port: 1, certificate: '00'.repeat(32) }
    await expect(callRegistrar(registrar, listing('cabin.x'))).rejects.toMatchObject({
      code: 'hub-unreachable',
      what: `asking the hub at [${host}]:1`,
    })
  })
})
