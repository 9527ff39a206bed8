import type { Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { openSession } from '../../../../adapters/mikrotik/api/api.ts'
import { readCertificate } from '../../../../adapters/mikrotik/api/certificate.ts'
import { fingerprintOf, makeCertificate } from '../../../../hub/settings/certificate.ts'
import { type RawRouter, sentence, startRawRouter } from '../raw-router.ts'

const never = new AbortController().signal
const ours = makeCertificate(['192.168.88.1'])
const pin = fingerprintOf(ours.certificate)
const withCertificate: TlsOptions = { key: ours.key, cert: ours.certificate }
/** An api-ssl without a certificate. */
const ANONYMOUS: TlsOptions = { ciphers: 'ADH-AES256-GCM-SHA384:@SECLEVEL=0', maxVersion: 'TLSv1.2', dhparam: 'auto' }

let router: RawRouter | null = null

afterEach(async () => {
  await router?.close()
  router = null
})

async function start(...given: Parameters<typeof startRawRouter>): Promise<RawRouter> {
  router = await startRawRouter(...given)
  return router
}

const done: Parameters<typeof startRawRouter>[0] = (_words, tag, socket) => socket.write(sentence('!done', tag))

/** Fails when anything of a failed attempt is left. */
async function expectNothingLeft(): Promise<void> {
  await expect.poll(() => router?.sockets.size).toBe(0)
}

test('first contact shows the fingerprint and sends nothing', async () => {
  const { port, heard } = await start(done, { tls: withCertificate })
  expect(await readCertificate('127.0.0.1', port, never)).toEqual({ fingerprint: pin, subject: 'CN=homeward hub' })
  await expectNothingLeft()
  expect(heard).toEqual([])
})

test('the pinned router is spoken to, whatever its certificate’s names say', async () => {
  const { access } = await start(done, { tls: withCertificate })
  const session = await openSession(access(pin), never)
  await session.exec({ command: '/interface/print' }, never)
  session.close()
  await expectNothingLeft()
})

test('another certificate than the pinned one gets not a word', async () => {
  const { access, heard } = await start(done, { tls: withCertificate })
  const other = fingerprintOf(makeCertificate(['192.168.88.1']).certificate)
  await expect(openSession(access(other), never)).rejects.toMatchObject({
    code: 'router-certificate-mismatch',
    why: expect.stringContaining(pin),
  })
  await expectNothingLeft()
  expect(heard).toEqual([])
})

test('TLS without a certificate is told from a handshake that was refused for another reason', async () => {
  const { access, port, heard } = await start(done, { tls: ANONYMOUS })
  for (const attempt of [() => openSession(access(pin), never), () => readCertificate('127.0.0.1', port, never)])
    await expect(attempt()).rejects.toMatchObject({ code: 'router-certificate-missing' })
  await expectNothingLeft()
  expect(heard).toEqual([])

  await router?.close()
  const other = await start(done, { tls: { ciphers: 'PSK-AES256-GCM-SHA384:@SECLEVEL=0', maxVersion: 'TLSv1.2' } })
  await expect(readCertificate('127.0.0.1', other.port, never)).rejects.toMatchObject({ code: 'router-unreachable' })
})

test('TLS towards the plain port ends, and names the two ports', async () => {
  const silent = await start(() => undefined)
  await expect(readCertificate('127.0.0.1', silent.port, AbortSignal.timeout(100))).rejects.toMatchObject({
    code: 'router-unreachable',
    why: expect.stringMatching(/no answer in time.*8729/),
  })
  await expectNothingLeft()

  await router?.close()
  const talking = await start(() => undefined, { onConnect: (socket) => socket.write(sentence('!fatal', 'not this')) })
  await expect(readCertificate('127.0.0.1', talking.port, never)).rejects.toMatchObject({
    why: expect.stringContaining('speaks no TLS'),
  })
})

test('plain words towards the TLS port end, and name the two ports', async () => {
  const { access, heard } = await start(done, { tls: withCertificate })
  await expect(openSession(access(null), never)).rejects.toMatchObject({
    code: 'router-unreachable',
    why: expect.stringContaining('8729'),
  })
  await expectNothingLeft()
  expect(heard).toEqual([])
})

test('a port where nothing listens, and a name that leads nowhere, say so', async () => {
  const { access } = await start(done)
  await router?.close()
  for (const certificate of [null, pin])
    await expect(openSession(access(certificate), never)).rejects.toMatchObject({
      code: 'router-unreachable',
      why: expect.stringContaining('nothing listens'),
    })
  await expect(openSession({ ...access(), host: 'router.invalid' }, never)).rejects.toMatchObject({
    code: 'name-unresolved',
  })
})

for (const [how, hangUp] of [
  ['a FIN', (socket) => socket.end()],
  ['an RST', (socket) => socket.resetAndDestroy()],
  ['a !fatal', (socket) => socket.end(sentence('!fatal', 'too many sessions'))],
] as const satisfies readonly (readonly [string, (socket: Socket) => void])[])
  test(`${how} instead of a login ends the attempt`, async () => {
    const { access } = await start(done, { onConnect: hangUp })
    await expect(openSession(access(null), never)).rejects.toMatchObject({ code: 'router-unreachable' })
    await expect(openSession(access(pin), never)).rejects.toMatchObject({ code: 'router-unreachable' })
    await expectNothingLeft()
  })

test('a login that is never answered ends with the signal', async () => {
  const { access } = await start(() => undefined, { logsIn: false })
  const calledOff = new AbortController()
  const attempt = openSession(access(), calledOff.signal)
  await expect.poll(() => router?.heard.length).toBe(1)
  calledOff.abort()
  await expect(attempt).rejects.toMatchObject({ code: 'interrupted' })
  await expectNothingLeft()
})

test('an attempt that was called off before it began opens nothing', async () => {
  const { access, sockets } = await start(done, { tls: withCertificate })
  for (const certificate of [null, pin])
    await expect(openSession(access(certificate), AbortSignal.abort())).rejects.toMatchObject({ code: 'interrupted' })
  expect(sockets.size).toBe(0)
})
