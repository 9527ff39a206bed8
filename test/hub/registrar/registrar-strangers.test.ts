import { connect as connectTcp } from 'node:net'
import { once } from 'node:events'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { joinAs, joinRequestFor, type LoopbackHub, loopbackHub, newKey, newSecret } from '../loopback-hub.ts'
import { codeOf, join, register } from './registrar-calls.ts'

let scene: LoopbackHub
beforeEach(async () => {
  scene = await loopbackHub()
})
afterEach(() => scene.close())

describe('wrong secrets', () => {
  test('are limited by their number; a right one from the same address is served all the time; a minute later it is over', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin')
    const wrong = () => codeOf(register(scene, `cabin.${newSecret()}`, { publicKey: request.publicKey }))
    for (let count = 0; count < 20; count += 1) expect(await wrong()).toBe('home-unknown')
    expect(await wrong()).toBe('rate-limited')
    expect(await codeOf(register(scene, bearer, { publicKey: request.publicKey }))).toBe('none')
    expect(await codeOf(join(scene, await joinRequestFor(scene, 'lodge')))).toBe('none')
    scene.clock.turn(60_000)
    expect(await wrong()).toBe('home-unknown')
  })

  test('no secret stands in any line of the log', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin')
    await register(scene, bearer, { publicKey: request.publicKey })
    await codeOf(register(scene, 'cabin.hunter2', { publicKey: request.publicKey }))
    const text = JSON.stringify(scene.lines)
    for (const secret of [request.joinSecret, request.homeSecret, 'hunter2']) expect(text).not.toContain(secret)
  })
})

describe('a body', () => {
  const send = async (headers: readonly string[], body: string): Promise<string> => {
    const socket = connectTls({ host: '127.0.0.1', port: scene.registrar.port, rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    socket.write(['POST /v1/join HTTP/1.1', 'host: x', 'connection: close', ...headers, '', body].join('\r\n'))
    let text = ''
    for await (const part of socket) text += String(part)
    return text
  }
  const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`

  test('may come in chunks, without saying its length', async () => {
    const text = JSON.stringify({ ...(await joinRequestFor(scene, 'cabin')), preview: true })
    expect(await send(['transfer-encoding: chunked'], chunked(text))).toMatch(/^HTTP\/1\.1 200[^]*"home":"cabin"/)
  })

  test.each(['version', 'joinSecret', 'publicKey', 'homeSecret', 'lan', 'preview'])(
    'with a wrong %s is refused by the name of that field, and what was there is not repeated',
    async (field) => {
      const text = JSON.stringify({ ...(await joinRequestFor(scene, 'cabin')), [field]: 'hunter2' })
      const answer = await send(['transfer-encoding: chunked'], chunked(text))
      expect(answer).toMatch(/^HTTP\/1\.1 400[^]*request-invalid/)
      expect(answer).toContain(field)
      expect(answer).not.toContain('hunter2')
    },
  )

  test.each([
    ['that says it is too large', ['content-length: 70000'], ''],
    ['that is too large and did not say so', ['transfer-encoding: chunked'], chunked('x'.repeat(70_000))],
  ])('%s is refused', async (_which, headers, body) => {
    expect(await send(headers, body)).toMatch(/^HTTP\/1\.1 413[^]*body-too-large/)
  })
})

describe('connections', () => {
  const dial = async (): Promise<TLSSocket> => {
    const socket = connectTls({ host: '127.0.0.1', port: scene.registrar.port, rejectUnauthorized: false })
    socket.on('error', () => undefined)
    await once(socket, 'secureConnect')
    return socket
  }

  test('are of TLS 1.3 and of nothing older', async () => {
    const socket = await dial()
    expect(socket.getProtocol()).toBe('TLSv1.3')
    socket.destroy()
    const { port } = scene.registrar
    const old = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, maxVersion: 'TLSv1.2' })
    const [error] = (await once(old, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toContain('ALERT_PROTOCOL_VERSION')
  })

  test('that say nothing are ended, before and after the handshake', { timeout: 70_000 }, async () => {
    const mute = connectTcp(scene.registrar.port, '127.0.0.1')
    const shaken = await dial()
    shaken.write('POST /v1/join HTTP/1.1\r\nhost: x\r\n')
    const began = performance.now()
    for (const socket of [mute, shaken]) socket.resume()
    await Promise.all([once(mute, 'close'), once(shaken, 'close')])
    expect(performance.now() - began).toBeLessThan(9_000)
  })

  test('of one source may fill the house: the newest is let in all the same, and the oldest of its own goes', async () => {
    const open = Array.from({ length: 416 }, () => connectTcp(scene.registrar.port, '127.0.0.1'))
    const gone = open.map((socket) =>
      once(
        socket.resume().on('error', () => undefined),
        'close',
      ),
    )
    await Promise.all(open.map((socket) => once(socket, 'connect')))
    expect(await codeOf(register(scene, 'x.y', { publicKey: newKey() }))).toBe('home-unknown')
    await Promise.any(gone)
    for (const socket of open) socket.destroy()
  })

  test('of nine addresses, sixty-four each and none of which asks, keep no home out', async () => {
    const { bearer, request } = await joinAs(scene, 'cabin')
    const open = Array.from({ length: 9 * 64 }, (_, index) => {
      const localAddress = `127.0.0.${10 + (index % 9)}`
      return connectTcp({ port: scene.registrar.port, host: '127.0.0.1', localAddress }).on('error', () => undefined)
    })
    await Promise.all(open.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
    for (let round = 0; round < 10; round += 1)
      expect(await codeOf(register(scene, bearer, { publicKey: request.publicKey }))).toBe('none')
    for (const socket of open) socket.destroy()
  })
})
