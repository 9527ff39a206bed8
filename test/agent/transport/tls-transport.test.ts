import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { type TlsTransport, openTlsTransport } from '../../../agent/transport/tls-transport.ts'
import type { Problem } from '../../../problems/problem.ts'
import { systemClock } from '../../../system/time/clock.ts'
import { joinAs, type LoopbackHub, loopbackHub } from '../../hub/loopback-hub.ts'
import { type WireguardEnd, wireguardEnd } from './carrier-ends.ts'
import { layLine, type UplinkFacts } from '../healing/fragile-line.ts'

const GENEROUS = { timeout: 15_000, interval: 20 }

let [hubEnd, homeEnd]: WireguardEnd[] = []
let scene: LoopbackHub
let line: UplinkFacts
let bearer: string
const carriers: TlsTransport[] = []

beforeEach(async () => {
  hubEnd = await wireguardEnd((text) => `hub heard ${text}`)
  homeEnd = await wireguardEnd()
  scene = await loopbackHub(hubEnd.port)
  line = await layLine(scene.registrar.port)
  bearer = (await joinAs(scene, 'cabin')).bearer
})
afterEach(async () => {
  for (const transport of carriers.splice(0)) {
    transport.close()
    await transport.ended
  }
  await line.close()
  await scene.close()
  await Promise.all([hubEnd!.close(), homeEnd!.close()])
})

async function open(how: { bearer?: string; hosts?: string[]; certificate?: string; signal?: AbortSignal } = {}) {
  const { certificate } = scene.registrar
  const registrar = { hosts: ['127.0.0.1'], port: line.port, certificate, ...how }
  const transport = await openTlsTransport(
    registrar,
    how.bearer ?? bearer,
    systemClock,
    how.signal ?? new AbortController().signal,
  )
  carriers.push(transport)
  return transport
}

const codeOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'none',
    (thrown: unknown) => (thrown as Problem).code,
  )

/** Says it until it is answered: over a line that just came back a datagram may be lost. */
async function reached(transport: TlsTransport, text: string): Promise<void> {
  await vi.waitFor(() => {
    homeEnd!.send(text, transport.endpoint.port)
    expect(homeEnd!.seen).toContain(`hub heard ${text}`)
  }, GENEROUS)
}

/** Cuts the connection, and waits until the home has tried without success to come back. */
async function leaveAway(): Promise<void> {
  line.refuse()
  line.cut()
  await vi.waitFor(() => expect(line.refused).toBeGreaterThan(0), GENEROUS)
}

describe('a carrier', { timeout: 40_000 }, () => {
  test('takes datagrams to the hub’s WireGuard and its answers back, and counts both', async () => {
    const transport = await open()
    expect(transport.endpoint.address).toBe('127.0.0.1')
    homeEnd!.send('one', transport.endpoint.port)
    await vi.waitFor(() => expect(homeEnd!.seen).toEqual(['hub heard one']), GENEROUS)
    expect(hubEnd!.seen).toEqual(['one'])
    expect(transport.counts()).toEqual({ sentBytes: 3, receivedBytes: 13, dropped: 0 })
    const [home] = (await scene.hub.status()).homes
    expect(home?.carrier).toMatchObject({ sentBytes: 13, receivedBytes: 3, dropped: 0 })
    expect(scene.logged('a home comes over TCP')).toMatchObject([{ home: 'cabin' }])
    expect(JSON.stringify(scene.lines)).not.toContain(bearer.split('.')[1])
  })

  test('answers WireGuard where it listens now, not where it did', async () => {
    const transport = await open()
    await reached(transport, 'one')
    const elsewhere = await wireguardEnd()
    elsewhere.send('two', transport.endpoint.port)
    await vi.waitFor(() => expect(elsewhere.seen).toContain('hub heard two'), GENEROUS)
    expect(homeEnd!.seen).not.toContain('hub heard two')
    await elsewhere.close()
  })

  test('whose connection is cut reconnects at the same port, and what was said meanwhile arrives', async () => {
    const transport = await open()
    await reached(transport, 'one')
    await leaveAway()
    homeEnd!.send('while away', transport.endpoint.port)
    line.accept()
    await reached(transport, 'two')
    expect(hubEnd!.seen).toContain('while away')
    expect(line.connections).toBe(2)
    expect((await scene.hub.status()).homes[0]?.carrier).not.toBeNull()
  })

  test('notices within ten seconds that a line is dead that says nothing, and goes on over another', {
    timeout: 30_000,
  }, async () => {
    const transport = await open()
    await reached(transport, 'one')
    line.stall()
    const began = performance.now()
    await reached(transport, 'two')
    expect(performance.now() - began).toBeLessThan(12_000)
    expect(line.connections).toBe(2)
  })

  test('a silent tunnel is no dead line: the hub answers when it is asked', async () => {
    const mute = await wireguardEnd()
    await scene.close()
    scene = await loopbackHub(mute.port)
    bearer = (await joinAs(scene, 'cabin')).bearer
    await line.close()
    line = await layLine(scene.registrar.port)
    const transport = await open()
    const until = performance.now() + 11_000
    while (performance.now() < until) {
      homeEnd!.send('anybody?', transport.endpoint.port)
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
    expect(line.connections).toBe(1)
    expect(mute.seen.length).toBeGreaterThan(40)
    await mute.close()
  })

  test('keeps at most 128 datagrams while away, and drops the rest', async () => {
    const transport = await open()
    await reached(transport, 'one')
    await leaveAway()
    expect((await scene.hub.status()).homes[0]?.carrier).toBeNull()
    await vi.waitFor(() => {
      for (let count = 0; count < 20; count += 1) homeEnd!.send('away', transport.endpoint.port)
      expect(transport.counts().dropped).toBeGreaterThan(10)
    }, GENEROUS)
    line.accept()
    await reached(transport, 'two')
    expect(hubEnd!.seen.filter((text) => text === 'away').length).toBeLessThanOrEqual(128)
  })

  test('that is held lets nothing out, and hears; released it goes on', async () => {
    const transport = await open()
    await reached(transport, 'one')
    transport.hold()
    homeEnd!.send('held', transport.endpoint.port)
    await vi.waitFor(() => expect(hubEnd!.seen).toContain('held'), GENEROUS)
    // Each is answered, the late ones of the beginning too.
    const answered = (): number => homeEnd!.seen.length + transport.counts().dropped
    await vi.waitFor(() => expect(answered()).toBe(hubEnd!.seen.length), GENEROUS)
    expect(transport.counts().dropped).toBeGreaterThan(0)
    transport.release()
    await reached(transport, 'two')
    expect(homeEnd!.seen).not.toContain('hub heard held')
    expect(line.connections).toBe(1)
  })

  test('ends with the reason when its home is removed at the hub', async () => {
    const transport = await open()
    await reached(transport, 'one')
    await scene.hub.remove('cabin')
    expect(await transport.ended).toMatch(/knows no home with this secret/)
    expect(await codeOf(open())).toBe('home-unknown')
  })

  test('that is closed, or whose signal ends it, leaves nothing open', async () => {
    const ending = new AbortController()
    for (const end of [(transport: TlsTransport) => transport.close(), () => ending.abort()]) {
      const transport = await open({ signal: ending.signal })
      await reached(transport, 'one')
      end(transport)
      expect(await transport.ended).toBe('it was closed')
      await vi.waitFor(async () => expect((await scene.hub.status()).homes[0]?.carrier).toBeNull(), GENEROUS)
    }
    expect(await codeOf(open({ signal: ending.signal }))).toBe('hub-unreachable')
  })

  test('goes to the next host when the first is not reached, and never to one with another certificate', async () => {
    const transport = await open({ hosts: ['no-such-host.invalid', '127.0.0.1'] })
    await reached(transport, 'one')
    expect(await codeOf(open({ certificate: '00'.repeat(32) }))).toBe('certificate-mismatch')
    line.refuse()
    expect(await codeOf(open())).toBe('hub-unreachable')
  })
})
