import { once } from 'node:events'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { TransportMetrics } from '../../../hub/transport/transports.ts'
import { hashOf } from '../../../hub/core/secret.ts'
import type { Problem } from '../../../problems/problem.ts'
import { frame, makeDeframer } from '../../../protocol/datagrams/frames.ts'
import { upgradeToTransport } from '../../../protocol/registrar-upgrade.ts'
import { sleep } from '../../../system/time/sleep.ts'
import { type WireguardEnd, wireguardEnd } from '../../agent/transport/carrier-ends.ts'
import { joinAs, type LoopbackHub, loopbackHub, newSecret } from '../loopback-hub.ts'
import { register } from '../registrar/registrar-calls.ts'

const GENEROUS = { timeout: 15_000, interval: 20 }

let wireguard: WireguardEnd
let scene: LoopbackHub
const clients: Client[] = []

beforeEach(async () => {
  wireguard = await wireguardEnd((text) => `hub heard ${text}`)
  scene = await loopbackHub(wireguard.port)
})
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy()
  await scene.close()
  await wireguard.close()
})

/** The home's end, as it is on the wire. */
interface Client {
  readonly socket: TLSSocket
  readonly seen: readonly string[]
  readonly send: (text: string) => void
  readonly closed: Promise<unknown>
}

async function connect(bearer: string): Promise<Client> {
  const { socket, head } = await upgradeToTransport(scene.registrar, bearer, AbortSignal.timeout(10_000))
  expect(head).toHaveLength(0)
  const seen: string[] = []
  const deframe = makeDeframer((datagram) => seen.push(String(datagram)))
  socket.on('error', () => undefined)
  const client: Client = {
    socket,
    seen,
    send: (text) => socket.write(frame(Buffer.from(text))),
    closed: new Promise((resolve) => socket.once('close', resolve)),
  }
  socket.on('data', deframe)
  clients.push(client)
  return client
}

const home = async (name: string): Promise<string> => (await joinAs(scene, name)).bearer
const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown: unknown) => (thrown as Problem).code,
  )
const carrierOf = async (name: string) => (await scene.hub.status()).homes.find((one) => one.name === name)?.carrier

async function answered(client: Client, text: string): Promise<void> {
  client.send(text)
  await vi.waitFor(() => expect(client.seen).toContain(`hub heard ${text}`), GENEROUS)
}

/** What is counted of the home once nothing more comes from WireGuard. */
async function settled(): Promise<TransportMetrics> {
  for (let before = await carrierOf('cabin'); ; ) {
    await sleep(200)
    const now = await carrierOf('cabin')
    if (now!.dropped === before?.dropped && now!.sentBytes === before.sentBytes) return now!
    before = now
  }
}

describe('carriers at the hub', { timeout: 40_000 }, () => {
  test('each home is a port of its own to WireGuard', async () => {
    const [cabin, lodge] = [await connect(await home('cabin')), await connect(await home('lodge'))]
    await answered(cabin, 'one')
    const port = wireguard.lastFrom
    await answered(lodge, 'two')
    expect(wireguard.lastFrom).not.toBe(port)
    expect([cabin.seen, lodge.seen]).toEqual([['hub heard one'], ['hub heard two']])
  })

  test('an empty datagram is answered with one, and WireGuard does not see it', async () => {
    const client = await connect(await home('cabin'))
    client.send('')
    await vi.waitFor(() => expect(client.seen).toEqual(['']), GENEROUS)
    expect(wireguard.seen).toEqual([])
  })

  test('a newer one of the same home takes the older one’s place', async () => {
    const bearer = await home('cabin')
    const old = await connect(bearer)
    const next = await connect(bearer)
    await old.closed
    await answered(next, 'one')
    expect(await carrierOf('cabin')).toMatchObject({ receivedBytes: 3 })
  })

  test('the 65th home is refused, one that comes again is not; when one ends there is room', async () => {
    const bearers: string[] = []
    for (let index = 0; index < 65; index += 1) bearers.push(await home(`home-${index}`))
    const [extra, first, ...others] = bearers as [string, string, ...string[]]
    const open = await connect(first)
    for (const other of others) await connect(other)
    expect(await codeOf(connect(extra))).toBe('carriers-full')
    await connect(first)
    await open.closed
    clients.at(-1)!.socket.destroy()
    await vi.waitFor(async () => expect(await codeOf(connect(extra))).toBe('none'), GENEROUS)
  })

  test('ends after 90 s without a word from the home, whatever the hub has sent', async () => {
    const bearer = await home('cabin')
    const client = await connect(bearer)
    await answered(client, 'one')
    const port = wireguard.lastFrom!
    scene.clock.turn(80_000)
    client.send('')
    await vi.waitFor(() => expect(client.seen).toContain(''), GENEROUS)
    scene.clock.turn(80_000)
    wireguard.send('still here', port)
    await vi.waitFor(() => expect(client.seen).toContain('still here'), GENEROUS)
    expect(await carrierOf('cabin')).toMatchObject({ seconds: 160 })
    scene.clock.turn(11_000)
    await client.closed
    expect(await carrierOf('cabin')).toBeNull()
    expect(scene.logged('a home’s TLS transport ended')).toMatchObject([{ home: 'cabin', seconds: 171 }])
  })

  test('what is no datagram ends that one, and no other', async () => {
    const [cabin, lodge] = [await connect(await home('cabin')), await connect(await home('lodge'))]
    cabin.socket.write(Buffer.from([0xff, 0xff, 1, 2, 3]))
    await cabin.closed
    await answered(lodge, 'two')
    expect(wireguard.seen).toEqual(['two'])
  })

  test('by the next secret is as good as by the present one, and goes on when that is the only one', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin')
    const next = newSecret()
    const nextBearer = `cabin.${next}`
    const says = { publicKey: request.publicKey, nextSecretHash: hashOf(next) }
    expect((await register(scene, bearer, says)).secretAwaited).toBe(true)
    const client = await connect(nextBearer)
    const { config } = scene.hub
    // The homes are told to all that serves them.
    await scene.hub.reconfigure({ ...config, mtu: 1400 })
    await answered(client, 'one')
    await register(scene, nextBearer, { publicKey: request.publicKey })
    await answered(client, 'two')
    expect(await codeOf(connect(bearer))).toBe('home-unknown')
  })

  test('ends with its home, with the registrar, and when the hub listens elsewhere', async () => {
    const bearer = await home('cabin')
    const client = await connect(bearer)
    const { config } = scene.hub
    await scene.hub.reconfigure({ ...config, mtu: 1400 })
    await answered(client, 'one')
    await scene.hub.reconfigure({ ...config, port: config.port + 1 })
    await client.closed
    await scene.hub.reconfigure(config)
    const second = await connect(bearer)
    await scene.hub.remove('cabin')
    await second.closed
    const third = await connect(await home('lodge'))
    const began = performance.now()
    await scene.close()
    expect(performance.now() - began).toBeLessThan(900)
    await third.closed
    scene = await loopbackHub()
  })

  test('a home that reads nothing costs a bounded queue; small datagrams still find room in it', {
    timeout: 40_000,
  }, async () => {
    const client = await connect(await home('cabin'))
    await answered(client, 'one')
    client.socket.pause()
    const port = wireguard.lastFrom!
    const bulk = 'x'.repeat(1_400)
    await vi.waitFor(
      async () => {
        for (let count = 0; count < 400; count += 1) wireguard.send(bulk, port)
        expect((await carrierOf('cabin'))?.dropped).toBeGreaterThan(1_000)
      },
      { timeout: 20_000, interval: 1 },
    )
    const { sentBytes, dropped } = await settled()
    for (let count = 0; count < 20; count += 1) wireguard.send('small', port)
    await vi.waitFor(async () => expect((await carrierOf('cabin'))?.sentBytes).toBe(sentBytes + 20 * 5), GENEROUS)
    expect((await carrierOf('cabin'))?.dropped).toBe(dropped)
    client.socket.resume()
    await vi.waitFor(() => expect(client.seen.filter((text) => text === 'small')).toHaveLength(20), GENEROUS)
  })
})

describe('who may not have a carrier', () => {
  test('wrong secrets are refused and counted as anywhere; a right one is served all the time', async () => {
    const bearer = await home('cabin')
    for (let count = 0; count < 20; count += 1)
      expect(await codeOf(connect(`cabin.${newSecret()}`))).toBe('home-unknown')
    expect(await codeOf(connect(`cabin.${newSecret()}`))).toBe('rate-limited')
    await answered(await connect(bearer), 'one')
    expect(JSON.stringify(scene.lines)).not.toContain(bearer.split('.')[1])
  })

  test.each([
    ['another place', 'GET /v1/other', 'homeward-carrier', /^HTTP\/1\.1 400 [^]*request-invalid/],
    ['another protocol', 'GET /v1/carrier', 'websocket', /^HTTP\/1\.1 400 [^]*request-invalid/],
    ['another method', 'POST /v1/carrier', 'homeward-carrier', /^HTTP\/1\.1 400 [^]*request-invalid/],
    ['nobody', 'GET /v1/carrier', 'homeward-carrier', /^HTTP\/1\.1 401 [^]*home-unknown/],
  ])('%s is refused, and the connection ends', async (_what, request, protocol, answer) => {
    const socket = connectTls({ host: '127.0.0.1', port: scene.registrar.port, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    socket.write(`${request} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: ${protocol}\r\n\r\n`)
    let text = ''
    for await (const part of socket) text += String(part)
    expect(text).toMatch(answer)
  })
})
