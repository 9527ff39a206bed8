import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { readCertificate } from '../../../adapters/mikrotik/api/certificate.ts'
import type { FakeRouter } from './fake-router.ts'
import { encodeSentence, sentenceReader } from './api/framing.ts'
import { logIn, rowsOf, signal, start } from './router-session.ts'

/** What comes of a real router's line and nobody expects: each of it can be asked of the simulated one. */

/** The bare wire. */
async function wire(of: FakeRouter): Promise<{
  readonly socket: Socket
  readonly say: (...words: string[]) => void
  /** The next sentence. */
  readonly hear: () => Promise<readonly string[]>
}> {
  const socket = connect(of.plainPort ?? 0, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  const reader = sentenceReader(() => ({ wordBytes: 1e6, words: 1e3 }))
  const heard: (readonly string[])[] = []
  socket.on('data', (chunk: Buffer) => {
    heard.push(...reader.take(chunk))
    socket.emit('heard')
  })
  return {
    socket,
    say: (...words) => void socket.write(encodeSentence(words)),
    hear: async () => {
      while (heard.length === 0) await once(socket, 'heard', { signal: signal() })
      return heard.shift() ?? []
    },
  }
}

async function loggedInWire(of: FakeRouter): ReturnType<typeof wire> {
  const line = await wire(of)
  line.say('/login', `=name=old`, '=password=words')
  expect(await line.hear()).toEqual(['!done'])
  return line
}

const OLD = '/user/add name=old group=full password=words'

test('nothing is answered before login but that', async () => {
  const line = await wire(await start())
  line.say('/system/identity/print', '.tag=1')
  expect(await line.hear()).toEqual(['!trap', '=message=not logged in', '.tag=1'])
  expect(await line.hear()).toEqual(['!done', '.tag=1'])
})

test('before login words are short', async () => {
  const line = await wire(await start())
  line.say('/login', `=name=${'x'.repeat(5_000)}`)
  await once(line.socket, 'close', { signal: signal() })
})

test('a cancelled command says so, and its end comes after the cancel’s', async () => {
  const line = await loggedInWire(await start({ setup: OLD }))
  line.say('/tool/ping', '=address=127.0.0.1', '.tag=long')
  expect((await line.hear()).slice(0, 2)).toEqual(['!re', '=seq=0'])
  line.say('/cancel', '=tag=long', '.tag=stop')
  const sentences = [await line.hear(), await line.hear(), await line.hear()]
  expect(sentences).toEqual([
    ['!trap', '=category=2', '=message=interrupted', '.tag=long'],
    ['!done', '.tag=stop'],
    ['!done', '.tag=long'],
  ])
})

test('an empty print says so from 7.18 on', async () => {
  const line = await loggedInWire(await start({ setup: OLD }))
  line.say('/ip/route/print', '.tag=1')
  expect([await line.hear(), await line.hear()]).toEqual([
    ['!empty', '.tag=1'],
    ['!done', '.tag=1'],
  ])
})

test('listen tells what comes, changes and goes, until it is cancelled', async () => {
  const of = await start({ setup: OLD })
  const line = await loggedInWire(of)
  line.say('/ip/route/listen', '=.proplist=.id,comment', '.tag=l')
  // The answer to the next shows that the first was read.
  line.say('/system/identity/print', '.tag=i')
  expect([await line.hear(), await line.hear()]).toEqual([
    ['!re', '=name=MikroTik', '.tag=i'],
    ['!done', '.tag=i'],
  ])
  await of.console('/ip/route/add dst-address=10.1.0.0/16 gateway=ether1 comment=a')
  const [, id = '', comment] = await line.hear()
  expect(comment).toBe('=comment=a')
  await of.console(`/ip/route/remove ${id.replace('=.id=', '')}`)
  expect(await line.hear()).toEqual(['!re', id, '=.dead=true', '.tag=l'])
  line.say('/cancel', '=tag=l', '.tag=c')
  expect(await line.hear()).toEqual(['!trap', '=category=2', '=message=interrupted', '.tag=l'])
})

test.each(['fin', 'rst', 'fatal', 'garbage', 'reserved-length'] as const)(
  'a session ends by %s, and the next one is as good as ever',
  async (how) => {
    const of = await start()
    const session = await logIn(of)
    of.dropSessions(how)
    if (how === 'garbage') session.close()
    expect(await session.ended).not.toBe('')
    const next = await logIn(of)
    expect(await rowsOf(next, '/system/identity')).toEqual([{ name: 'MikroTik' }])
  },
)

test('what was cancelled may answer late', async () => {
  const of = await start({ setup: OLD })
  of.misbehave({ kind: 'late-reply', ms: 5 })
  const line = await loggedInWire(of)
  line.say('/execute', '=script=:delay 1h', '=as-string=', '.tag=long')
  line.say('/cancel', '=tag=long', '.tag=stop')
  for (let count = 0; count < 3; count += 1) await line.hear()
  expect(await line.hear()).toEqual(['!re', '=name=late', '.tag=long'])
  expect(await line.hear()).toEqual(['!done', '.tag=long'])
  // Our own client is none the worse for it.
  const session = await logIn(of)
  const long = { command: '/execute', attributes: { script: ':delay 1h', 'as-string': '' } }
  await expect(session.exec(long, signal(), 50)).rejects.toMatchObject({ code: 'router-timeout' })
  expect(await rowsOf(session, '/system/identity')).toEqual([{ name: 'MikroTik' }])
})

test.each(['fin', 'rst'] as const)('who is refused at the door by %s learns it at once', async (how) => {
  const of = await start()
  of.misbehave({ kind: 'refuse', how })
  await expect(logIn(of)).rejects.toMatchObject({ code: 'router-unreachable' })
  of.misbehave(null)
  await logIn(of)
})

test('an answer may be late, and one that nobody asked for may come before it', async () => {
  const of = await start()
  const session = await logIn(of)
  of.misbehave({ kind: 'delay', ms: 300 })
  const print = { command: '/system/identity/print' }
  await expect(session.exec(print, signal(), 50)).rejects.toMatchObject({ code: 'router-timeout' })
  of.misbehave({ kind: 'stray-tag' })
  expect(await rowsOf(session, '/system/identity')).toEqual([{ name: 'MikroTik' }])
})

test('without a certificate anybody is encrypted with, and nobody proves who he is', async () => {
  const of = await start({ tls: 'anonymous' })
  expect(of.fingerprint).toBe('')
  await expect(readCertificate('127.0.0.1', of.tlsPort ?? 0, signal())).rejects.toMatchObject({
    code: 'router-certificate-missing',
  })
})

test('a line that is cut says nothing at all', async () => {
  const of = await start()
  const session = await logIn(of)
  of.dropSessions('silent')
  const print = session.exec({ command: '/system/identity/print' }, signal(), 200)
  await expect(print).rejects.toMatchObject({ code: 'router-timeout' })
})

test('words that nobody knows are refused everywhere', async () => {
  const session = await logIn(await start())
  for (const command of ['/system/identity/print', '/interface/print', '/execute', '/tool/ping', '/ip/route/print'])
    await expect(session.exec({ command, attributes: { nonsense: '1' } }, signal()), command).rejects.toThrow(
      'unknown parameter nonsense',
    )
})
